import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
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
  for (const until = AbortSignal.timeout(10_000); ; until.throwIfAborted()) {
    const answer = await call()
    if (answer.status !== 404) return answer
  }
}

suite('a protected MCP server behind the hub', () => {
  test('a person logs in through the browser, others do so for themselves, and a hub that starts anew knows them', async (t) => {
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
      return fetch(`${redirect.href}?${back.toString()}`)
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

    await hub.end()
    for (const file of readdirSync(home.data).filter((name) => name.includes('.db')))
      for (const token of as.tokens.keys()) assert.ok(!readFileSync(join(home.data, file)).includes(token), file)
    const again = await startHub(t, { home })
    await again.result('gateway.start_server', { name: 'notes' })
    assert.deepEqual((await known(() => who(again))).body, owner.body)
    assert.deepEqual((await who(again, ada)).body, hers.body)
    assert.ok(!`${hub.stdout()}${hub.stderr()}${again.stderr()}`.includes([...as.tokens.keys()][0] ?? 'none'))
  })
})
