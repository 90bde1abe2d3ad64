import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { cleanUps } from '../../src/testing/mqtt-toolkit.ts'
import { startHub, type TestHub } from '../support/hub.ts'

const PASSWORD = 'a long walk on the beach'

suite('what answers tell browsers and caches', () => {
  const ending = cleanUps()
  let hub: TestHub
  before(async () => {
    hub = await startHub(ending)
    await hub.result('people.add_person', { name: 'mia', role: 'adult', password: PASSWORD })
  })
  after(() => ending.run())

  const ask = (path: string, init: RequestInit = {}) =>
    fetch(hub.urls.http + path, {
      redirect: 'manual',
      ...init,
      headers: { authorization: `Bearer ${hub.token}`, ...(init.headers as Record<string, string>) },
    })
  const post = (body: unknown, headers = {}): RequestInit => ({
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
  const rpc = (method: string) => ({
    jsonrpc: '2.0',
    id: 1,
    method,
    params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'x', version: '1' } },
  })

  const secret: [what: string, path: string, init: () => RequestInit][] = [
    ['a login', '/auth/login', () => post({ name: 'mia', password: PASSWORD }, { authorization: '' })],
    ['a wrong login', '/auth/login', () => post({ name: 'mia', password: 'wrong' })],
    ['a token', '/api/tokens/create_token', () => post({ name: 'phone', scopes: ['health:read'] })],
    [
      'an error of the token endpoint',
      '/oauth/token',
      () => ({ method: 'POST', body: new URLSearchParams({ grant_type: 'x' }) }),
    ],
    [
      'the registration of a client',
      '/oauth/register',
      () => post({ redirect_uris: ['http://127.0.0.1/x'], token_endpoint_auth_method: 'none' }),
    ],
    ['the result of a call', '/api/health/list_services', () => post({})],
    ['a refusal', '/api/health/list_services', () => post({}, { authorization: 'Bearer wrong' })],
    ['metrics', '/metrics', () => ({})],
    ['the list of operations', '/api', () => ({})],
    ['an MCP session', '/mcp', () => post(rpc('initialize'))],
    ['an MCP refusal', '/mcp', () => post(rpc('initialize'), { authorization: 'Bearer wrong' })],
    ['the end of an upstream login', '/oauth/callback?state=x&code=y', () => ({})],
    ['the page to pair', '/pair', () => ({})],
    ['the page of programs', '/oauth/apps', () => ({})],
    ['the page of an error', '/oauth/authorize?client_id=x', () => ({})],
  ]
  for (const [what, path, init] of secret)
    test(`${what} is kept by no cache`, async () => {
      const response = await ask(path, init())
      assert.match(response.headers.get('cache-control') ?? '', /\bno-store\b/, `${response.status}`)
      await response.arrayBuffer()
    })

  for (const path of [
    '/',
    '/pair',
    '/oauth/apps',
    '/oauth/callback',
    '/oauth/authorize?client_id=x',
    '/oauth/interaction/x',
  ])
    test(`the page ${path} loads nothing from elsewhere and stands in no frame`, async () => {
      const response = await ask(path)
      const policy = response.headers.get('content-security-policy') ?? ''
      assert.match(policy, /default-src 'none'/)
      assert.match(policy, /frame-ancestors 'none'/)
      assert.match(policy, /base-uri 'none'/)
      assert.match(policy, /form-action '(?:self|none)'/)
      assert.doesNotMatch(policy, /unsafe-|\*/)
      assert.equal(response.headers.get('x-content-type-options'), 'nosniff')
      assert.match(response.headers.get('referrer-policy') ?? '', /^(?:no-referrer|same-origin)$/)
      assert.match(response.headers.get('content-type') ?? '', /charset=utf-8/i)
      await response.arrayBuffer()
    })

  test('nobody is sent elsewhere (open redirect)', async () => {
    const paths = [
      '//evil.example/oauth/authorize',
      '/oauth/authorize//evil.example',
      '/oauth/authorize/..//evil.example',
      '/oauth/authorize?redirect_uri=https://evil.example/',
      '/oauth/authorize?client_id=x&redirect_uri=https://evil.example/&response_type=code&state=x',
      '/oauth/interaction/https:%2f%2fevil.example',
      '/oauth/apps?next=https://evil.example/',
      '/pair?next=//evil.example',
      '/docs?next=//evil.example',
      '/docs//evil.example',
      '/oauth/end_session?post_logout_redirect_uri=https://evil.example/',
      '/oauth/logout?next=https://evil.example/',
      '/oauth/callback?state=x&iss=https://evil.example/&error=x',
      '/\\evil.example',
      '/%5cevil.example',
      '/%2f%2fevil.example',
    ]
    const origins = new Set([hub.urls.http, hub.urls.http.replace('127.0.0.1', 'localhost')])
    for (const path of paths)
      for (const origin of origins) {
        const response = await fetch(origin + path, { redirect: 'manual' })
        const location = response.headers.get('location')
        if (location !== null) assert.ok(origins.has(new URL(location, origin).origin), `${path}: ${location}`)
        assert.doesNotMatch(await response.text(), /(?:href|url)="?[^"]*evil\.example/, path)
        assert.equal(response.headers.get('refresh'), null)
      }
  })

  test('what is shared with every origin has nothing of anybody', async () => {
    for (const path of [
      '/.well-known/oauth-authorization-server',
      '/.well-known/oauth-protected-resource',
      '/oauth/jwks',
    ]) {
      const response = await ask(path)
      assert.equal(response.headers.get('access-control-allow-origin'), '*', path)
      assert.equal(response.headers.get('access-control-allow-credentials'), null, path)
      // Without the bytes of keys: any three letters may stand in them.
      const text = (await response.text()).replaceAll(/"(?:kid|x)":"[\w-]{43}"/g, '')
      assert.doesNotMatch(text, /"d":|mia|secret/, path)
    }
    for (const path of [
      '/api',
      '/openapi.json',
      '/metrics',
      '/api/health/list_services',
      '/mcp',
      '/oauth/apps',
      '/pair',
      '/auth/login',
    ]) {
      const response = await ask(path, {
        method: 'OPTIONS',
        headers: { origin: hub.urls.http, 'access-control-request-method': 'POST' },
      })
      assert.equal(response.headers.get('access-control-allow-origin'), null, path)
    }
  })

  test('no cookie for whoever calls, and none that opens the door', async () => {
    for (const [, path, init] of secret) {
      const response = await ask(path, init())
      if (!path.startsWith('/oauth/')) assert.deepEqual(response.headers.getSetCookie(), [], path)
    }
    const cookie = `token=${hub.token}; Authorization=Bearer ${hub.token}; alicia_session_${new URL(hub.urls.http).port}=${hub.token}`
    const response = await ask('/api/health/list_services', post({}, { authorization: '', cookie }))
    assert.equal(response.status, 401)
  })
})
