import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { suite, test, type TestContext } from 'node:test'
import { WebSocket } from 'ws'
import type { Caller } from '../../kernel/caller.ts'
import { CallerQuota } from '../../kernel/caller-quota.ts'
import { Fault } from '../../kernel/fault.ts'
import { META } from '../../kernel/mcp/protocol.ts'
import { owner } from '../../testing/hub.ts'
import { READER_TOKEN, testMcp, TOKEN, type TestMcp } from '../../testing/mcp.ts'
import { createMcpWebSocket } from './websocket.ts'

const quota = (limit: 'streams_per_caller' | 'subscriptions_per_caller', most: number) =>
  new CallerQuota({ limit, most, what: 'streams', setting: 'limits.streamsPerCaller' })

const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

async function openSession(mcp: TestMcp, token = TOKEN) {
  const body = JSON.stringify({
    jsonrpc: '2.0',
    id: 0,
    method: 'initialize',
    params: { protocolVersion: '2025-11-25' },
  })
  const response = await mcp.fetch('/mcp', { method: 'POST', headers: bearer(token), body })
  assert.equal(response.status, 200)
  return { ...bearer(token), 'mcp-session-id': response.headers.get('mcp-session-id') ?? '' }
}

const get = (mcp: TestMcp, path: string, headers: Record<string, string>) =>
  mcp.fetch(path, { headers: { ...headers, accept: 'text/event-stream' } })

const statusOf = async (mcp: TestMcp, headers: Record<string, string>) => {
  const ping = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' })
  return (await mcp.fetch('/mcp', { method: 'POST', headers, body: ping })).status
}

