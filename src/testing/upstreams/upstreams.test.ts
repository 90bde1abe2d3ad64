import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { suite, test } from 'node:test'
import { httpUpstream, type HttpBehaviour } from './http-upstream.ts'
import { stdioUpstream, type StdioBehaviour } from './stdio-upstream.ts'

const message = (id: number, method: string, params: object) => JSON.stringify({ jsonrpc: '2.0', id, method, params })
const initialize = message(1, 'initialize', { protocolVersion: '2025-11-25', capabilities: {} })
const call = message(2, 'tools/call', { name: 'echo', arguments: { text: 'hé' }, _meta: { progressToken: 2 } })
const discover = message(1, 'server/discover', {
  _meta: {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientCapabilities': {},
  },
})

suite('broken servers over stdio are broken as they say', { concurrency: 4 }, () => {
  /** What is sent, and what then comes on stdout; or the code with which it ends. */
  const table: readonly [StdioBehaviour, amount: number, readonly string[], RegExp | number][] = [
    ['honest', 0, [initialize, call], /"protocolVersion":"2025-11-25".*\n.*"id":2.*hé/],
    ['honest', 0, [discover], /-32601/],
    ['honest-modern', 0, [discover], /"resultType":"complete".*2026-07-28/],
    ['honest-modern', 0, [initialize], /-32022/],
    ['crashes-on-start', 0, [initialize], 3],
    ['crashes-in-call', 0, [initialize, call], 7],
    ['dies-after', 0, [call], 1],
    ['exits-on-discover', 0, [discover], 1],
    ['exits-on-discover', 0, [initialize, discover], /-32601/],
    ['wrong-revision', 0, [initialize], /1999-01-01/],
    ['empty-initialize', 0, [initialize], /"result":\{\}/],
    ['garbage', 0, [initialize], /not json[^]*about to answer\n[^]*2025-11-25[^]*done/],
    ['huge-line', 2, [call], /xxx"\}\]\}\}\n$/],
    ['endless-line', 1, [call], /^xxx/],
    ['split-writes', 0, [call], /hé.*\n/],
    ['slow-list', 1, [message(3, 'tools/list', {})], /"id":3.*echo/],
    ['endless-list', 0, [message(3, 'tools/list', { cursor: '1' })], /"nextCursor":"1"/],
    ['changes-tools', 0, [call, message(3, 'tools/list', {})], /list_changed[^]*Changed 1 times.*added_1/],
    ['answers-twice', 0, [call], /"id":2.*\n.*"id":2/],
    ['wrong-ids', 0, [call], /not yours[^]*"id":null[^]*"id":"2"[^]*hé/],
    ['error-answers', 0, [call], /-32050/],
    ['raw', 0, [call], /12345678901234567890, "one":1\.0/],
    ['progress-burst', 3, [call], /(.*notifications\/progress.*\n){3}.*done/],
    ['floods-logs', 3, [call], /(.*notifications\/message.*\n){3}.*hé/],
    ['asks-in-call', 0, [call, '{"jsonrpc":"2.0","id":"ask-1","result":{"x":1}}'], /sampling.*\n.*"id":2.*ask-1/],
    ['leaks-grandchild', 0, [call], /"text":"\d+ \d+"/],
  ]
  for (const [behaviour, amount, sent, expected] of table)
    test(`${behaviour}: ${String(expected)}`, async (t) => {
      const { command, args } = stdioUpstream(behaviour, { amount })
      const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'ignore'], detached: true })
      t.after(() => child.pid !== undefined && endGroup(child.pid))
      child.stdin.on('error', () => undefined).write(`${sent.join('\n')}\n`)
      if (typeof expected === 'number') {
        child.stdout.resume()
        return assert.deepEqual(await once(child, 'exit'), [expected, null])
      }
      let said = ''
      for await (const chunk of child.stdout.setEncoding('utf8')) if (expected.test((said += String(chunk)))) return
      assert.match(said, expected)
    })
})

/** The group may be gone already. */
function endGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch (error) {
    assert.equal((error as NodeJS.ErrnoException).code, 'ESRCH')
  }
}

suite('broken servers over HTTP are broken as they say', () => {
  for (const [behaviour, status, body] of [
    ['answers-json', 200, /^\{.*"id":2.*hé/],
    ['answers-sse', 200, /data: \{.*"id":2.*hé.*\n\n$/],
    ['status-429', 429, /Slow down/],
    ['wrong-content-type', 200, /^\{.*hé/],
    ['cuts-json', 200, /terminated/],
    ['cuts-sse', 200, /terminated/],
    ['hangs-up', 0, /fetch failed/],
    ['accepts-only', 202, /^$/],
    ['wrong-id', 200, /"id":"somebody"/],
    ['odd-sse', 200, /data: \{\r\ndata:"jsonrpc/],
    ['loses-session', 404, /-32001/],
  ] as const satisfies readonly [HttpBehaviour, number, RegExp][])
    test(behaviour, async (t) => {
      const { url, received } = await httpUpstream(t, behaviour)
      const answered = await ask(url)
      assert.equal(answered.status, status)
      assert.match(answered.body, body)
      assert.equal(received[0]?.asked?.method, 'tools/call')
    })

  test('one can be healed while it runs', async (t) => {
    const upstream = await httpUpstream(t, 'status-503')
    assert.equal((await ask(upstream.url)).status, 503)
    upstream.behave('answers-json')
    assert.equal((await ask(upstream.url)).status, 200)
  })
})

async function ask(url: string): Promise<{ status: number; body: string }> {
  let status = 0
  try {
    const response = await fetch(url, { method: 'POST', body: call })
    status = response.status
    return { status, body: await response.text() }
  } catch (error) {
    return { status, body: String(error) }
  }
}
