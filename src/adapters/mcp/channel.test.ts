import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { PassThrough } from 'node:stream'
import { suite, test, type TestContext } from 'node:test'
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js'
import { Client as OldClient } from '@modelcontextprotocol/sdk/client/index.js'
import { WebSocket } from 'ws'
import { cancelled, testMcp, TOKEN } from '../../testing/mcp.ts'
import { owner } from '../../testing/hub.ts'
import { createChannel } from './channel.ts'
import { serveStdio } from './stdio.ts'
import { createMcpWebSocket } from './websocket.ts'

type Outgoing = Readonly<Record<string, unknown>>

const _meta = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
}
const initialize = (protocolVersion: string) => ({
  jsonrpc: '2.0',
  id: 'i',
  method: 'initialize',
  params: { protocolVersion },
})

/** A channel, and a way to await the next message that fits. */
function open() {
  const mcp = testMcp()
  const sent: Outgoing[] = []
  const waiting: { fits: (message: Outgoing) => boolean; resolve: (message: Outgoing) => void }[] = []
  const channel = createChannel({
    server: mcp.server,
    caller: owner,
    send(text) {
      const message = JSON.parse(text) as Outgoing
      sent.push(message)
      for (const one of waiting) if (one.fits(message)) one.resolve(message)
    },
  })
  const answer = (id: unknown) =>
    new Promise<Outgoing>((resolve) => {
      const known = sent.find((message) => message['id'] === id)
      if (known) resolve(known)
      else waiting.push({ fits: (message) => message['id'] === id, resolve })
    })
  const send = (message: unknown) => channel.receive(JSON.stringify(message))
  return { mcp, sent, channel, answer, send }
}

const codeOf = (message: Outgoing) => (message['error'] as { code: number } | undefined)?.code

suite('one channel for both eras', () => {
  test('what stands twice in a request is refused, whatever its id is, and nothing breaks', async () => {
    const { channel, sent, send, answer } = open()
    for (const id of ['1', '9007199254740993'])
      channel.receive(`{"jsonrpc":"2.0","id":${id},"method":"tools/list","method":"tools/list","params":{}}`)
    send({ jsonrpc: '2.0', id: 2, method: 'ping' })
    assert.ok(await answer(2))
    assert.equal(sent.filter(({ error }) => error !== undefined).length, 2)
  })

  test('a request that says its revision needs no handshake', async () => {
    const { send, answer } = open()
    send({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'echo', arguments: { text: 'x' }, _meta } })
    assert.deepEqual(((await answer(1))['result'] as Record<string, unknown>)['structuredContent'], { text: 'x' })
  })

  test('an old client begins with initialize, and is told so', async () => {
    const { send, answer } = open()
    send({ jsonrpc: '2.0', id: 1, method: 'tools/list' })
    assert.equal(codeOf(await answer(1)), -32600)
    send(initialize('2024-11-05'))
    await answer('i')
    send({ jsonrpc: '2.0', id: 2, method: 'tools/list' })
    assert.ok((await answer(2))['result'])
  })

  test('what waits for its end is bounded: no more than 256 requests run at once', async () => {
    const { send, answer, channel } = open()
    for (let id = 1; id <= 257; id++)
      send({ jsonrpc: '2.0', id, method: 'subscriptions/listen', params: { notifications: {}, _meta } })
    assert.equal(codeOf(await answer(257)), -31429)
    channel.close()
    assert.ok((await answer(1))['result'])
  })

  test('a batch has a largest size', async () => {
    const { send, answer, sent } = open()
    send(initialize('2025-03-26'))
    await answer('i')
    send(Array.from({ length: 101 }, (_, id) => ({ jsonrpc: '2.0', id, method: 'ping' })))
    assert.deepEqual(sent.slice(1).map(codeOf), [-32600])
  })

  for (const [era, meta] of [
    ['old', {}],
    ['new', _meta],
  ] as const)
    test(`cancelling in the ${era} era stops the handler and answers nothing`, async () => {
      const { send, answer, sent, channel } = open()
      if (era === 'old') {
        send(initialize('2025-11-25'))
        await answer('i')
      }
      const before = cancelled.count
      send({ jsonrpc: '2.0', id: 7, method: 'tools/call', params: { name: 'wait', arguments: {}, _meta: meta } })
      await new Promise(setImmediate)
      send({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 7 } })
      await channel.settled()
      assert.equal(cancelled.count, before + 1)
      assert.equal(
        sent.some((message) => message['id'] === 7),
        false,
      )
    })

  test('an id in use is refused', async () => {
    const { send, answer, channel } = open()
    send({ jsonrpc: '2.0', id: 7, method: 'tools/call', params: { name: 'wait', arguments: {}, _meta } })
    send({ jsonrpc: '2.0', id: 7, method: 'tools/list', params: { _meta } })
    assert.equal(codeOf(await answer(7)), -32600)
    channel.close()
  })

  test('subscriptions share the channel and end with a result when it closes', async () => {
    const { mcp, send, answer, sent, channel } = open()
    send({
      jsonrpc: '2.0',
      id: 's',
      method: 'subscriptions/listen',
      params: { notifications: { toolsListChanged: true }, _meta },
    })
    mcp.door.events.emit('tools.changed', { provider: 'x' })
    channel.close()
    await answer('s')
    assert.deepEqual(
      sent.map((message) => message['method'] ?? 'result'),
      ['notifications/subscriptions/acknowledged', 'notifications/tools/list_changed', 'result'],
    )
  })

  for (const [why, text, code] of [
    ['no JSON', '{', -32700],
    ['no message', '3', -32600],
    ['a batch without a session that has them', '[]', -32600],
  ] as const)
    test(`refuses ${why}`, () => {
      const { channel, sent } = open()
      channel.receive(text)
      assert.equal(codeOf(sent[0] as Outgoing), code)
    })
})

