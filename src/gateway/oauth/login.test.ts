import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { OAuthDefinition } from '../../kernel/mcp/server-definition.ts'
import { answerOf, call, logIn, loginFixture, never, REDIRECT_URL } from '../../testing/upstream-login.ts'

const machine: OAuthDefinition = {
  grant: 'client_credentials',
  clientId: 'hub',
  clientSecret: 's3cret-of-the-hub',
  allowPrivateAddresses: false,
}

suite('logging in at an upstream', () => {
  test('without a login a call says what to do; with one it gets through', async (t) => {
    const { as, mcp, changes, login } = await loginFixture(t)
    const notes = login()
    await assert.rejects(call(notes, mcp), { code: 'unauthenticated', message: /notes/, hint: /alicia login notes/ })
    assert.deepEqual(await notes.status(), { is: 'logged_out', reason: 'nobody has logged in yet' })
    const asked = await logIn(notes, as)
    assert.equal(await call(notes, mcp), 200)
    assert.partialDeepStrictEqual(await notes.status(), { is: 'logged_in', issuer: as.issuer, renews: true })
    assert.deepEqual(changes, [['owner', 'logged_in']])
    assert.deepEqual(
      ['response_type', 'code_challenge_method', 'redirect_uri', 'resource'].map((name) => asked.get(name)),
      ['code', 'S256', REDIRECT_URL, mcp.url],
    )
    const exchange = as.seen.find(({ path }) => path === '/token')
    assert.equal(exchange?.params.get('resource'), mcp.url)
  })

  test('persons have logins of their own, and nobody in particular is the owner', async (t) => {
    const { as, mcp, login } = await loginFixture(t)
    const notes = login()
    await logIn(notes, as, 'owner')
    await assert.rejects(call(notes, mcp, 'tools/list', 'ada'), { code: 'unauthenticated' })
    await logIn(notes, as, 'ada')
    for (const person of ['ada', 'owner', undefined]) assert.equal(await call(notes, mcp, 'tools/list', person), 200)
    const [ada, owner, nobody] = mcp.seen.filter(({ path }) => path === '/mcp').slice(-3)
    assert.notEqual(ada?.authorization, owner?.authorization)
    assert.equal(owner?.authorization, nobody?.authorization)
  })

  test('a login outlives the hub, and nothing of it lies open in the store or the log', async (t) => {
    const { as, mcp, log, login } = await loginFixture(t)
    await logIn(login(), as)
    assert.equal(await call(login(), mcp), 200)
    assert.equal(as.count('/register'), 1)
    for (const token of as.tokens.keys()) assert.ok(!log.join('').includes(token))
  })

  test('a token is renewed before it ends, once for all who ask, and the rotated one is kept', async (t) => {
    const { as, mcp, clock, login } = await loginFixture(t)
    const notes = login()
    await logIn(notes, as)
    clock.advance(3_541_000)
    assert.deepEqual(await Promise.all(Array.from({ length: 5 }, () => call(notes, mcp))), [200, 200, 200, 200, 200])
    assert.equal(as.count('/token'), 2)
    clock.advance(3_541_000)
    assert.equal(await call(login(), mcp), 200, 'a hub that starts anew has the rotated one')
    assert.equal(as.count('/token'), 3)
  })

  test('a life shorter than a minute is renewed in its middle, not at every call', async (t) => {
    const { as, mcp, clock, login } = await loginFixture(t)
    as.behaviour.lifeSeconds = 20
    const notes = login()
    await logIn(notes, as)
    await call(notes, mcp)
    assert.equal(as.count('/token'), 1)
    clock.advance(10_000)
    await call(notes, mcp)
    await call(notes, mcp)
    assert.equal(as.count('/token'), 2)
  })

  test('a token that the server forgets is renewed by its refusal, once for all', async (t) => {
    const { as, mcp, login } = await loginFixture(t)
    const notes = login()
    await logIn(notes, as)
    for (const [token, { kind }] of as.tokens) if (kind === 'access') as.tokens.delete(token)
    const before = as.seen.length
    assert.deepEqual(await Promise.all([call(notes, mcp), call(notes, mcp), call(notes, mcp)]), [200, 200, 200])
    assert.equal(as.seen.length, before + 2, 'its metadata and a token')
  })

  test('while the authorization server is down a token is used to its end', async (t) => {
    const { as, mcp, clock, login } = await loginFixture(t)
    const notes = login()
    await logIn(notes, as)
    as.behaviour.answers = { '/token': { status: 503 } }
    clock.advance(3_550_000)
    assert.equal(await call(notes, mcp), 200)
    clock.advance(51_000)
    await assert.rejects(call(notes, mcp), { code: 'unavailable', message: /notes/ })
    as.behaviour.answers = {}
    assert.equal(await call(notes, mcp), 200)
  })

  test('a refresh token that is worth nothing ends the login', async (t) => {
    const { as, mcp, clock, changes, login } = await loginFixture(t)
    const notes = login()
    await logIn(notes, as)
    as.tokens.clear()
    clock.advance(3_600_000)
    await assert.rejects(call(notes, mcp), { code: 'unauthenticated', message: /ended or has expired/ })
    assert.deepEqual(changes.at(-1), ['owner', 'logged_out'])
    const before = as.count('/token')
    await assert.rejects(call(notes, mcp), { code: 'unauthenticated' })
    await assert.rejects(call(login(), mcp), { code: 'unauthenticated' })
    assert.equal(as.count('/token'), before)
  })

  for (const [status, says] of [
    [404, /does not say at the moment/],
    [403, /does not say at the moment/],
    [429, /asked too often/],
    [500, /HTTP 500/],
  ] as const)
    test(`a server that answers ${status} for where to log in has not moved: the login is kept`, async (t) => {
      const { as, mcp, clock, login } = await loginFixture(t)
      const notes = login()
      await logIn(notes, as)
      clock.advance(3_600_000)
      mcp.behaviour.metadataAnswer = { status }
      await assert.rejects(call(notes, mcp), { code: 'unavailable', message: says })
      assert.equal((await notes.status()).is, 'logged_in')
      mcp.behaviour.metadataAnswer = undefined
      assert.equal(await call(notes, mcp), 200)
    })

  test('hubs on one database take over each other’s logins and renewals, and never show a spent refresh token', async (t) => {
    const { as, mcp, clock, login } = await loginFixture(t)
    const [one, other] = [login(), login()]
    await assert.rejects(call(other, mcp), { code: 'unauthenticated' })
    await logIn(one, as)
    assert.equal(await call(other, mcp), 200)
    for (const hub of [one, other, one]) {
      clock.advance(3_600_000)
      assert.deepEqual(await Promise.all([call(hub, mcp), call(hub, mcp)]), [200, 200])
      assert.equal(await call(hub === one ? other : one, mcp), 200)
    }
    assert.equal(as.count('/token'), 4)
    await one.logout('owner', never)
    await assert.rejects(call(other, mcp), { code: 'unauthenticated' })
  })

  test('a client that its server has forgotten is registered anew at the next login', async (t) => {
    const { as, mcp, clock, login } = await loginFixture(t)
    const notes = login()
    await logIn(notes, as)
    as.clients.clear()
    clock.advance(3_600_000)
    await assert.rejects(call(notes, mcp), { code: 'unauthenticated', message: /does not know Alicia/ })
    await logIn(notes, as)
    assert.equal(await call(notes, mcp), 200)
    assert.equal(as.count('/register'), 2)
  })

  test('a hub at another address is another client at the next login; the old ones go on', async (t) => {
    const { as, mcp, clock, login } = await loginFixture(t)
    await logIn(login(), as, 'ada')
    const moved = login({ redirectUrl: 'http://127.0.0.1:9999/oauth/callback' })
    await logIn(moved, as, 'bob')
    assert.equal(as.clients.size, 2)
    clock.advance(3_600_000)
    for (const person of ['ada', 'bob']) assert.equal(await call(moved, mcp, 'tools/list', person), 200)
  })

  test('a registration whose secret is about to end is made anew', async (t) => {
    const { as, clock, login } = await loginFixture(t)
    const endsAt = Math.floor(clock.now() / 1000) + 3600
    const body = JSON.stringify({
      client_id: 'short',
      client_secret: 's',
      redirect_uris: [REDIRECT_URL],
      client_secret_expires_at: endsAt,
    })
    as.behaviour.answers = { '/register': { status: 201, body } }
    await login().begin('owner', never)
    await login().begin('owner', never)
    assert.equal(as.count('/register'), 1)
    clock.advance(3_590_000 - 600_000 + 10_000)
    await login().begin('owner', never)
    assert.equal(as.count('/register'), 2)
  })

  test('a configuration with another clientId wants another login', async (t) => {
    const { as, mcp, clock, login } = await loginFixture(t)
    as.clients.set('old', { redirectUris: [REDIRECT_URL] })
    const definition = (clientId: string): OAuthDefinition => ({
      grant: 'authorization_code',
      clientId,
      allowPrivateAddresses: false,
    })
    await logIn(login({ definition: definition('old') }), as)
    clock.advance(3_600_000)
    await assert.rejects(call(login({ definition: definition('new') }), mcp), {
      code: 'unauthenticated',
      message: /another clientId/,
    })
  })

  test('a client that its server forgets between the two halves of a login', async (t) => {
    const { as, login } = await loginFixture(t)
    const notes = login()
    const { authorizationUrl } = await notes.begin('owner', never)
    const answer = answerOf(await as.approve(authorizationUrl))
    as.clients.clear()
    await assert.rejects(notes.finish(answer, never), { code: 'upstream_failed', message: /invalid_client/ })
    await logIn(notes, as)
    assert.equal(as.count('/register'), 2)
  })

  test('who logs out and in again begins anew: client and scopes', async (t) => {
    const { as, mcp, login } = await loginFixture(t)
    mcp.behaviour.scopes = { 'tools/call': ['write'] }
    const notes = login()
    await logIn(notes, as)
    await assert.rejects(call(notes, mcp, 'tools/call'), { code: 'forbidden' })
    await notes.logout('owner', never)
    assert.equal((await logIn(notes, as)).get('scope'), null)
    assert.equal(as.count('/register'), 2)
  })

  test('a registration that its server has lost is forgotten by a logout, even of nobody', async (t) => {
    const { as, login } = await loginFixture(t)
    const notes = login()
    await notes.begin('owner', never)
    as.clients.clear()
    const { authorizationUrl } = await notes.begin('owner', never)
    await assert.rejects(as.approve(authorizationUrl), /HTTP 400/)
    await notes.logout('owner', never)
    await logIn(notes, as)
  })

  test('where its metadata is, and for what to log in, is asked of the server itself', async (t) => {
    const { as, mcp, login } = await loginFixture(t)
    mcp.behaviour.metadataPath = '/somewhere/else.json'
    mcp.behaviour.challengedScope = 'basic'
    assert.equal((await logIn(login(), as)).get('scope'), 'basic')
  })

  test('a logout voids the tokens and keeps none', async (t) => {
    const { as, mcp, login } = await loginFixture(t)
    const notes = login()
    await logIn(notes, as)
    assert.deepEqual(await notes.logout('owner', never), { revoked: true })
    assert.equal(as.tokens.size, 0)
    await assert.rejects(call(login(), mcp), { code: 'unauthenticated' })
    assert.deepEqual(await notes.logout('owner', never), { revoked: false })
  })

  test('a logout works while the authorization server is away', async (t) => {
    const { as, mcp, login } = await loginFixture(t)
    const notes = login()
    await logIn(notes, as)
    as.behaviour.answers = { '/revoke': { status: 500 } }
    assert.deepEqual(await notes.logout('owner', never), { revoked: false })
    await assert.rejects(call(notes, mcp), { code: 'unauthenticated' })
  })

  test('more permission is asked for together with what there is, and refused for good if it does not help', async (t) => {
    const { as, mcp, login } = await loginFixture(t)
    mcp.behaviour.challengedScope = 'basic'
    mcp.behaviour.scopes = { 'tools/call': ['write'] }
    const notes = login()
    await assert.rejects(call(notes, mcp), { code: 'unauthenticated' })
    assert.equal((await logIn(notes, as)).get('scope'), 'basic')
    await assert.rejects(call(notes, mcp, 'tools/call'), { code: 'forbidden', hint: /alicia login notes/ })
    assert.equal(await call(notes, mcp), 200, 'what was allowed stays so')
    assert.equal((await logIn(notes, as)).get('scope'), 'basic write')
    assert.equal(await call(notes, mcp, 'tools/call'), 200)
    as.behaviour.grants = ['basic']
    await logIn(notes, as)
    await assert.rejects(call(notes, mcp, 'tools/call'), { code: 'forbidden', message: /all that it asks for/ })
  })

  for (const [why, set, expected] of [
    ['nothing: the server decides', {}, null],
    ['what the upstream lists', { listed: ['a', 'b'] }, 'a b'],
    ['what it says at its refusal', { listed: ['a'], challenged: 'c' }, 'c'],
    ['what the configuration says', { listed: ['a'], challenged: 'c', configured: ['d'] }, 'd'],
    [
      'a refresh token, where the server has a scope for it',
      { listed: ['a'], known: ['a', 'offline_access'] },
      'a offline_access',
    ],
    ['no refresh token alone', { known: ['offline_access'] }, null],
  ] as const)
    test(`scopes: ${why}`, async (t) => {
      const { as, mcp, login } = await loginFixture(t)
      const { listed, challenged, configured, known } = {
        listed: undefined,
        challenged: undefined,
        configured: undefined,
        known: undefined,
        ...set,
      }
      mcp.behaviour.metadata = { scopes_supported: listed }
      mcp.behaviour.challengedScope = challenged
      as.behaviour.metadata = { scopes_supported: known }
      const scopes = configured && { scopes: configured }
      const notes = login({ definition: { grant: 'authorization_code', allowPrivateAddresses: false, ...scopes } })
      await assert.rejects(call(notes, mcp), { code: 'unauthenticated' })
      const { authorizationUrl } = await notes.begin('owner', never)
      assert.equal(new URL(authorizationUrl).searchParams.get('scope'), expected)
    })

  test('a machine logs in by itself, again when its token ends, and for more when it is asked to', async (t) => {
    const { as, mcp, clock, login } = await loginFixture(t)
    as.clients.set('hub', { secret: 's3cret-of-the-hub', redirectUris: [] })
    mcp.behaviour.scopes = { 'tools/call': ['write'] }
    const notes = login({ definition: machine })
    assert.equal(await call(notes, mcp, 'tools/list', 'ada'), 200)
    assert.equal(await call(notes, mcp), 200)
    assert.equal(as.count('/token'), 1)
    clock.advance(3_600_000)
    assert.equal(await call(notes, mcp), 200)
    assert.equal(await call(notes, mcp, 'tools/call'), 200)
    assert.equal(as.count('/token'), 3)
    await assert.rejects(notes.begin('owner', never), { code: 'conflict' })
    as.behaviour.grants = ['basic']
    await notes.logout('owner', never)
    await assert.rejects(call(notes, mcp, 'tools/call'), { code: 'forbidden' })
  })

  test('clients: a metadata document where the server takes them', async (t) => {
    const { as, mcp, login } = await loginFixture(t)
    as.behaviour.metadata = { client_id_metadata_document_supported: true }
    const clientMetadataUrl = 'https://home.example/alicia.json'
    const definition: OAuthDefinition = { grant: 'authorization_code', clientMetadataUrl, allowPrivateAddresses: false }
    const notes = login({ definition })
    assert.equal((await logIn(notes, as)).get('client_id'), clientMetadataUrl)
    assert.equal(await call(notes, mcp), 200)
    assert.equal(as.count('/register'), 0)
  })

  test('clients: a server that registers nobody says what to configure', async (t) => {
    const { as, login } = await loginFixture(t)
    as.behaviour.metadata = { registration_endpoint: undefined }
    await assert.rejects(login().begin('owner', never), { code: 'upstream_failed', hint: /oauth\.clientId/ })
  })

  test('a server of 2025-03-26, without any metadata, has its endpoints beside it', async (t) => {
    const { mcp, login } = await loginFixture(t)
    mcp.behaviour.metadata = null
    await assert.rejects(login().begin('owner', never), { code: 'upstream_failed' })
    assert.ok(mcp.seen.some(({ path, method }) => path === '/register' && method === 'POST'))
  })

  test('the state works once, for ten minutes, and for who began', async (t) => {
    const { as, clock, login } = await loginFixture(t)
    const notes = login()
    const begin = async (account?: string) =>
      answerOf(await as.approve((await notes.begin('ada', never, account)).authorizationUrl))
    const answer = await begin()
    assert.deepEqual(notes.waiting(answer.state), {})
    assert.deepEqual(await notes.finish(answer, never), { person: 'ada' })
    await assert.rejects(notes.finish(answer, never), { code: 'not_found' })
    for (const account of ['bob', undefined]) {
      const hers = await begin('ada')
      assert.deepEqual(notes.waiting(hers.state), { account: 'ada' }, 'a look uses nothing up')
      await assert.rejects(notes.finish(hers, never, account), { code: 'forbidden', hint: /private window/ })
      await assert.rejects(notes.finish(hers, never, 'ada'), { code: 'not_found' }, 'whoever came, it is over')
    }
    assert.deepEqual(await notes.finish(await begin('ada'), never, 'ada'), { person: 'ada' })
    const { code: _, ...denied } = { ...(await begin('ada')), error: 'access_denied' }
    await assert.rejects(notes.finish(denied, never), { code: 'forbidden', message: /not allowed/ })
    const late = await begin()
    clock.advance(600_000)
    assert.equal(notes.waiting(late.state), undefined)
    await assert.rejects(notes.finish(late, never), { code: 'not_found', hint: /Begin again/ })
    await assert.rejects(notes.finish({ state: '', code: 'x' }, never), { code: 'not_found' })
  })
})
