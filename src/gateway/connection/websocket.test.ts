import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { suite, test } from 'node:test'
import { WebSocketServer, type WebSocket } from 'ws'
import { heldClock } from '../../kernel/clock.ts'
import type { Transport } from '../../kernel/mcp/server-definition.ts'
import { fault } from '../../testing/mqtt-toolkit.ts'
import { honestAnswer, type Asked } from '../../testing/upstreams/honest.ts'
import { ask, connected, type Ending } from './connecting.fixture.ts'
import { LoginRequired } from './login-required.ts'

interface Server {
  readonly transport: Transport
  readonly sockets: WebSocket[]
  readonly headers: Record<string, unknown>[]
}

async function server(
  ending: Ending,
  options: { knowsProtocol?: boolean; status?: number; pongs?: boolean } = {},
): Promise<Server> {
  const { knowsProtocol = true, status, pongs = true } = options
  const listener = createServer()
  const sockets: WebSocket[] = []
  const headers: Record<string, unknown>[] = []
  const handleProtocols = (protocols: Set<string>) => knowsProtocol && protocols.has('mcp') && 'mcp'
  const webSockets = new WebSocketServer({ noServer: true, handleProtocols, autoPong: pongs })
  listener.on('upgrade', (request, socket, head) => {
    headers.push(request.headers)
    if (status !== undefined)
      return socket.end(`HTTP/1.1 ${status} No\r\nwww-authenticate: Bearer\r\ncontent-length: 0\r\n\r\n`)
    return webSockets.handleUpgrade(request, socket, head, (webSocket) => {
      sockets.push(webSocket)
      webSocket.on('message', (data: Buffer) => {
        const asked = JSON.parse(data.toString()) as Asked
        const answer = honestAnswer(asked, 'legacy')
        if (answer) webSocket.send(JSON.stringify({ jsonrpc: '2.0', id: asked.id, ...answer }))
      })
    })
  })
  await once(listener.listen(0, '127.0.0.1'), 'listening')
  ending.after(() => {
    for (const socket of sockets) socket.terminate()
    listener.close()
  })
  const url = `ws://127.0.0.1:${(listener.address() as AddressInfo).port}/mcp`
  return { transport: { kind: 'websocket', url, headers: { 'X-Mine': '1' } }, sockets, headers }
}

suite('a server over a WebSocket', () => {
  for (const knowsProtocol of [true, false])
    test(knowsProtocol ? 'with the subprotocol' : 'that knows no subprotocol', async (t) => {
      const { transport, headers } = await server(t, { knowsProtocol })
      const { connection } = await connected(t, transport, { headers: () => Promise.resolve({ 'X-More': '2' }) })
      const result = await ask(connection, 'tools/call', { name: 'echo', arguments: { text: 'hello' } })
      assert.equal(result, '{"content":[{"type":"text","text":"hello"}]}')
      const { 'x-mine': mine, 'x-more': more } = headers[0] ?? {}
      assert.deepEqual([mine, more], ['1', '2'])
    })

  test('its end is the end of the connection', async (t) => {
    const { transport, sockets } = await server(t)
    const { connection, closed } = await connected(t, transport)
    sockets[0]?.close(1001)
    assert.match(await closed, /closed with code 1001/)
    await assert.rejects(ask(connection, 'ping'), fault('unavailable', /files: its connection closed/))
  })

  test('a peer that vanished is noticed by its silence', async (t) => {
    const { transport } = await server(t, { pongs: false })
    const clock = heldClock()
    const { closed } = await connected(t, transport, { clock })
    clock.advance(30_000)
    clock.advance(30_000)
    assert.match(await closed, /closed with code 1006/)
  })

  test('a login is asked for', async (t) => {
    const { transport } = await server(t, { status: 401 })
    await assert.rejects(
      connected(t, transport),
      (error) => error instanceof LoginRequired && error.challenge === 'Bearer',
    )
  })

  for (const [title, status, says] of [
    ['it is refused', 500, /files answered HTTP 500/],
    ['it is sent elsewhere', 302, /files sends elsewhere \(HTTP 302\)/],
  ] as const)
    test(title, async (t) => {
      const { transport } = await server(t, { status })
      await assert.rejects(connected(t, transport), fault('upstream_failed', says))
    })

  test('nothing listens there', (t) =>
    assert.rejects(
      connected(t, { kind: 'websocket', url: 'ws://127.0.0.1:9', headers: {} }),
      fault('unavailable', /files cannot be reached: nothing listens/),
    ))

  test('a message over the limit ends it, and says so', async (t) => {
    const { transport } = await server(t)
    const { connection, closed } = await connected(t, transport, { maxMessageBytes: 1000 })
    const text = 'x'.repeat(2000)
    await assert.rejects(
      ask(connection, 'tools/call', { name: 'echo', arguments: { text } }),
      fault('unavailable', /size/i),
    )
    assert.match(await closed, /1009|1006/)
  })
})
