import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { inspect } from 'node:util'
import { Fault } from '../../kernel/fault.ts'
import type { OAuthDefinition } from '../../kernel/mcp/server-definition.ts'
import { startOAuthServer } from '../../testing/oauth-server.ts'
import { startProtectedServer } from '../../testing/protected-server.ts'
import { answerOf, call, logIn, loginFixture, never, type LoginFixture } from '../../testing/upstream-login.ts'

suite('servers that break the rules', () => {
  const beginRefused: [why: string, set: (fixture: LoginFixture) => void, code: string, says: RegExp][] = [
    [
      'no PKCE',
      ({ as }) => (as.behaviour.metadata = { code_challenge_methods_supported: undefined }),
      'upstream_failed',
      /PKCE/,
    ],
    [
      'plain PKCE',
      ({ as }) => (as.behaviour.metadata = { code_challenge_methods_supported: ['plain'] }),
      'upstream_failed',
      /PKCE/,
    ],
    [
      'another issuer',
      ({ as }) => (as.behaviour.metadata = { issuer: 'https://honest.example' }),
      'upstream_failed',
      /issuer/,
    ],
    [
      'another resource',
      ({ mcp }) => (mcp.behaviour.metadata = { resource: 'https://bank.example/mcp' }),
      'upstream_failed',
      /calls itself/,
    ],
    [
      'a login server at home',
      ({ mcp }) => (mcp.behaviour.metadata = { authorization_servers: ['https://192.168.1.1'] }),
      'upstream_failed',
      /192\.168\.1\.1/,
    ],
    [
      'a login server without TLS',
      ({ mcp }) => (mcp.behaviour.metadata = { authorization_servers: ['http://as.example'] }),
      'upstream_failed',
      /not HTTPS/,
    ],
    [
      'a login page without TLS',
      ({ as }) => (as.behaviour.metadata = { authorization_endpoint: 'http://as.example/' }),
      'upstream_failed',
      /login page/,
    ],
    [
      'a login page that is a script',
      ({ as }) => (as.behaviour.metadata = { authorization_endpoint: 'javascript:alert(1)' }),
      'upstream_failed',
      /metadata/,
    ],
    [
      'registration at home',
      ({ as }) => (as.behaviour.metadata = { registration_endpoint: 'http://10.0.0.1/' }),
      'upstream_failed',
      /10\.0\.0\.1/,
    ],
    [
      'metadata without sense',
      ({ as }) =>
        (as.behaviour.answers = { '/.well-known/oauth-authorization-server': { status: 200, body: '<html>' } }),
      'upstream_failed',
      /metadata/,
    ],
    [
      'no metadata at all',
      ({ as }) => (as.behaviour.answers = { '/.well-known/oauth-authorization-server': { status: 404 } }),
      'upstream_failed',
      /no metadata/,
    ],
    [
      'a login server that fails',
      ({ as }) => (as.behaviour.answers = { '/.well-known/oauth-authorization-server': { status: 500 } }),
      'unavailable',
      /HTTP 500/,
    ],
    [
      'a registration that fails',
      ({ as }) => (as.behaviour.answers = { '/register': { status: 500, body: '{"error":"server_error"}' } }),
      'unavailable',
      /failed at registering/,
    ],
    [
      'a login server that is asked too often',
      ({ as }) => (as.behaviour.answers = { '/.well-known/oauth-authorization-server': { status: 429 } }),
      'unavailable',
      /asked too often/,
    ],
    [
      'a registration that is refused',
      ({ as }) => (as.behaviour.answers = { '/register': { status: 400, body: '{"error":"invalid_redirect_uri"}' } }),
      'upstream_failed',
      /registers no clients/,
    ],
    ['an upstream that fails', ({ mcp }) => (mcp.behaviour.metadataAnswer = { status: 503 }), 'unavailable', /notes/],
  ]
  for (const [why, set, code, message] of beginRefused)
    test(`${why}: nothing is begun`, async (t) => {
      const fixture = await loginFixture(t)
      set(fixture)
      await assert.rejects(fixture.login().begin('owner', never), { code, message })
      assert.equal(fixture.as.count('/authorize'), 0)
    })

  for (const address of ['http://169.254.169.254/latest', 'https://10.0.0.1/', 'http://[::ffff:10.0.0.1]/'])
    test(`metadata that redirects to ${address} is not followed`, async (t) => {
      const { mcp, login } = await loginFixture(t)
      mcp.behaviour.metadataAnswer = { status: 302, location: address }
      await assert.rejects(login().begin('owner', never), { code: 'upstream_failed' })
    })

  for (const iss of ['wrong', 'with_slash', 'absent'] as const)
    test(`an answer whose iss is ${iss}: the code goes nowhere`, async (t) => {
      const { as, login } = await loginFixture(t)
      as.behaviour.iss = iss
      await assert.rejects(logIn(login(), as), { code: 'upstream_failed', message: /not from the server/ })
      assert.equal(as.count('/token'), 0)
    })

  test('a missing iss is fine where it was not promised; a wrong one is not', async (t) => {
    const { as, login } = await loginFixture(t)
    as.behaviour.metadata = { authorization_response_iss_parameter_supported: undefined }
    as.behaviour.iss = 'absent'
    await logIn(login(), as)
    as.behaviour.iss = 'wrong'
    await assert.rejects(logIn(login(), as), { code: 'upstream_failed' })
  })

  test('a person who says no, and an error that pretends to be theirs', async (t) => {
    const { as, login } = await loginFixture(t)
    as.behaviour.denies = true
    await assert.rejects(logIn(login(), as), { code: 'forbidden', message: /access_denied/ })
    as.behaviour.iss = 'wrong'
    await assert.rejects(logIn(login(), as), (error: Error) => !error.message.includes('access_denied'))
  })

  test("a code that is not this login's is refused by its server", async (t) => {
    const { as, login } = await loginFixture(t)
    const notes = login()
    const { authorizationUrl } = await notes.begin('owner', never)
    const stolen = answerOf(await as.approve((await notes.begin('mallory', never)).authorizationUrl))
    const own = answerOf(await as.approve(authorizationUrl))
    await assert.rejects(notes.finish({ ...stolen, state: own.state }, never), {
      code: 'upstream_failed',
      message: /invalid_grant/,
    })
    assert.deepEqual((await notes.status()).is, 'logged_out')
  })

  test('a token of a kind that cannot be used', async (t) => {
    const { as, login } = await loginFixture(t)
    as.behaviour.tokenType = 'DPoP'
    await assert.rejects(logIn(login(), as), { code: 'upstream_failed', message: /DPoP/ })
  })

  for (const bad of ['', 'a b', 'a\r\nX-Evil: 1', 'ä'])
    test(`the token ${JSON.stringify(bad)} ends no login`, async (t) => {
      const { as, login } = await loginFixture(t)
      const body = JSON.stringify({ access_token: bad, token_type: 'bearer' })
      as.behaviour.answers = { '/token': { status: 200, body } }
      await assert.rejects(logIn(login(), as), { code: 'upstream_failed', message: /no request can carry/ })
    })

  test('a token for somebody else is refused by the upstream, which is asked no more for some minutes', async (t) => {
    const { as, mcp, clock, login } = await loginFixture(t)
    const notes = login()
    as.behaviour.audience = 'https://bank.example'
    await logIn(notes, as)
    await assert.rejects(call(notes, mcp), { code: 'unauthenticated', message: /refuses a token/ })
    const asked = mcp.seen.length
    await assert.rejects(call(notes, mcp), { code: 'unauthenticated' })
    assert.equal(mcp.seen.length, asked)
    as.behaviour.audience = undefined
    clock.advance(300_000)
    assert.equal(await call(notes, mcp), 200)
  })

  test('an upstream that moves to another login server gets neither the tokens nor the client of the first', async (t) => {
    const { as, mcp, clock, login } = await loginFixture(t)
    const notes = login()
    await logIn(notes, as)
    const other = await startOAuthServer(t, clock)
    mcp.behaviour.authorizationServer = other
    await assert.rejects(call(notes, mcp), { code: 'unauthenticated', message: /another login server/ })
    await logIn(notes, other)
    assert.equal(await call(notes, mcp), 200)
    const sent = other.seen.map(({ params, body }) => `${params.toString()}${body}`).join('\n')
    for (const id of [...as.clients.keys(), ...as.tokens.keys()]) assert.ok(!sent.includes(id))
  })

  test('a configured secret goes to the login server it was first used at, and to no other', async (t) => {
    const { as, mcp, clock, login } = await loginFixture(t)
    const definition: OAuthDefinition = {
      grant: 'client_credentials',
      clientId: 'hub',
      clientSecret: 's3cret-of-the-hub',
      allowPrivateAddresses: false,
    }
    as.clients.set('hub', { secret: 's3cret-of-the-hub', redirectUris: [] })
    const notes = login({ definition })
    assert.equal(await call(notes, mcp), 200)
    const evil = await startOAuthServer(t, clock)
    mcp.behaviour.authorizationServer = evil
    await assert.rejects(call(notes, mcp), { code: 'conflict', hint: /alicia logout notes/ })
    assert.equal(evil.count('/token'), 0)
    await notes.logout('owner', never)
    evil.clients.set('hub', { secret: 's3cret-of-the-hub', redirectUris: [] })
    assert.equal(await call(notes, mcp), 200)
  })

  test('a token goes to no other origin, and nobody else’s goes to the upstream', async (t) => {
    const { as, mcp, login } = await loginFixture(t)
    const notes = login()
    await logIn(notes, as)
    await assert.rejects(notes.fetch()(`${as.issuer}/mcp`, { method: 'POST' }), { code: 'upstream_failed' })
    const headers = { authorization: 'Bearer token-of-the-caller' }
    await notes.fetch()(mcp.url, { method: 'POST', headers, body: '{"method":"x"}' })
    await notes.logout('owner', never)
    await assert.rejects(notes.fetch()(mcp.url, { method: 'POST', headers, body: '{}' }))
    assert.deepEqual(
      [as.count('/mcp'), mcp.seen.some(({ authorization }) => authorization?.includes('caller'))],
      [0, false],
    )
  })

  test('a login server that says nothing ends with the hub, or with who began', async (t) => {
    const { as, login } = await loginFixture(t)
    as.behaviour.answers = { '/.well-known/oauth-authorization-server': 'silence' }
    const [left, hub] = [login(), login()]
    const abort = new AbortController()
    const waiting = [left.begin('owner', abort.signal), hub.begin('owner', never)]
    abort.abort(new Fault('cancelled', 'The caller left.'))
    hub.close()
    await assert.rejects(waiting[0] as Promise<unknown>, { code: 'cancelled' })
    await assert.rejects(waiting[1] as Promise<unknown>, { code: 'stopping' })
  })

  test('a server that takes the name of another one does not get its tokens', async (t) => {
    const { as, mcp, clock, login } = await loginFixture(t)
    await logIn(login(), as)
    const other = await startProtectedServer(t, as, clock)
    await assert.rejects(call(login({ url: other.url }), other), { code: 'unauthenticated', message: /address/ })
    assert.ok(other.seen.every(({ authorization }) => authorization === undefined))
    await assert.rejects(call(login({ url: `${mcp.origin}/other` }), { ...mcp, url: `${mcp.origin}/mcp` }))
    assert.ok(mcp.seen.every(({ authorization }) => authorization === undefined))
  })

  test('an upstream in the clear gets no token', async (t) => {
    const { login } = await loginFixture(t)
    const notes = login({ url: 'http://mcp.example/mcp', fetch: () => Promise.reject(new TypeError('fetch failed')) })
    await assert.rejects(notes.begin('owner', never), { code: 'conflict', message: /not reached over HTTPS/ })
  })

  test('no fault and no line of the log quotes what the login server answers', async (t) => {
    const { as, mcp, clock, log, login } = await loginFixture(t)
    const notes = login()
    await logIn(notes, as)
    as.behaviour.answers = {
      '/token': { status: 400, body: 'refresh-SECRET' },
      '/revoke': { status: 400, body: 'SECRET' },
    }
    clock.advance(3_600_000)
    await assert.rejects(call(notes, mcp), (error: Error) => !inspect(error).includes('SECRET'))
    await notes.logout('owner', never)
    assert.ok(!log.join('').includes('SECRET'))
  })
})
