import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { TestBrowser } from '../src/testing/oauth-browser.ts'
import { startOAuthServer } from '../src/testing/oauth-server.ts'
import { startProtectedServer } from '../src/testing/protected-server.ts'
import { startHub, type Answer, type TestHub } from './support/hub.ts'

/** What the protected server says, in the revision of 2025-11-25: one tool, which tells whose login the call came with. */
const RESULTS: Readonly<Record<string, (family: string) => object>> = {
  initialize: () => ({
    protocolVersion: '2025-11-25',
    capabilities: { tools: {} },
    serverInfo: { name: 'notes', version: '1' },
  }),
  ping: () => ({}),
  'tools/list': () => ({
    tools: [{ name: 'whoami', inputSchema: { type: 'object' }, annotations: { readOnlyHint: true } }],
  }),
  'tools/call': (family) => ({ content: [{ type: 'text', text: family }] }),
}

/** A server's tools are listed a moment after it is up. */
async function known(call: () => Promise<Answer>): Promise<Answer> {
  for (const until = AbortSignal.timeout(60_000); ; until.throwIfAborted()) {
    const answer = await call()
    if (answer.status !== 404) return answer
    // The hub refuses whoever asks too often.
    await delay(20)
  }
}

/** A tool call of an MCP client of 2026-07-28. */
function askAsModel({ urls, token }: TestHub, name: string): Promise<Response> {
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientCapabilities': {},
  }
  return fetch(`${urls.http}/mcp`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'tools/call',
      'mcp-name': name,
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: {}, _meta } }),
  })
}

/** A browser that the owner has just signed in with, on the way back from a login. */
const signInAsOwner = async ({ token }: TestHub, url: string): Promise<Response> => {
  const browser = new TestBrowser()
  const page = await browser.open(url)
  assert.match(page.text, /A login at notes was begun here/)
  const fields = [
    ['how', 'token'],
    ['token', token],
  ] as const
  return (await browser.submit(page, fields)).response
}

