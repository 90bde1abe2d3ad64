/**
 * Clients of yesterday: the first generation of the official SDK, with its `initialize` handshake and its session, and
 * a hand-written one over WebSocket. Neither needs a setting: the hub speaks every revision of MCP since 2024-11-05.
 *
 *     npx node examples/old-client/old-client.ts
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { WebSocket } from 'ws'
import { startDemoHub } from '../support/demo-hub.ts'

await using hub = await startDemoHub()
const headers = { authorization: `Bearer ${hub.token}` }

// Streamable HTTP with a session: the transport keeps its id and sends it along.
const client = new Client({ name: 'old-client', version: '1.0.0' })
const transport = new StreamableHTTPClientTransport(new URL(hub.urls.mcp), { requestInit: { headers } })
await client.connect(transport)
console.log(`HTTP: revision ${transport.protocolVersion}, ${client.getServerVersion()?.name}.`)
assert.ok(transport.sessionId)
const { structuredContent } = await client.callTool({ name: 'ping', arguments: {} })
assert.partialDeepStrictEqual(structuredContent, { pong: true })
await transport.terminateSession()
await client.close()

// WebSocket: one JSON-RPC message a frame, here of the very first revision.
const socket = new WebSocket(hub.urls.mcp.replace(/^http/, 'ws'), 'mcp', { headers })
await once(socket, 'open')
const send = (message: object) => socket.send(JSON.stringify({ jsonrpc: '2.0', ...message }))
const ask = async (id: number, method: string, params: object = {}) => {
  send({ id, method, params })
  const [frame] = (await once(socket, 'message')) as [Buffer]
  return JSON.parse(frame.toString()) as { id: number; result: Record<string, unknown> }
}
const clientInfo = { name: 'hand-written', version: '1.0.0' }
const hello = await ask(1, 'initialize', { protocolVersion: '2024-11-05', capabilities: {}, clientInfo })
assert.equal(hello.result['protocolVersion'], '2024-11-05')
send({ method: 'notifications/initialized' })
const { result } = await ask(2, 'tools/call', { name: 'ping', arguments: {} })
console.log(`WebSocket: revision ${hello.result['protocolVersion']}, ${JSON.stringify(result['content'])}`)
assert.match(JSON.stringify(result['content']), /pong/)
socket.close()
await once(socket, 'close')