suite('MCP on standard input and output', () => {
  test('one message a line; an overlong line is refused and the next one read; the end waits for answers', async () => {
    const input = new PassThrough()
    const output = new PassThrough()
    const served = serveStdio({ server: testMcp().server, caller: owner, input, output, largestLineBytes: 1000 })
    const request = JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: { name: 'echo', arguments: { text: 'é' }, _meta },
    })
    const bytes = Buffer.from(`${'x'.repeat(2000)}\n\n${request}\n`)
    // Cut in the middle of a character.
    const cut = bytes.indexOf(0xc3) + 1
    input.write(bytes.subarray(0, 1500))
    input.write(bytes.subarray(1500, cut))
    input.end(bytes.subarray(cut))
    await served
    output.end()
    const lines = (await output.toArray())
      .join('')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Outgoing)
    assert.equal(codeOf(lines[0] as Outgoing), -32600)
    assert.deepEqual((lines[1]?.['result'] as Record<string, unknown>)['structuredContent'], { text: 'é' })
  })
})

async function listen(test: TestContext, mcp = testMcp(), isStillKnown = () => true) {
  const sockets = createMcpWebSocket({ server: mcp.server, largestMessageBytes: 10_000 })
  const http = createServer(mcp.listener)
  http.on('upgrade', (request, socket, head) => sockets.accept({ request, socket, head, caller: owner, isStillKnown }))
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  test.after(() => {
    sockets.close()
    http.closeAllConnections()
    http.close()
  })
  return { port: (http.address() as AddressInfo).port, sockets }
}

suite('MCP over WebSocket', () => {
  test('one message a frame', async (test) => {
    const { port, sockets } = await listen(test)
    const socket = new WebSocket(`ws://127.0.0.1:${port}/mcp`, 'mcp')
    await once(socket, 'open')
    assert.equal(socket.protocol, 'mcp')
    socket.send(JSON.stringify(initialize('2025-06-18')))
    const [text] = (await once(socket, 'message')) as [Buffer]
    assert.equal(
      (JSON.parse(text.toString()) as { result: { protocolVersion: string } }).result.protocolVersion,
      '2025-06-18',
    )
    sockets.close()
    const [code] = (await once(socket, 'close')) as [number]
    assert.equal(code, 1001)
  })

  for (const [why, send, expected] of [
    ['a binary frame', (socket: WebSocket) => socket.send(Buffer.from('{}')), 1003],
    ['a frame over the limit', (socket: WebSocket) => socket.send('x'.repeat(20_000)), 1009],
  ] as const)
    test(`refuses ${why}`, async (test) => {
      const { port } = await listen(test)
      const socket = new WebSocket(`ws://127.0.0.1:${port}/mcp`)
      await once(socket, 'open')
      send(socket)
      const [code] = (await once(socket, 'close')) as [number]
      assert.equal(code, expected)
    })

  test('a connection does not outlive its token', async (test) => {
    let isKnown = true
    const { port } = await listen(test, testMcp(), () => isKnown)
    const socket = new WebSocket(`ws://127.0.0.1:${port}/mcp`)
    await once(socket, 'open')
    isKnown = false
    socket.send(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list', params: { _meta } }))
    const [code] = (await once(socket, 'close')) as [number]
    assert.equal(code, 1008)
  })

  test('a client that goes away cancels what it asked for', async (test) => {
    const { port } = await listen(test)
    const socket = new WebSocket(`ws://127.0.0.1:${port}/mcp`)
    await once(socket, 'open')
    const before = cancelled.count
    socket.send(
      JSON.stringify({
        jsonrpc: '2.0',
        id: 1,
        method: 'tools/call',
        params: { name: 'wait', arguments: {}, _meta: { ..._meta, progressToken: 1 } },
      }),
    )
    await once(socket, 'message')
    socket.terminate()
    while (cancelled.count === before) await new Promise(setImmediate)
  })
})

suite('HTTP+SSE of 2024-11-05', () => {
  test('the official client of that transport lists and calls', async (test) => {
    const { port } = await listen(test)
    const headers = { authorization: `Bearer ${TOKEN}` }
    const client = new OldClient({ name: 'test', version: '1' })
    const transport = new SSEClientTransport(new URL(`http://127.0.0.1:${port}/sse`), {
      requestInit: { headers },
      eventSourceInit: { fetch: (url, init) => fetch(url, { ...init, headers: { ...init.headers, ...headers } }) },
    })
    await client.connect(transport)
    const result = await client.callTool({ name: 'echo', arguments: { text: 'old' } })
    assert.deepEqual(result.structuredContent, { text: 'old' })
    await client.close()
  })

  test('nobody posts into the session of another', async () => {
    const mcp = testMcp()
    const response = await mcp.fetch('/messages?session=x', {
      method: 'POST',
      headers: { authorization: `Bearer ${TOKEN}` },
      body: '{}',
    })
    assert.equal(response.status, 404)
  })
})