suite('a protected MCP server behind the hub', () => {
  test('a person logs in through the browser, others do so for themselves until they go, and a hub that starts anew knows them', async (t) => {
    const as = await startOAuthServer(t)
    const mcp = await startProtectedServer(t, as)
    mcp.behaviour.result = (method, { family }) => RESULTS[method]?.(family)
    const hub = await startHub(t, { mcp: { mcpServers: { notes: { url: mcp.url } } } })
    const { home } = hub

    const started = await hub.call('gateway.start_server', { name: 'notes' })
    assert.match(JSON.stringify(started.body), /alicia login notes/)

    const logIn = async (token?: string) => {
      const more = token === undefined ? {} : { token }
      const { authorization_url: url } = await hub.result('gateway.login_server', { name: 'notes' }, more)
      const back = await as.approve(String(url))
      const redirect = new URL(new URL(String(url)).searchParams.get('redirect_uri') ?? '')
      assert.equal(redirect.origin, hub.urls.http)
      const address = `${redirect.href}?${back.toString()}`
      // A token of nobody in particular: whoever answers for it is the owner.
      return token === undefined ? await fetch(address) : await signInAsOwner(hub, address)
    }
    const page = await logIn()
    assert.equal(page.status, 200)
    assert.match(await page.text(), /Alicia may use notes for you now/)
    assert.match(page.headers.get('content-security-policy') ?? '', /default-src 'none'/)

    await hub.result('gateway.start_server', { name: 'notes' })
    const who = async (at: TestHub, token?: string) => at.call('notes.whoami', {}, token === undefined ? {} : { token })
    const owner = await known(() => who(hub))
    assert.equal(owner.status, 200, JSON.stringify(owner.body))

    const made = await hub.result('tokens.create_token', { name: 'ada', scopes: ['mcp:*', 'gateway:*'] })
    const ada = String(made['token'])
    const refused = await who(hub, ada)
    assert.notEqual(refused.status, 200, 'nobody goes by the login of somebody else')
    assert.match(JSON.stringify(refused.body), /alicia login notes/)
    assert.equal((await logIn(ada)).status, 200)
    const hers = await who(hub, ada)
    assert.equal(hers.status, 200, JSON.stringify(hers.body))
    assert.notDeepEqual(hers.body, owner.body)
    assert.deepEqual((await who(hub)).body, owner.body)

    const used = await fetch(page.url)
    assert.equal(used.status, 404)

    // Its login has ended, and not the caller's at the hub: whoever hears 401 throws a good token away.
    mcp.behaviour.refuses = true
    const lost = await who(hub)
    assert.equal(lost.status, 409, JSON.stringify(lost.body))
    assert.match(JSON.stringify(lost.body), /alicia login notes/)
    const asked = await askAsModel(hub, 'whoami')
    assert.deepEqual([asked.status, asked.headers.get('www-authenticate')], [200, null])
    const { result } = (await asked.json()) as { result: { isError?: boolean; content: unknown } }
    assert.equal(result.isError, true)
    assert.match(JSON.stringify(result.content), /alicia login notes/)
    mcp.behaviour.refuses = false

    await hub.end()
    for (const file of readdirSync(home.data).filter((name) => name.includes('.db')))
      for (const token of as.tokens.keys()) assert.ok(!readFileSync(join(home.data, file)).includes(token), file)
    const again = await startHub(t, { home })
    await again.result('gateway.start_server', { name: 'notes' })
    assert.deepEqual((await known(() => who(again))).body, owner.body)
    assert.deepEqual((await who(again, ada)).body, hers.body)
    const before = as.tokens.size
    await again.result('tokens.revoke_token', { name: 'ada' })
    for (const until = AbortSignal.timeout(60_000); as.tokens.size === before; until.throwIfAborted()) await delay(20)
    assert.deepEqual((await who(again)).body, owner.body)
    assert.ok(!`${hub.stdout()}${hub.stderr()}${again.stderr()}`.includes([...as.tokens.keys()][0] ?? 'none'))
  })

  test('a login that is over is said, ends by logout, and one that is new counts at once', async (t) => {
    const as = await startOAuthServer(t)
    const mcp = await startProtectedServer(t, as)
    mcp.behaviour.result = (method, { family }) => RESULTS[method]?.(family)
    const config = { publicUrl: 'https://home.example' }
    const hub = await startHub(t, { config, mcp: { mcpServers: { notes: { url: mcp.url } } } })
    const begin = async (token = hub.token) => {
      const { authorization_url: url } = await hub.result('gateway.login_server', { name: 'notes' }, { token })
      assert.equal(new URL(String(url)).searchParams.get('redirect_uri'), 'https://home.example/oauth/callback')
      return `/oauth/callback?${(await as.approve(String(url))).toString()}`
    }
    const logIn = async () => assert.equal((await fetch(hub.urls.http + (await begin()))).status, 200)
    const who = () => hub.call('notes.whoami')
    const stateOf = async () => (await hub.result('gateway.inspect_server', { name: 'notes' }))['state']
    await logIn()
    await hub.result('gateway.start_server', { name: 'notes' })
    assert.equal((await known(who)).status, 200)

    as.tokens.clear()
    assert.match(JSON.stringify((await who()).body), /the last login was ended/)
    assert.equal(await stateOf(), 'needs_login')
    const doctor = await hub.cli(['doctor'])
    assert.match(doctor.stdout, /notes needs a login: the last login was ended or has expired\n.*alicia login notes/)
    await logIn()
    await hub.result('gateway.start_server', { name: 'notes' })
    assert.equal((await who()).status, 200)

    const { stdout } = await hub.cli(['logout', 'notes'])
    assert.match(stdout, /The login at notes is forgotten/)
    assert.equal(as.tokens.size, 0)
    assert.match(JSON.stringify((await who()).body), /logged out/)

    const made = await hub.result('tokens.create_token', { name: 'ada', scopes: ['mcp:*', 'gateway:*'] })
    const path = await begin(String(made['token']))
    const moved = await fetch(hub.urls.http + path, { redirect: 'manual' })
    assert.deepEqual([moved.status, moved.headers.get('location')], [307, config.publicUrl + path], 'cookies are there')
  })

  test('a server that asks for a login when it is called, not when it is reached', async (t) => {
    const as = await startOAuthServer(t)
    const mcp = await startProtectedServer(t, as)
    mcp.behaviour.result = (method, { family }) => RESULTS[method]?.(family)
    mcp.behaviour.guarded = ['tools/call']
    const hub = await startHub(t, { mcp: { mcpServers: { notes: { url: mcp.url } } } })
    const who = () => known(() => hub.call('notes.whoami'))
    assert.match(JSON.stringify((await who()).body), /alicia login notes/)
    const { authorization_url: url } = await hub.result('gateway.login_server', { name: 'notes' })
    const page = await fetch(`${hub.urls.http}/oauth/callback?${(await as.approve(String(url))).toString()}`)
    assert.equal(page.status, 200)
    await hub.result('gateway.start_server', { name: 'notes' })
    assert.equal((await who()).status, 200)
  })
})
