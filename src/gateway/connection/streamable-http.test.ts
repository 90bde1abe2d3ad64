import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { suite, test } from 'node:test'
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { heldClock } from '../../kernel/clock.ts'
import type { Fault } from '../../kernel/fault.ts'
import { RelayedError, RelayedResult } from '../../kernel/mcp/relayed.ts'
import { inDoubt, wasNotSent } from '../../kernel/resilience/blame.ts'
import { fault } from '../../testing/mqtt-toolkit.ts'
import { httpUpstream } from '../../testing/upstreams/http-upstream.ts'
import { ask, connected, http, memory, type Ending } from './connecting.fixture.ts'
import type { Connection } from './connection.ts'
import { brokenOff } from './http-fault.ts'
import { LoginRequired } from './login-required.ts'
import { SessionGone } from './session-gone.ts'

const call = (connection: Connection) => ask(connection, 'tools/call', { name: 'echo', arguments: { text: 'hello' } })
const HELLO = '{"content":[{"type":"text","text":"hello"}]}'

interface Message {
  readonly id?: number | string
  readonly method?: string
  readonly params?: { readonly requestId?: number }
}

type Route = (request: IncomingMessage, response: ServerResponse, message: Message) => unknown

/** An MCP server of 2025-11-25 with session `s`; `route` deals with whatever is no handshake. */
async function server(ending: Ending, route: Route): Promise<string> {
  const listener = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request.setEncoding('utf8')) body += String(chunk)
    const message = (body === '' ? {} : JSON.parse(body)) as Message
    const { id, method } = message
    if (method === 'server/discover') return json(response, { id, error: { code: -32601, message: 'No' } })
    if (method === 'notifications/initialized') return response.writeHead(202).end()
    if (method !== 'initialize') return route(request, response, message)
    response.setHeader('mcp-session-id', 's')
    const result = { protocolVersion: '2025-11-25', capabilities: {}, serverInfo: { name: 'x', version: '1' } }
    return json(response, { id, result })
  }).listen(0, '127.0.0.1')
  await once(listener, 'listening')
  ending.after(() => {
    listener.closeAllConnections()
    listener.close()
  })
  return `http://127.0.0.1:${(listener.address() as AddressInfo).port}/mcp`
}

const json = (response: ServerResponse, message: object, status = 200) =>
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ jsonrpc: '2.0', ...message }))

const stream = (response: ServerResponse) => response.writeHead(200, { 'content-type': 'text/event-stream' })
const event = (message: object, fields = '') => `${fields}data: ${JSON.stringify({ jsonrpc: '2.0', ...message })}\n\n`
const isGet = ({ method }: IncomingMessage) => method === 'GET'
const noStream = (response: ServerResponse) => response.writeHead(405).end()

