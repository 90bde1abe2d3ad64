import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { suite, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { pkce, TestBrowser } from '../../testing/oauth-browser.ts'
import { PASSWORD, REDIRECT, startFlow } from './flow.fixture.ts'

suite('attacks on the authorization server', () => {
  test('nothing may frame a page, and nothing runs in it', async (t) => {
    const hub = await startFlow(t)
    await hub.addMia()
    const browser = new TestBrowser()
    const login = await browser.open(hub.authorizeUrl())
    const consent = await hub.signInAs(browser, login)
    const broken = await browser.open(hub.authorizeUrl({ client_id: 'nobody' }))
    const pages = [
      login,
      consent,
      broken,
      await browser.open(`${hub.origin}/pair`),
      await browser.open(`${hub.origin}/oauth/apps`),
    ]
    for (const { response, url } of pages) {
      const policy = response.headers.get('content-security-policy') ?? ''
      assert.match(policy, /default-src 'none'/, url)
      assert.match(policy, /frame-ancestors 'none'/, url)
      assert.match(policy, /form-action 'self'/, url)
      assert.doesNotMatch(policy, /unsafe|\*/, url)
      if (!url.endsWith('/pair')) assert.doesNotMatch(policy, /script-src/, url)
      assert.equal(response.headers.get('x-frame-options'), 'DENY', url)
      assert.equal(response.headers.get('cache-control'), 'no-store', url)
    }
  })

  test('a connection that is reset in the middle of a form prints nothing', async (t) => {
    const printed = t.mock.method(console, 'error', () => undefined)
    const hub = await startFlow(t)
    for (const path of ['/oauth/token', '/oauth/register', '/oauth/token', '/oauth/register']) {
      const socket = connect(Number(new URL(hub.origin).port), '127.0.0.1')
      const type = path === '/oauth/token' ? 'application/x-www-form-urlencoded' : 'application/json'
      const host = new URL(hub.origin).host
      socket.write(
        `POST ${path} HTTP/1.1\r\nHost: ${host}\r\nContent-Type: ${type}\r\nContent-Length: 54\r\n\r\n{"a":"b",`,
      )
      // So long that its beginning is being read.
      await delay(20)
      socket.resetAndDestroy()
    }
    await delay(20)
    assert.equal((await fetch(`${hub.origin}/.well-known/oauth-authorization-server`)).status, 200)
    assert.equal(printed.mock.callCount(), 0)
  })

  test('cookies are for HTTP alone, and of this site alone', async (t) => {
    const hub = await startFlow(t)
    const response = await fetch(hub.authorizeUrl(), { redirect: 'manual' })
    const cookies = response.headers.getSetCookie()
    assert.ok(cookies.length > 0)
    for (const cookie of cookies) {
      assert.match(cookie, /; httponly/i)
      assert.match(cookie, /; samesite=lax/i)
    }
  })

  test('a consent that another page sends is refused (CSRF)', async (t) => {
    const hub = await startFlow(t)
    await hub.addMia()
    const browser = new TestBrowser()
    const consent = await hub.signInAs(browser, await browser.open(hub.authorizeUrl()))
    const yes = [
      ['answer', 'allow'],
      ['scope', 'text:read'],
    ] as const
    const attempts: [string, readonly (readonly [string, string])[], object][] = [
      ['from another origin', yes, { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }],
      ['from another port of the machine', yes, { origin: 'http://127.0.0.1:1', 'sec-fetch-site': 'same-site' }],
      ['from nowhere', yes, { origin: 'null' }],
      ['without a token', [...yes, ['form', '']], {}],
      ['with the token of another step', [...yes, ['form', 'x'.repeat(43)]], {}],
    ]
    for (const [name, fields, headers] of attempts) {
      const { response } = await browser.submit(consent, fields, headers)
      assert.equal(response.status, 403, name)
    }
    const stranger = await new TestBrowser().submit(consent, yes)
    assert.equal(stranger.response.status, 404, 'with the address and the token, in another browser')
  })

  test('a step that was begun in one browser does not go on in another (session fixation)', async (t) => {
    const hub = await startFlow(t)
    await hub.addMia()
    const attacker = new TestBrowser()
    const planted = await attacker.open(hub.authorizeUrl())
    const victim = new TestBrowser()
    assert.equal((await victim.open(planted.url)).response.status, 404)
    // Neither does a session whose id somebody has planted: signing in gives it another.
    const before = JSON.stringify([...attacker.cookies].filter(([name]) => name.includes('session')))
    await hub.signInAs(attacker, planted)
    const after = JSON.stringify([...attacker.cookies].filter(([name]) => name.includes('session')))
    assert.notEqual(before, after)
  })

  test('consent cannot be skipped', async (t) => {
    const hub = await startFlow(t)
    await hub.addMia()
    const browser = new TestBrowser()
    const consent = await hub.signInAs(browser, await browser.open(hub.authorizeUrl()))
    const uid = consent.url.split('/').at(-1)
    const resumed = await browser.open(`${hub.origin}/oauth/authorize/${uid}`)
    assert.ok(!new URL(resumed.url).searchParams.has('code'), resumed.url)
    const silent = await browser.open(hub.authorizeUrl({ prompt: 'none' }))
    assert.equal(new URL(silent.url).searchParams.get('error'), 'consent_required')
    const denied = await browser.submit(await browser.open(hub.authorizeUrl()), [['answer', 'deny']])
    const answer = new URL(denied.url).searchParams
    assert.deepEqual([answer.get('error'), answer.get('iss'), answer.has('code')], ['access_denied', hub.origin, false])
  })

  test('browsers are sent nowhere but to where the client registered (open redirect)', async (t) => {
    const hub = await startFlow(t)
    const elsewhere = [
      'https://evil.example/',
      'http://127.0.0.1:9876/other',
      'http://127.0.0.1:9876/callback/../x',
      'http://127.0.0.1:9876/callback?x=1',
      'http://127.0.0.1:9876/callback#x',
      'http://localhost:9876/callback',
      'http://127.0.0.1@evil.example:9876/callback',
      'http://127.0.0.1:9876@evil.example/callback',
      'https://127.0.0.1:9876/callback',
      'javascript:alert(1)',
      '//evil.example/callback',
    ]
    for (const redirect of elsewhere) {
      const response = await fetch(hub.authorizeUrl({ redirect_uri: redirect }), { redirect: 'manual' })
      assert.equal(response.status, 400, redirect)
      assert.equal(response.headers.get('location'), null, redirect)
    }
    const otherPort = await fetch(hub.authorizeUrl({ redirect_uri: 'http://127.0.0.1:1234/callback' }), {
      redirect: 'manual',
    })
    assert.equal(otherPort.status, 303, 'a port of loopback is free (RFC 8252, 7.3)')
  })

  test('nobody registers a redirect to where a code would be lost', async (t) => {
    const hub = await startFlow(t)
    const refused = [
      [],
      ['http://home.example/callback'],
      ['javascript:alert(1)'],
      ['data:text/html,x'],
      ['file:///etc/passwd'],
      ['https://localhost/callback'],
      ['https://app.example/callback#x'],
      ['https://user:pass@app.example/'],
      ['no address'],
      Array.from({ length: 21 }, (_, at) => `https://app.example/${at}`),
    ]
    for (const redirects of refused)
      assert.equal(
        (await hub.register({ redirect_uris: redirects })).status,
        400,
        JSON.stringify(redirects).slice(0, 60),
      )
    const { body } = await hub.register({
      token_endpoint_auth_method: 'client_secret_basic',
      grant_types: ['authorization_code', 'implicit', 'client_credentials'],
      response_types: ['token'],
      scope: '*',
      jwks_uri: 'http://169.254.169.254/latest/meta-data',
      sector_identifier_uri: 'https://10.0.0.1/',
      logo_uri: 'https://evil.example/track.gif',
    })
    assert.partialDeepStrictEqual(body, {
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code'],
      response_types: ['code'],
    })
    for (const key of ['client_secret', 'scope', 'jwks_uri', 'sector_identifier_uri', 'logo_uri'])
      assert.ok(!(key in body), key)
  })

  test('PKCE with S256 is a must, and its proof has to be right', async (t) => {
    const hub = await startFlow(t)
    await hub.addMia()
    for (const params of [
      { code_challenge: undefined, code_challenge_method: undefined },
      { code_challenge_method: 'plain' },
      { code_challenge_method: undefined },
    ]) {
      const response = await fetch(hub.authorizeUrl(params), { redirect: 'manual' })
      const back = new URL(response.headers.get('location') ?? 'x:')
      assert.equal(back.searchParams.get('error'), 'invalid_request', JSON.stringify(params))
    }
    for (const verifier of [pkce().verifier, '', 'short']) {
      const code = (await hub.logIn()).get('code') ?? ''
      const { status, body } = await hub.redeem(code, { code_verifier: verifier })
      assert.equal(status, 400, verifier)
      assert.ok(!('access_token' in body))
    }
  })

  test('a code is good once, for its client, its redirect; used twice it ends what came of it', async (t) => {
    const hub = await startFlow(t)
    await hub.addMia()
    const other = String((await hub.register()).body['client_id'])
    for (const fields of [
      { client_id: other },
      { redirect_uri: 'http://127.0.0.1:9876/other' },
      { client_id: 'nobody' },
    ]) {
      const { body } = await hub.redeem((await hub.logIn()).get('code') ?? '', fields)
      assert.ok(!('access_token' in body), JSON.stringify(fields))
    }
    const code = (await hub.logIn()).get('code') ?? ''
    const { body } = await hub.redeem(code)
    await hub.whoIs(body['access_token'])
    assert.equal((await hub.redeem(code)).body['error'], 'invalid_grant')
    await assert.rejects(hub.whoIs(body['access_token']), { code: 'unauthenticated' })
    assert.equal((await hub.refresh(body['refresh_token'])).body['error'], 'invalid_grant')
  })

  test('a refresh token is good for its client alone, and for no more scope', async (t) => {
    const hub = await startFlow(t)
    await hub.addMia()
    const other = String((await hub.register()).body['client_id'])
    const { body } = await hub.redeem((await hub.logIn()).get('code') ?? '')
    assert.equal((await hub.refresh(body['refresh_token'], { client_id: other })).body['error'], 'invalid_grant')
    assert.equal(
      (await hub.refresh(body['refresh_token'], { scope: 'text:read text:write' })).body['error'],
      'invalid_scope',
    )
    const next = await hub.refresh(body['refresh_token'])
    assert.equal(next.status, 200)
    const foreign = await hub.refresh(next.body['refresh_token'], { resource: 'https://evil.example/mcp' })
    assert.equal(foreign.body['error'], 'invalid_target')
  })

  test('tokens are given for the hub’s own resources alone', async (t) => {
    const hub = await startFlow(t, { profiles: ['kids'] })
    const { port } = new URL(hub.origin)
    for (const resource of [
      'https://evil.example/mcp',
      `http://127.0.0.1:${Number(port) + 1}/mcp`,
      `http://127.0.0.1:${port}.evil.example/mcp`,
      `${hub.origin}@evil.example/mcp`,
      `${hub.origin}/mcp/nobody`,
      `${hub.origin}/mcp?x=1`,
      `${hub.origin}/mcp#x`,
      `${hub.origin}/oauth/token`,
      '/mcp',
    ]) {
      const response = await fetch(hub.authorizeUrl({ resource }), { redirect: 'manual' })
      const back = new URL(response.headers.get('location') ?? 'x:')
      assert.equal(back.searchParams.get('error'), 'invalid_target', resource)
      assert.equal(back.searchParams.get('iss'), hub.origin, 'errors name their issuer, too')
    }
  })

  test('a token for one profile is good for no other', async (t) => {
    const hub = await startFlow(t, { profiles: ['kids'] })
    await hub.addMia()
    const browser = new TestBrowser()
    const consent = await hub.signInAs(
      browser,
      await browser.open(hub.authorizeUrl({ resource: `${hub.origin}/mcp/kids` })),
    )
    assert.match(consent.text, /the profile kids/)
    const back = await hub.allow(browser, consent, 'text:read')
    const { body } = await hub.redeem(new URL(back.url).searchParams.get('code') ?? '')
    await assert.rejects(hub.whoIs(body['access_token']), { code: 'unauthenticated' })
    const { scopes } = await hub.identity.authenticate(String(body['access_token']), 'mcp', { resource: '/mcp/kids' })
    assert.deepEqual(scopes, ['text:read@profile/kids'])
  })

  for (const params of [
    { response_type: 'token' },
    { response_type: 'id_token', nonce: 'x' },
    { response_type: 'code token' },
  ])
    test(`response_type ${params.response_type} is none`, async (t) => {
      const hub = await startFlow(t)
      const response = await fetch(hub.authorizeUrl(params), { redirect: 'manual' })
      const { search, hash } = new URL(response.headers.get('location') ?? 'x:')
      assert.match(search + hash, /error=unsupported_response_type/)
    })

  for (const type of ['client_credentials', 'password', 'implicit', 'urn:ietf:params:oauth:grant-type:device_code'])
    test(`grant ${type} is none`, async (t) => {
      const hub = await startFlow(t)
      const { body } = await hub.ask('/oauth/token', {
        grant_type: type,
        client_id: hub.clientId,
        username: 'mia',
        password: PASSWORD,
      })
      assert.equal(body['error'], 'unsupported_grant_type')
    })

  test('names of clients are text, however they are written', async (t) => {
    const hub = await startFlow(t)
    await hub.addMia()
    const name = '<script>alert(1)</script>"\'\u202Egnol\u200B'
    const clientId = String((await hub.register({ client_name: name })).body['client_id'])
    const browser = new TestBrowser()
    const login = await browser.open(hub.authorizeUrl({ client_id: clientId }))
    const consent = await hub.signInAs(browser, login)
    for (const { text } of [login, consent]) {
      assert.doesNotMatch(text, /<script|\u202E|\u200B/)
      assert.match(text, /&lt;script&gt;/)
    }
  })

  test('whoever makes the hub ask for documents of clients keeps nobody else’s from being asked for', async (t) => {
    const asked: string[] = []
    const hub = await startFlow(t, {
      fetch: (url) => {
        asked.push(String(url))
        return Promise.reject(new Error('not there'))
      },
    })
    const ask = (client: string, address: string) =>
      fetch(hub.authorizeUrl({ client_id: `https://${client}.example/client.json` }), {
        redirect: 'manual',
        headers: { 'x-forwarded-for': address },
      })
    // A home has a whole /64, so each of its addresses is the same.
    for (let at = 0; at < 30; at++) await ask(`app${at}`, `2001:db8::${at + 1}`)
    assert.equal(asked.length, 20)
    await ask('good', '192.0.2.1')
    assert.equal(asked.at(-1), 'https://good.example/client.json')
  })

  test('a wrong password says nothing, and secrets are in no log', async (t) => {
    const hub = await startFlow(t)
    await hub.addMia()
    const browser = new TestBrowser()
    const login = await browser.open(hub.authorizeUrl())
    const texts = []
    for (const name of ['mia', 'nobody']) {
      const { response, text } = await hub.signInAs(browser, login, name, 'wrong-SECRET-word')
      assert.equal(response.status, 401)
      assert.doesNotMatch(text, /wrong-SECRET-word/)
      texts.push(/role="alert">([^<]*)</.exec(text)?.[1])
    }
    assert.deepEqual(
      hub.notes.map(({ kind, outcome, who }) => [kind, outcome, who?.name]),
      [
        ['login.failed', 'unauthenticated', 'mia'],
        ['login.failed', 'unauthenticated', 'nobody'],
      ],
    )
    assert.equal(texts[0], texts[1])
    const { body } = await hub.redeem((await hub.logIn()).get('code') ?? '')
    await hub.refresh(body['refresh_token'])
    const logged = hub.lines.join('\n')
    const noted = JSON.stringify(hub.notes)
    for (const secret of ['wrong-SECRET-word', PASSWORD, String(body['access_token']), String(body['refresh_token'])])
      assert.ok(!logged.includes(secret) && !noted.includes(secret))
    const rows = JSON.stringify(
      await hub.store.as<{ oauth_models: object }>().selectFrom('oauth_models').selectAll().execute(),
    )
    for (const secret of [String(body['refresh_token']), REDIRECT, 'Test client'])
      assert.ok(!rows.includes(secret), secret)
  })
})