suite('what one caller may have of MCP', () => {
  test('who opens more sessions than may be loses their own, the one unused for longest first', async () => {
    const mcp = testMcp({ mostSessions: 10, mostSessionsOfOne: 2 })
    const others = await openSession(mcp, READER_TOKEN)
    const [first, second] = [await openSession(mcp), await openSession(mcp)]
    assert.equal(await statusOf(mcp, first), 200)
    const third = await openSession(mcp)
    const statuses = [first, second, third, others].map((headers) => statusOf(mcp, headers))
    assert.deepEqual(await Promise.all(statuses), [200, 404, 200, 200])
  })

  test('streams that are open, of sessions and of the old transport, until they are closed', async () => {
    const mcp = testMcp({ streams: quota('streams_per_caller', 2) })
    const [one, two] = [await openSession(mcp), await openSession(mcp)]
    const announcements = await get(mcp, '/mcp', one)
    const old = await get(mcp, '/sse', bearer(TOKEN))
    assert.deepEqual([announcements.status, old.status], [200, 200])
    const refused = await get(mcp, '/mcp', two)
    assert.equal(refused.status, 429)
    assert.ok(Number(refused.headers.get('retry-after')) > 0)
    assert.equal((await get(mcp, '/sse', bearer(TOKEN))).status, 429)
    assert.equal((await get(mcp, '/sse', bearer(READER_TOKEN))).status, 200)
    await old.body?.cancel()
    assert.equal((await get(mcp, '/mcp', two)).status, 200)
    await mcp.fetch('/mcp', { method: 'DELETE', headers: one })
    assert.equal((await get(mcp, '/sse', bearer(TOKEN))).status, 200)
    mcp.http.close()
  })

  test('a stream of the old transport: nothing is made for one that is refused, and one that fails is given back', async () => {
    const mcp = testMcp({ streams: quota('streams_per_caller', 1) })
    const views = { made: 0, isBroken: true }
    const { view } = mcp.server
    Object.assign(mcp.server, {
      view(profile?: string) {
        views.made++
        if (views.isBroken) throw new Fault('not_found', 'There is no such profile.')
        return view(profile)
      },
    })
    const open = async () => (await get(mcp, '/sse', bearer(TOKEN))).status
    assert.deepEqual([await open(), await open()], [404, 404])
    views.isBroken = false
    assert.deepEqual([await open(), await open(), views.made], [200, 429, 3])
    mcp.http.close()
  })

  test('subscriptions', async () => {
    const mcp = testMcp({ subscriptions: quota('subscriptions_per_caller', 1) })
    const listen = (id: number, signal?: AbortSignal) => {
      const _meta = { [META.revision]: '2026-07-28', [META.clientCapabilities]: {} }
      const params = { notifications: { toolsListChanged: true }, _meta }
      const method = 'subscriptions/listen'
      const headers = { ...bearer(TOKEN), 'mcp-protocol-version': '2026-07-28', 'mcp-method': method }
      const body = JSON.stringify({ jsonrpc: '2.0', id, method, params })
      return mcp.fetch('/mcp', { method: 'POST', headers, body, ...(signal && { signal }) })
    }
    const leave = new AbortController()
    assert.equal((await listen(1, leave.signal)).status, 200)
    const refused = await listen(2)
    assert.equal(refused.status, 429)
    const { error } = (await refused.json()) as { error: { data: { code: string; retry_after_ms: number } } }
    assert.equal(error.data.code, 'rate_limited')
    assert.ok(error.data.retry_after_ms > 0)
    leave.abort()
    await new Promise(setImmediate)
    assert.equal((await listen(3)).status, 200)
    mcp.http.close()
  })

  test('lists and descriptions count as calls do', async () => {
    const asked: string[] = []
    let most = 4
    const limit = ({ id }: Caller, method: string) => {
      asked.push(`${id} ${method}`)
      if (most-- <= 0) throw new Fault('rate_limited', 'Too many calls.', { retryAfterMs: 1000 })
    }
    const mcp = testMcp({ limit })
    const session = await openSession(mcp)
    const old = (method: string) =>
      mcp.fetch('/mcp', {
        method: 'POST',
        headers: session,
        body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: {} }),
      })
    const modern = (method: string) => {
      const _meta = { [META.revision]: '2026-07-28', [META.clientCapabilities]: {} }
      const headers = { ...bearer(TOKEN), 'mcp-protocol-version': '2026-07-28', 'mcp-method': method }
      return mcp.fetch('/mcp', {
        method: 'POST',
        headers,
        body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: { _meta } }),
      })
    }
    await old('ping')
    for (const ask of [() => old('tools/list'), () => modern('tools/list'), () => modern('server/discover')])
      assert.equal((await ask()).status, 200)
    assert.deepEqual(asked, ['owner initialize', 'owner tools/list', 'owner tools/list', 'owner server/discover'])
    for (const ask of [() => old('tools/list'), () => old('initialize'), () => modern('server/discover')])
      assert.match(await (await ask()).text(), /"retry_after_ms":1000/)
    mcp.http.close()
  })

  test('WebSockets', async (t: TestContext) => {
    const mcp = testMcp({})
    const server = { ...mcp.server, streams: quota('streams_per_caller', 1) }
    const sockets = createMcpWebSocket({ server, largestMessageBytes: 10_000 })
    const http = createServer()
    http.on('upgrade', (request, socket, head) => {
      try {
        sockets.accept({ request, socket, head, caller: owner, isStillKnown: () => true })
      } catch (fault) {
        socket.end(`HTTP/1.1 ${(fault as Fault).status} x\r\n\r\n`)
      }
    })
    http.listen(0, '127.0.0.1')
    await once(http, 'listening')
    t.after(() => {
      sockets.close()
      http.close()
    })
    const open = () => new WebSocket(`ws://127.0.0.1:${(http.address() as AddressInfo).port}/mcp`)
    const first = open()
    await once(first, 'open')
    const [, refused] = (await once(open(), 'unexpected-response')) as [unknown, IncomingMessage]
    assert.equal(refused.statusCode, 429)
    refused.destroy()
    first.close()
    await once(first, 'close')
    const again = open()
    await once(again, 'open')
    again.close()
    await once(again, 'close')
  })
})