suite('a server over Streamable HTTP', () => {
  for (const era of ['legacy', 'modern', 'both'] as const)
    for (const behaviour of ['answers-json', 'answers-sse', 'odd-sse', 'answers-twice'] as const)
      test(`${era}, ${behaviour}`, async (t) => {
        const { url } = await httpUpstream(t, behaviour, era)
        const { connection } = await connected(t, http(url))
        assert.equal(connection.revision, era === 'legacy' ? '2025-11-25' : '2026-07-28')
        assert.equal(connection.correlates, true)
        const meta = { _meta: { 'io.modelcontextprotocol/protocolVersion': connection.revision } }
        const params = { name: 'echo', arguments: { text: 'hello' }, ...(era !== 'legacy' && meta) }
        assert.match(await ask(connection, 'tools/call', params), /"content":\[{"type":"text","text":"hello"}\]/)
        assert.equal(connection.running, 0)
      })

  for (const [behaviour, code, says] of [
    ['status-403', 'upstream_failed', /files answered HTTP 403.*does not let the hub in/],
    ['status-404', 'upstream_failed', /files answered HTTP 404.*Check the path/],
    ['status-429', 'unavailable', /files answered HTTP 429.*asked too often/],
    ['status-500', 'upstream_failed', /files answered HTTP 500.*its own log/],
    ['status-503', 'unavailable', /files answered HTTP 503/],
    ['redirects', 'upstream_failed', /files sends elsewhere \(HTTP 307\).*http:\/\/127.0.0.1:9\/elsewhere/],
    ['cuts-json', 'unavailable', /files cannot be reached: it broke the connection/],
    ['cuts-sse', 'unavailable', /files ended its answer before it was whole/],
    ['ends-sse-early', 'unavailable', /files ended its answer before it was whole/],
    ['hangs-up', 'unavailable', /files cannot be reached: it broke the connection/],
    ['wrong-content-type', 'upstream_failed', /files answered HTTP 200 with text\/html/],
    ['no-content-type', 'upstream_failed', /files answered HTTP 200 with nothing/],
    ['no-json', 'upstream_failed', /JSON that does not answer the request/],
    ['empty-body', 'upstream_failed', /JSON that does not answer the request/],
    ['accepts-only', 'upstream_failed', /files answered HTTP 202 with nothing/],
    ['wrong-id', 'upstream_failed', /JSON that does not answer the request/],
    ['huge-body', 'too_large', /files answered with more than 1048576 bytes/],
  ] as const)
    test(`${behaviour}: the call fails, the next one does not`, async (t) => {
      const upstream = await httpUpstream(t, 'answers-json')
      const { connection } = await connected(t, http(upstream.url), { maxMessageBytes: 1 << 20 })
      upstream.behave(behaviour)
      await assert.rejects(call(connection), fault(code, says))
      upstream.behave('answers-json')
      assert.equal(await call(connection), HELLO)
    })

  for (const [behaviour, ms] of [
    ['status-429', 7000],
    ['status-503', 1000],
  ] as const)
    test(`${behaviour}: when to ask again is the server's word`, async (t) => {
      const upstream = await httpUpstream(t, 'answers-json')
      const { connection } = await connected(t, http(upstream.url))
      upstream.behave(behaviour)
      await assert.rejects(call(connection), { retryAfterMs: ms })
    })

  test('a server that wants a login says so at the start, with its challenge', async (t) => {
    const { url } = await httpUpstream(t, 'status-401')
    await assert.rejects(connected(t, http(url)), (error) => {
      assert.ok(error instanceof LoginRequired)
      assert.deepEqual(
        [error.code, error.answeredStatus, error.challenge, error.url],
        ['unauthenticated', 401, 'Bearer', url],
      )
      return true
    })
  })

  test('nothing listens there', async (t) =>
    assert.rejects(
      connected(t, http('http://127.0.0.1:9/mcp')),
      fault('unavailable', /files cannot be reached: nothing listens/),
    ))

  test('its headers are those of the user and of the protocol', async (t) => {
    const upstream = await httpUpstream(t, 'answers-json')
    const { connection } = await connected(
      t,
      { kind: 'http', url: upstream.url, headers: { Authorization: 'Bearer abc', 'X-Mine': '1' }, mode: 'auto' },
      { headers: () => Promise.resolve({ 'X-More': '2' }) },
    )
    await call(connection)
    const { headers } = upstream.received.at(-1) ?? {}
    const { authorization, accept, 'x-mine': mine, 'x-more': more, 'mcp-protocol-version': revision } = headers ?? {}
    assert.deepEqual([authorization, mine, more, revision], ['Bearer abc', '1', '2', '2025-11-25'])
    assert.equal(accept, 'application/json, text/event-stream')
  })

  test('2026-07-28: the headers repeat the body', async (t) => {
    const upstream = await httpUpstream(t, 'answers-json', 'modern')
    const { connection } = await connected(t, http(upstream.url))
    await connection
      .request({
        method: 'tools/call',
        params: () => '{"arguments":{},"name":"prüfe"}',
        signal: AbortSignal.timeout(20_000),
        headers: { 'Mcp-Param-Region': 'eu' },
      })
      .catch(() => undefined)
    const { headers = {} } = upstream.received.at(-1) ?? {}
    assert.deepEqual(
      ['mcp-protocol-version', 'mcp-method', 'mcp-name', 'mcp-param-region', 'mcp-session-id'].map(
        (name) => headers[name],
      ),
      ['2026-07-28', 'tools/call', '=?base64?cHLDvGZl?=', 'eu', undefined],
    )
    assert.ok(upstream.received.every(({ method }) => method === 'POST'))
  })

  test('a redirect within the origin is followed, and remembered', async (t) => {
    const paths: (string | undefined)[] = []
    const url = await server(t, (request, response, { id }) => {
      if (isGet(request)) return noStream(response)
      paths.push(request.url)
      if (request.url === '/mcp') return response.writeHead(308, { location: '/mcp/' }).end()
      return json(response, { id, result: {} })
    })
    const { connection } = await connected(t, http(url))
    await ask(connection, 'ping')
    await ask(connection, 'ping')
    assert.deepEqual(paths, ['/mcp', '/mcp/', '/mcp/'])
  })

  test('notifications on a request’s own stream are the request’s, questions too, all before the answer', async (t) => {
    const answers: unknown[] = []
    let open: ServerResponse | undefined
    let calling: number | string | undefined
    const url = await server(t, (request, response, message) => {
      if (isGet(request)) return noStream(response)
      if (message.method === 'tools/call') {
        calling = message.id
        open = stream(response)
        open.write(event({ method: 'notifications/message', params: { level: 'info', data: 1 } }))
        return open.write(event({ id: 'q', method: 'roots/list' }))
      }
      answers.push(message)
      response.writeHead(202).end()
      return open?.end(
        event({ method: 'notifications/progress', params: { progressToken: 1 } }) + event({ id: calling, result: {} }),
      )
    })
    const { connection, notifications, requests } = await connected(t, http(url))
    const heard: string[] = []
    const signal = AbortSignal.timeout(20_000)
    const result = await connection.request({
      method: 'tools/call',
      params: () => '{}',
      signal,
      onNotification: ({ method }) => heard.push(method),
      onRequest: () => Promise.resolve(new RelayedResult('{"roots":[]}')),
    })
    assert.equal(result.text, '{}')
    assert.deepEqual(heard, ['notifications/message', 'notifications/progress'])
    assert.deepEqual(answers, [{ jsonrpc: '2.0', id: 'q', result: { roots: [] } }])
    assert.deepEqual([notifications, requests], [[], []])
  })

  test('a stream that breaks off is taken up again where it was', async (t) => {
    const resumed: (string | string[] | undefined)[] = []
    let calling: number | string | undefined
    const url = await server(t, (request, response, message) => {
      if (message.method === 'tools/call') {
        calling = message.id
        stream(response).write('id: 1\nretry: 1\ndata:\n\n')
        return response.write(event({ method: 'notifications/progress', params: {} }, 'id: 2\n'), () =>
          response.destroy(),
        )
      }
      const after = request.headers['last-event-id']
      if (!isGet(request) || after === undefined) return noStream(response)
      resumed.push(after)
      // More often than it is asked for nothing: each time it had something to say.
      if (resumed.length < 9) return stream(response).end(`id: ${resumed.length + 2}\ndata:\n\n`)
      return stream(response).end(
        event({ method: 'notifications/progress', params: {} }) + event({ id: calling, result: { a: 1 } }),
      )
    })
    const { connection } = await connected(t, http(url))
    let heard = 0
    const signal = AbortSignal.timeout(20_000)
    const onNotification = () => void heard++
    const { text } = await connection.request({ method: 'tools/call', params: () => '{}', signal, onNotification })
    assert.deepEqual([text, heard], ['{"a":1}', 2])
    assert.deepEqual(resumed, ['2', '3', '4', '5', '6', '7', '8', '9', '10'])
  })

  test('progress on the stream of what concerns no request is that of the call it names', async (t) => {
    const listening = Promise.withResolvers<ServerResponse>()
    const told = Promise.withResolvers<void>()
    const url = await server(t, async (request, response, { id }) => {
      if (isGet(request)) return listening.resolve(stream(response))
      const progress = { method: 'notifications/progress', params: { progressToken: id, progress: 1 } }
      const other = { method: 'notifications/progress', params: { progressToken: 99, progress: 1 } }
      ;(await listening.promise).write(event(other) + event(progress))
      await told.promise
      return json(response, { id, result: {} })
    })
    const { connection, notifications } = await connected(t, http(url))
    const heard: string[] = []
    const onNotification = ({ params }: { params: string }) => {
      heard.push(params)
      told.resolve()
    }
    const signal = AbortSignal.timeout(20_000)
    await connection.request({ method: 'tools/call', params: () => '{}', signal, onNotification })
    assert.deepEqual(heard.length, 1)
    assert.match(heard[0] ?? '', /"progress":1/)
    assert.deepEqual(
      notifications.map(({ params }) => params),
      ['{"progressToken":99,"progress":1}'],
    )
  })

  for (const [coding, encode] of [
    ['gzip', gzipSync],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
    ['zstd', zstdCompressSync],
    ['identity', (text: string) => text],
  ] as const)
    for (const type of ['application/json', 'text/event-stream'] as const)
      test(`${type} that comes as ${coding} is read`, async (t) => {
        const url = await server(t, (request, response, { id }) => {
          if (isGet(request)) return noStream(response)
          const message = { jsonrpc: '2.0', id, result: { a: 'é' } }
          const body = type === 'application/json' ? JSON.stringify(message) : event(message)
          return response.writeHead(200, { 'content-type': type, 'content-encoding': coding }).end(encode(body))
        })
        const { connection } = await connected(t, http(url))
        assert.equal(await ask(connection, 'tools/call'), '{"a":"é"}')
      })

  for (const coding of ['gzip', 'deflate', 'br', 'zstd'])
    test(`a refusal without a body that says ${coding} is the refusal that it is`, async (t) => {
      const url = await server(t, (request, response) =>
        isGet(request) ? noStream(response) : response.writeHead(404, { 'content-encoding': coding }).end(),
      )
      const { connection } = await connected(t, http(url))
      await assert.rejects(ask(connection, 'ping'), fault('unavailable', /files: its session is gone/))
    })

  test('an answer that cannot be read may be that of a call which ran', async (t) => {
    const url = await server(t, (request, response) => {
      if (isGet(request)) return noStream(response)
      return response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' }).end('{"a":1}')
    })
    const { connection } = await connected(t, http(url))
    const error = await ask(connection, 'tools/call').catch((thrown: unknown) => thrown)
    assert.match(String(inDoubt(error)), /It may have been done/)
  })

  test('a call for which there was no connection is not in doubt', () => {
    const connecting = Object.assign(new Error('connect ETIMEDOUT'), { code: 'ETIMEDOUT', syscall: 'connect' })
    const reading = Object.assign(new Error('read ETIMEDOUT'), { code: 'ETIMEDOUT', syscall: 'read' })
    for (const [error, code] of [
      [connecting, 'unavailable'],
      [Object.assign(new AggregateError([connecting, connecting]), { code: 'ETIMEDOUT' }), 'unavailable'],
      [reading, 'upstream_failed'],
    ] as const)
      assert.equal((inDoubt(brokenOff('files', error)) as Fault).code, code)
  })

  test('what is no such coding fails the call, and the next one does not', async (t) => {
    let count = 0
    const url = await server(t, (request, response, { id }) => {
      if (isGet(request)) return noStream(response)
      if (count++ > 0) return json(response, { id, result: {} })
      return response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' }).end('{"a":1}')
    })
    const { connection } = await connected(t, http(url))
    await assert.rejects(ask(connection, 'tools/call'), fault('unavailable', /files cannot be reached/))
    assert.equal(await ask(connection, 'tools/call'), '{}')
  })

  test('a byte order mark before JSON is no part of it', async (t) => {
    const url = await server(t, (request, response, { id }) => {
      if (isGet(request)) return noStream(response)
      const body = `\uFEFF{"jsonrpc":"2.0","id":${id},"result":{}}`
      return response.writeHead(200, { 'content-type': 'application/json' }).end(body)
    })
    const { connection } = await connected(t, http(url))
    assert.equal(await ask(connection, 'tools/call'), '{}')
  })

  test('what it says without being asked comes over its own stream, which is opened again', async (t) => {
    const heard = Promise.withResolvers<string>()
    let opened = 0
    const url = await server(t, (request, response) => {
      if (!isGet(request)) return noStream(response)
      const after = request.headers['last-event-id']
      stream(response)
      if (opened++ === 0) return response.end('retry: 1\n' + event({ method: 'notifications/a' }, 'id: 7\n'))
      return response.write(event({ method: `notifications/b${String(after)}` }))
    })
    await connected(t, http(url), {
      handlers: {
        onNotification: ({ method }) => method !== 'notifications/a' && heard.resolve(method),
        onRequest: () => Promise.reject(new Error('none')),
        onClose: () => {},
      },
    })
    assert.equal(await heard.promise, 'notifications/b7')
  })

  for (const [title, id, gaps] of [
    ['without event ids, something may have been missed', '', 1],
    ['with event ids, the server sends what was missed', 'id: 7\n', 0],
  ] as const)
    test(`a stream that listens is opened again: ${title}`, async (t) => {
      const heard = Promise.withResolvers<void>()
      let opened = 0
      let told = 0
      const url = await server(t, (request, response) => {
        if (!isGet(request)) return noStream(response)
        stream(response)
        if (opened++ === 0) return response.end(`retry: 1\n${id}data:\n\n`)
        return response.write(event({ method: 'notifications/a' }))
      })
      await connected(t, http(url), {
        handlers: {
          onNotification: () => heard.resolve(),
          onRequest: () => Promise.reject(new Error('none')),
          onClose: () => {},
          onGap: () => void told++,
        },
      })
      await heard.promise
      assert.equal(told, gaps)
    })

  test('a stream that listens is opened again where it is refused for the moment', async (t) => {
    const heard = Promise.withResolvers<string>()
    let opened = 0
    const url = await server(t, (request, response) => {
      if (!isGet(request)) return noStream(response)
      opened++
      if (opened === 1) return stream(response).end('retry: 1\ndata:\n\n')
      if (opened === 2) return response.writeHead(429).end()
      if (opened === 3) return response.writeHead(408).end()
      return stream(response).write(event({ method: 'notifications/a' }))
    })
    await connected(t, http(url), {
      handlers: {
        onNotification: ({ method }) => heard.resolve(method),
        onRequest: () => Promise.reject(new Error('none')),
        onClose: () => {},
      },
    })
    assert.equal(await heard.promise, 'notifications/a')
  })

  for (const [title, status, error] of [
    ['404', 404, undefined],
    ['404 with the id of the request', 404, { id: 3, error: { code: -32001, message: 'Session not found' } }],
    [
      '400 as the official libraries say it',
      400,
      { id: null, error: { code: -32000, message: 'Bad Request: No valid session ID' } },
    ],
  ] as const)
    test(`a session that is gone ends the connection: ${title}`, async (t) => {
      const url = await server(t, (request, response) => {
        if (isGet(request)) return noStream(response)
        return error ? json(response, error, status) : response.writeHead(status).end()
      })
      const { connection, closed } = await connected(t, http(url))
      await assert.rejects(ask(connection, 'ping'), fault('unavailable', /files: its session is gone/))
      assert.match(await closed, /^its session is gone/)
      await assert.rejects(ask(connection, 'ping'), fault('unavailable', /its session is gone/))
    })

  test('a call that its server refused with its session may be made again, one that ran may not', async (t) => {
    const running = Promise.withResolvers<ServerResponse>()
    let count = 0
    const url = await server(t, (request, response) => {
      if (isGet(request)) return noStream(response)
      return count++ === 0 ? running.resolve(stream(response)) : response.writeHead(404).end()
    })
    const { connection } = await connected(t, http(url))
    const first = ask(connection, 'tools/call').catch((error: unknown) => error)
    ;(await running.promise).flushHeaders()
    const second = await ask(connection, 'tools/call').catch((error: unknown) => error)
    assert.deepEqual([second instanceof SessionGone, wasNotSent(second)], [true, true])
    assert.deepEqual([(await first) instanceof SessionGone, wasNotSent(await first)], [false, false])
  })

  test('a call whose session went while its answer was on the way may have run', async (t) => {
    const url = await server(t, (request, response) => {
      if (!isGet(request)) return stream(response).end('retry: 1\nid: 1\ndata:\n\n')
      return response.writeHead(request.headers['last-event-id'] === undefined ? 405 : 404).end()
    })
    const { connection } = await connected(t, http(url))
    const error = await ask(connection, 'tools/call').catch((thrown: unknown) => thrown)
    assert.deepEqual([error instanceof SessionGone, wasNotSent(error)], [false, false])
    assert.match(String(error), /its session is gone/)
  })

  test('a session that is gone shows on the stream that listens, too', async (t) => {
    let opened = 0
    const url = await server(t, (_request, response) =>
      opened++ === 0 ? stream(response).end('retry: 1\ndata:\n\n') : response.writeHead(404).end(),
    )
    const { closed } = await connected(t, http(url))
    assert.match(await closed, /^its session is gone/)
  })

  test('a stream that goes on after its answer is ended', async (t) => {
    const ended = Promise.withResolvers<void>()
    const url = await server(t, (request, response, { id }) => {
      if (isGet(request)) return noStream(response)
      response.once('close', ended.resolve)
      return stream(response).write(event({ id, result: {} }))
    })
    const clock = heldClock()
    const { connection } = await connected(t, http(url), { clock })
    await ask(connection, 'ping')
    clock.advance(2000)
    await ended.promise
  })

  test('closing ends what runs', async (t) => {
    const upstream = await httpUpstream(t, 'answers-json')
    const { connection } = await connected(t, http(upstream.url))
    upstream.behave('hangs')
    const running = call(connection)
    await Promise.all([assert.rejects(running, fault('unavailable', /files: the hub closed/)), connection.close()])
    assert.equal(connection.running, 0)
  })

  test('the handshake is whole before anything else is asked', async (t) => {
    const upstream = await httpUpstream(t, 'answers-json')
    const { connection } = await connected(t, http(upstream.url))
    await call(connection)
    const asked = upstream.received.flatMap(({ asked }) => asked?.method ?? [])
    assert.deepEqual(asked, ['server/discover', 'initialize', 'notifications/initialized', 'tools/call'])
  })

  test('an unknown method with 404 is an answer, not the end of the session', async (t) => {
    const url = await server(t, (request, response, { id }) =>
      isGet(request) ? noStream(response) : json(response, { id, error: { code: -32601, message: 'No' } }, 404),
    )
    const { connection } = await connected(t, http(url))
    for (let count = 0; count < 2; count++)
      await assert.rejects(
        ask(connection, 'x'),
        (error) => error instanceof RelayedError && error.error.code === -32601,
      )
  })

  test('the end of a connection ends its session', async (t) => {
    const ended = Promise.withResolvers<unknown>()
    const url = await server(t, (request, response) => {
      if (request.method === 'DELETE') ended.resolve(request.headers['mcp-session-id'])
      return noStream(response)
    })
    const { connection } = await connected(t, http(url))
    await connection.close()
    assert.equal(await ended.promise, 's')
    await assert.rejects(ask(connection, 'ping'), fault('unavailable', /the hub closed/))
  })

  test('a call that is withdrawn: before 2026-07-28 the server is told, since then its stream is closed', async (t) => {
    const told = Promise.withResolvers<number | undefined>()
    const arrived = Promise.withResolvers<void>()
    const url = await server(t, (request, response, { method, params }) => {
      if (isGet(request)) return noStream(response)
      if (method === 'tools/call') return arrived.resolve()
      if (method === 'notifications/cancelled') told.resolve(params?.requestId)
      return response.writeHead(202).end()
    })
    const { connection } = await connected(t, http(url))
    const controller = new AbortController()
    const calling = connection.request({ method: 'tools/call', params: () => '{}', signal: controller.signal })
    await arrived.promise
    const reason = new Error('withdrawn')
    controller.abort(reason)
    await assert.rejects(calling, reason)
    assert.equal(await told.promise, 3)

    const modern = await httpUpstream(t, 'answers-json', 'modern')
    const { connection: second } = await connected(t, http(modern.url))
    modern.behave('hangs')
    const late = AbortSignal.timeout(50)
    await assert.rejects(second.request({ method: 'tools/call', params: () => '{}', signal: late }), {
      name: 'TimeoutError',
    })
    modern.behave('answers-json')
    for (let count = 0; count < 3; count++) await ask(second, 'tools/list').catch(() => undefined)
    assert.ok(modern.received.every(({ asked }) => asked?.method !== 'notifications/cancelled'))
  })

  test('over somebody’s fetch it is the same', async (t) => {
    const upstream = await httpUpstream(t, 'answers-sse')
    let asked = 0
    const counted: typeof fetch = (input, init) => {
      asked++
      return fetch(input, init)
    }
    const { connection } = await connected(t, http(upstream.url), { fetch: counted, eras: memory() })
    assert.equal(await call(connection), HELLO)
    for (const [behaviour, says] of [
      ['redirects', /files sends elsewhere/],
      ['cuts-json', /it broke the connection/],
      ['cuts-sse', /before it was whole/],
      ['hangs-up', /it broke the connection/],
    ] as const) {
      upstream.behave(behaviour)
      await assert.rejects(call(connection), (error) => fault((error as { code: string }).code, says)(error))
    }
    assert.ok(asked > 5)
  })
})
