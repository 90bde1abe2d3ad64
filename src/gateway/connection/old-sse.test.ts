import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { suite, test } from 'node:test'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { SSEServerTransport } from '@modelcontextprotocol/sdk/server/sse.js'
import { fault } from '../../testing/mqtt-toolkit.ts'
import { ask, connected, http, type Ending } from './connecting.fixture.ts'
import { LoginRequired } from './login-required.ts'

async function listening(ending: Ending, route: (request: IncomingMessage, response: ServerResponse) => unknown) {
  const listener = createServer((request, response) => void route(request, response)).listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const end = () => {
    listener.closeAllConnections()
    listener.close()
  }
  ending.after(end)
  return { url: `http://127.0.0.1:${(listener.address() as AddressInfo).port}/sse`, end }
}

/** A server of 2024-11-05, made with the official library. */
async function oldServer(ending: Ending) {
  const transports = new Map<string, SSEServerTransport>()
  return await listening(ending, async (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost')
    if (pathname === '/message')
      return transports.get(searchParams.get('sessionId') ?? '')?.handlePostMessage(request, response)
    if (request.method !== 'GET') return response.writeHead(405).end()
    const transport = new SSEServerTransport('/message', response)
    transports.set(transport.sessionId, transport)
    const server = new McpServer({ name: 'old', version: '1.0.0' })
    server.registerTool('greet', { description: 'Greets.' }, () => ({ content: [{ type: 'text', text: 'Hello' }] }))
    return await server.connect(transport)
  })
}

suite('a server over the old HTTP+SSE', () => {
  for (const mode of ['auto', 'sse'] as const)
    test(`is found: ${mode}`, async (t) => {
      const { url } = await oldServer(t)
      const { connection } = await connected(t, http(url, mode))
      assert.deepEqual([connection.serverInfo['name'], connection.correlates], ['old', false])
      const result = await ask(connection, 'tools/call', { name: 'greet', arguments: {} })
      assert.deepEqual(JSON.parse(result), { content: [{ type: 'text', text: 'Hello' }] })
    })

  test('is not looked for where only Streamable HTTP is wanted', async (t) => {
    const { url } = await oldServer(t)
    await assert.rejects(connected(t, http(url, 'streamable')), fault('upstream_failed', /files answered HTTP 405/))
  })

  test('the end of its stream is the end of the connection', async (t) => {
    const { url, end } = await oldServer(t)
    const { connection, closed } = await connected(t, http(url))
    end()
    assert.match(await closed, /^its stream broke off/)
    await assert.rejects(ask(connection, 'ping'), fault('unavailable', /files: its stream broke off/))
  })

  test('messages go to no other origin', async (t) => {
    const { url } = await listening(t, (_request, response) =>
      response
        .writeHead(200, { 'content-type': 'text/event-stream' })
        .write('event: endpoint\ndata: http://127.0.0.1:9/x\n\n'),
    )
    await assert.rejects(
      connected(t, http(url, 'sse')),
      fault('upstream_failed', /another origin, http:\/\/127.0.0.1:9/),
    )
  })

  for (const [title, status, type, says] of [
    ['no stream', 200, 'text/html', /opens no stream/],
    ['nothing there', 404, 'text/html', /files answered HTTP 404/],
  ] as const)
    test(title, async (t) => {
      const { url } = await listening(t, (_request, response) =>
        response.writeHead(status, { 'content-type': type }).end('x'),
      )
      await assert.rejects(connected(t, http(url, 'sse')), fault('upstream_failed', says))
    })

  test('a login is asked for', async (t) => {
    const { url } = await listening(t, (_request, response) =>
      response.writeHead(401, { 'www-authenticate': 'Bearer' }).end(),
    )
    await assert.rejects(connected(t, http(url, 'sse')), LoginRequired)
  })

  test('a message that is refused fails its call', async (t) => {
    let refuse = false
    const { url } = await listening(t, async (request, response) => {
      if (request.method === 'GET') {
        response.writeHead(200, { 'content-type': 'text/event-stream' }).write('event: endpoint\ndata: /message\n\n')
        return open.resolve(response)
      }
      let body = ''
      for await (const chunk of request.setEncoding('utf8')) body += String(chunk)
      response.writeHead(refuse ? 503 : 202).end()
      const { id, method } = JSON.parse(body) as { id?: number; method: string }
      const answer = { error: { code: -32601, message: 'No' } }
      const agreed = { result: { protocolVersion: '2024-11-05', capabilities: {}, serverInfo: {} } }
      const outcome = method === 'initialize' ? agreed : answer
      const stream = await open.promise
      if (id !== undefined && !refuse) stream.write(`data: ${JSON.stringify({ jsonrpc: '2.0', id, ...outcome })}\n\n`)
    })
    const open = Promise.withResolvers<ServerResponse>()
    const { connection } = await connected(t, http(url, 'sse'))
    assert.equal(connection.revision, '2024-11-05')
    refuse = true
    await assert.rejects(ask(connection, 'tools/list'), fault('unavailable', /files answered HTTP 503/))
  })
})
