import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { heldClock } from '../../kernel/clock.ts'
import { cancelled, READER_TOKEN, testMcp, TOKEN } from '../../testing/mcp.ts'
import { upstream } from './upstream.fixture.ts'

const META = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
}

interface Answer {
  status: number
  headers: Headers
  body: { id?: unknown; result?: Record<string, unknown>; error?: { code: number; message: string; data?: never } }
}

type Mcp = ReturnType<typeof testMcp>

const send = (mcp: Mcp, body: unknown, headers: Record<string, string> = {}) =>
  mcp.fetch('/mcp', {
    method: 'POST',
    headers: {
      authorization: `Bearer ${TOKEN}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...headers,
    },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })

async function post(mcp: Mcp, body: unknown, headers?: Record<string, string>): Promise<Answer> {
  const response = await send(mcp, body, headers)
  const text = await response.text()
  return {
    status: response.status,
    headers: response.headers,
    body: text === '' ? {} : (JSON.parse(text) as Answer['body']),
  }
}

/** A request of the new era with the headers it needs. */
function modern(method: string, params: Record<string, unknown> = {}, meta: object = META) {
  const name = params['name']
  return {
    body: { jsonrpc: '2.0', id: 1, method, params: { ...params, _meta: meta } },
    headers: {
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': method,
      ...(typeof name === 'string' && { 'mcp-name': name }),
    } as Record<string, string>,
  }
}

async function session(mcp: Mcp, protocolVersion: string) {
  const params = { protocolVersion, capabilities: {}, clientInfo: { name: 'test', version: '1' } }
  const { body, headers } = await post(mcp, { jsonrpc: '2.0', id: 0, method: 'initialize', params })
  return { result: body.result ?? {}, headers: { 'mcp-session-id': headers.get('mcp-session-id') ?? '' } }
}

const call = (id: number, name: string, args: object = {}, meta?: object) => ({
  jsonrpc: '2.0',
  id,
  method: 'tools/call',
  params: { name, arguments: args, ...(meta && { _meta: meta }) },
})

/** The data of server-sent events. */
const events = (text: string) =>
  text
    .split('\n\n')
    .filter((event) => event !== '' && !event.startsWith(':'))
    .map((event) => ({
      id: /^id: (.*)$/m.exec(event)?.[1],
      data: JSON.parse(/^data: (.*)$/m.exec(event)?.[1] || 'null') as {
        id?: number
        method?: string
        result?: object
      } | null,
    }))

suite('MCP over HTTP, revision 2026-07-28', () => {
  const mcp = testMcp()

  test('discover tells revisions, capabilities and who this is', async () => {
    const { body, headers } = modern('server/discover')
    const answer = await post(mcp, body, headers)
    assert.deepEqual(answer.body.result, {
      ttlMs: 60_000,
      cacheScope: 'private',
      supportedVersions: ['2026-07-28', '2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'],
      capabilities: { tools: { listChanged: true }, logging: {} },
      instructions: 'Try it.',
      resultType: 'complete',
      _meta: { 'io.modelcontextprotocol/serverInfo': { name: 'alicia', title: 'Alicia', version: '1.2.3' } },
    })
  })

  test('a name that does not fit into a header comes encoded', async () => {
    const { body, headers } = modern('tools/call', { name: 'echo', arguments: { text: 'x' } })
    const answer = await post(mcp, body, { ...headers, 'mcp-name': '=?base64?ZWNobw==?=' })
    assert.deepEqual(answer.body.result?.['structuredContent'], { text: 'x' })
  })

  const echo = modern('tools/call', { name: 'echo', arguments: { text: 'x' } })
  const without = (headers: Record<string, string>, name: string) =>
    Object.fromEntries(Object.entries(headers).filter(([key]) => key !== name))
  const { 'io.modelcontextprotocol/clientCapabilities': _, ...noCapabilities } = META
  const refused: [why: string, body: unknown, headers: Record<string, string>, status: number, code: number][] = [
    ['no version header', echo.body, without(echo.headers, 'mcp-protocol-version'), 400, -32020],
    ['no method header', echo.body, without(echo.headers, 'mcp-method'), 400, -32020],
    ['no name header', echo.body, without(echo.headers, 'mcp-name'), 400, -32020],
    ['another method in the header', echo.body, { ...echo.headers, 'mcp-method': 'tools/list' }, 400, -32020],
    ['another name in the header', echo.body, { ...echo.headers, 'mcp-name': 'fail' }, 400, -32020],
    ['bad encoding of the name', echo.body, { ...echo.headers, 'mcp-name': '=?base64?*?=' }, 400, -32020],
    [
      'another version in the header',
      echo.body,
      { ...echo.headers, 'mcp-protocol-version': '2025-11-25' },
      400,
      -32020,
    ],
    ['header without metadata', call(1, 'echo'), echo.headers, 400, -32602],
    ['no capabilities', modern('tools/list', {}, noCapabilities).body, modern('tools/list').headers, 400, -32602],
    [
      'a log level that does not exist',
      modern('tools/list', {}, { ...META, 'io.modelcontextprotocol/logLevel': 'loud' }).body,
      modern('tools/list').headers,
      400,
      -32602,
    ],
    [
      'a version that does not exist',
      modern('tools/list', {}, { ...META, 'io.modelcontextprotocol/protocolVersion': '2099-01-01' }).body,
      { ...modern('tools/list').headers, 'mcp-protocol-version': '2099-01-01' },
      400,
      -32022,
    ],
    ['an unknown method', modern('tools/lsit').body, modern('tools/lsit').headers, 404, -32601],
    ['a method of the old era', modern('ping').body, modern('ping').headers, 404, -32601],
    [
      'a cursor that is not ours',
      modern('tools/list', { cursor: '!' }).body,
      modern('tools/list').headers,
      200,
      -32602,
    ],
    [
      'arguments that are no object',
      modern('tools/call', { name: 'echo', arguments: [1] }).body,
      echo.headers,
      200,
      -32602,
    ],
    [
      'a tool that does not exist',
      modern('tools/call', { name: 'ecko' }).body,
      modern('tools/call', { name: 'ecko' }).headers,
      200,
      -32602,
    ],
    ['a batch', [echo.body], echo.headers, 400, -32600],
  ]
  for (const [why, body, headers, status, code] of refused)
    test(`refuses ${why}`, async () => {
      const answer = await post(mcp, body, headers)
      assert.deepEqual([answer.status, answer.body.error?.code], [status, code], JSON.stringify(answer.body))
    })

  for (const [arg, header, status] of [
    [{ region: 'eu', in: { size: 42 } }, { 'mcp-param-region': 'eu', 'mcp-param-size': '42.0' }, 200],
    [{ region: 'é' }, { 'mcp-param-region': '=?base64?w6k=?=' }, 200],
    [{ region: null }, {}, 200],
    [{ region: 'eu' }, {}, 400],
    [{ region: 'eu' }, { 'mcp-param-region': 'us' }, 400],
    [{}, { 'mcp-param-region': 'eu' }, 400],
  ] as const)
    test(`an argument that is a header too: ${JSON.stringify([arg, header])} → ${status}`, async () => {
      const own = testMcp()
      const size = { type: 'integer', 'x-mcp-header': 'Size' }
      const properties = { region: { 'x-mcp-header': 'Region' }, in: { type: 'object', properties: { size } } }
      const schema = { type: 'object', properties }
      own.door.registry.add(upstream({ id: 'up', tools: [{ name: 'sql', inputSchema: schema }] }))
      const { body, headers } = modern('tools/call', { name: 'sql', arguments: arg })
      const answer = await post(own, body, { ...headers, ...header })
      assert.deepEqual([answer.status, answer.body.error?.code], [status, status === 200 ? undefined : -32020])
    })

  test('a result that nobody could use is refused with what to do', async () => {
    const { body, headers } = modern('tools/call', { name: 'echo', arguments: { text: 'x', times: 17_000_000 } })
    const answer = await post(mcp, body, headers)
    assert.equal(answer.body.result?.['isError'], true)
    assert.match(
      JSON.stringify(answer.body.result?.['content']),
      /17000011 characters.*Ask for less at once.*too_large/,
    )
  })

  test('a missing scope is HTTP 403 and names the scope', async () => {
    const { body, headers } = modern('tools/call', { name: 'delete_all', arguments: {} })
    const answer = await post(mcp, body, { ...headers, authorization: `Bearer ${READER_TOKEN}` })
    assert.equal(answer.status, 403)
    assert.equal(
      answer.headers.get('www-authenticate'),
      'Bearer realm="alicia", error="insufficient_scope", scope="test:write"',
    )
  })

  test('progress and log messages come before the result, on one stream', async () => {
    const meta = { ...META, progressToken: 'p', 'io.modelcontextprotocol/logLevel': 'info' }
    const { body, headers } = modern('tools/call', { name: 'count', arguments: { to: 2 } }, meta)
    const response = await send(mcp, body, headers)
    assert.equal(response.headers.get('content-type'), 'text/event-stream')
    const seen = events(await response.text()).map(({ data }) => data?.method ?? data?.id)
    assert.deepEqual(seen, ['notifications/progress', 'notifications/progress', 'notifications/message', 1])
  })

  test('without a log level there are no log messages, without a token no progress', async () => {
    const { body, headers } = modern('tools/call', { name: 'count', arguments: {} })
    const response = await send(mcp, body, headers)
    assert.equal(response.headers.get('content-type'), 'application/json')
    await response.body?.cancel()
  })

  test('closing the stream cancels the call', async () => {
    const before = cancelled.count
    const { body, headers } = modern('tools/call', { name: 'wait', arguments: {} }, { ...META, progressToken: 1 })
    const response = await send(mcp, body, headers)
    await response.body?.cancel()
    while (cancelled.count === before) await new Promise(setImmediate)
  })

  test('a subscription is acknowledged first, and ends with a result when the hub stops', async () => {
    const own = testMcp()
    const { body, headers } = modern('subscriptions/listen', {
      notifications: { toolsListChanged: true, promptsListChanged: true },
    })
    const response = await send(own, body, headers)
    own.door.events.emit('tools.changed', { provider: 'x' })
    own.http.close()
    const [acknowledged, changed, end] = events(await response.text()).map(({ data }) => data)
    const _meta = { 'io.modelcontextprotocol/subscriptionId': 1 }
    assert.deepEqual(acknowledged, {
      jsonrpc: '2.0',
      method: 'notifications/subscriptions/acknowledged',
      params: { _meta, notifications: { toolsListChanged: true } },
    })
    assert.deepEqual(changed, { jsonrpc: '2.0', method: 'notifications/tools/list_changed', params: { _meta } })
    assert.deepEqual(end?.result, { resultType: 'complete', _meta })
  })
})

suite('MCP over HTTP, revisions with sessions', () => {
  for (const revision of ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'])
    test(`${revision}: initialize, list and call`, async () => {
      const mcp = testMcp()
      const { result, headers } = await session(mcp, revision)
      assert.equal(result['protocolVersion'], revision)
      assert.match(headers['mcp-session-id'], /^[0-9a-f-]{36}$/)
      assert.equal((await post(mcp, { jsonrpc: '2.0', method: 'notifications/initialized' }, headers)).status, 202)
      const list = await post(mcp, { jsonrpc: '2.0', id: 1, method: 'tools/list' }, headers)
      const [tool] = list.body.result?.['tools'] as Record<string, unknown>[]
      assert.equal('annotations' in (tool ?? {}), revision >= '2025-03-26')
      assert.equal('outputSchema' in (tool ?? {}), revision >= '2025-06-18')
      const answer = await post(mcp, call(2, 'echo', { text: 'x' }), headers)
      assert.equal('structuredContent' in (answer.body.result ?? {}), revision >= '2025-06-18')
      assert.deepEqual((await post(mcp, { jsonrpc: '2.0', id: 3, method: 'ping' }, headers)).body.result, {})
    })

  test('a revision nobody knows is answered with the newest that has sessions', async () => {
    assert.equal((await session(testMcp(), '1999-01-01')).result['protocolVersion'], '2025-11-25')
  })

  const refused: [why: string, body: unknown, headers: Record<string, string>, status: number, code: number][] = [
    ['no JSON', '{"jsonrpc"', {}, 400, -32700],
    ['a number', '7', {}, 400, -32600],
    ['no jsonrpc', { id: 1, method: 'ping' }, {}, 400, -32600],
    ['id null', { jsonrpc: '2.0', id: null, method: 'ping' }, {}, 400, -32600],
    ['params that are a list', { jsonrpc: '2.0', id: 1, method: 'ping', params: [] }, {}, 400, -32600],
    ['no session', call(1, 'echo'), {}, 400, -32600],
    ['an unknown session', call(1, 'echo'), { 'mcp-session-id': 'x' }, 404, -32001],
    ['an unknown version', call(1, 'echo'), { 'mcp-session-id': 'x', 'mcp-protocol-version': 'y' }, 400, -32022],
    ['no token', call(1, 'echo'), { authorization: '' }, 401, -31401],
  ]
  for (const [why, body, headers, status, code] of refused)
    test(`refuses ${why}`, async () => {
      const answer = await post(testMcp(), body, headers)
      assert.deepEqual([answer.status, answer.body.error?.code], [status, code], JSON.stringify(answer.body))
    })

  test('a session belongs to its caller', async () => {
    const mcp = testMcp()
    const { headers } = await session(mcp, '2025-11-25')
    const stolen = await post(mcp, call(1, 'echo', { text: 'x' }), {
      ...headers,
      authorization: `Bearer ${READER_TOKEN}`,
    })
    assert.equal(stolen.status, 404)
  })

  test('DELETE ends a session and what runs in it', async () => {
    const mcp = testMcp()
    const { headers } = await session(mcp, '2025-11-25')
    const before = cancelled.count
    const waiting = await send(mcp, call(1, 'wait', {}, { progressToken: 1 }), headers)
    const ended = await mcp.fetch('/mcp', {
      method: 'DELETE',
      headers: { authorization: `Bearer ${TOKEN}`, ...headers },
    })
    assert.equal(ended.status, 204)
    while (cancelled.count === before) await new Promise(setImmediate)
    await waiting.body?.cancel()
    assert.equal((await post(mcp, call(2, 'echo'), headers)).status, 404)
  })

  test('an idle session is forgotten; a full table makes room or says so', async () => {
    const clock = heldClock()
    const mcp = testMcp({ clock, mostSessions: 1 })
    const first = await session(mcp, '2025-11-25')
    const full = await post(mcp, { jsonrpc: '2.0', id: 0, method: 'initialize', params: {} })
    assert.deepEqual([full.status, /limits\.mcpSessions/.test(full.body.error?.message ?? '')], [503, true])
    clock.advance(120_000)
    await session(mcp, '2025-11-25')
    assert.equal((await post(mcp, call(1, 'echo'), first.headers)).status, 404)
  })

  test('nobody keeps the others out by opening sessions', async () => {
    const mcp = testMcp({ clock: heldClock(), mostSessions: 3 })
    const initialize = async (token: string) =>
      (
        await mcp.fetch('/mcp', {
          method: 'POST',
          headers: { authorization: `Bearer ${token}` },
          body: JSON.stringify({ jsonrpc: '2.0', id: 0, method: 'initialize', params: {} }),
        })
      ).status
    const asked = [READER_TOKEN, READER_TOKEN, READER_TOKEN, READER_TOKEN, TOKEN, TOKEN, TOKEN, READER_TOKEN]
    const answers: number[] = []
    for (const token of asked) answers.push(await initialize(token))
    assert.deepEqual(answers, [200, 200, 200, 503, 200, 200, 503, 200])
  })

  test('a batch of 2025-03-26 is answered on one stream; later revisions refuse it', async () => {
    const mcp = testMcp()
    const batch = [
      call(1, 'echo', { text: 'a' }),
      { jsonrpc: '2.0', method: 'notifications/initialized' },
      call(2, 'fail'),
    ]
    const { headers } = await session(mcp, '2025-03-26')
    const answers = events(await (await send(mcp, batch, headers)).text())
    assert.deepEqual(answers.map(({ data }) => data?.id).sort(), [1, 2])
    const pings = Array.from({ length: 101 }, (_, id) => ({ jsonrpc: '2.0', id, method: 'ping' }))
    assert.equal((await post(mcp, pings, headers)).status, 400)
    const later = await session(mcp, '2025-06-18')
    assert.equal((await post(mcp, batch, later.headers)).status, 400)
  })

  test('a reader that lost its stream comes back for the rest', async () => {
    const mcp = testMcp()
    const { headers } = await session(mcp, '2025-11-25')
    const response = await send(mcp, call(1, 'count', { to: 3 }, { progressToken: 1 }), headers)
    const all = events(await response.text())
    assert.equal(all[0]?.data, null)
    const again = await mcp.fetch('/mcp', {
      headers: {
        authorization: `Bearer ${TOKEN}`,
        accept: 'text/event-stream',
        'last-event-id': all[1]?.id ?? '',
        ...headers,
      },
    })
    assert.deepEqual(events(await again.text()), all.slice(2))
  })

  test('a reader that comes back to an answer that is not kept gets no other stream in its place', async () => {
    const mcp = testMcp()
    const { headers } = await session(mcp, '2025-11-25')
    const get = (last?: string) =>
      mcp.fetch('/mcp', {
        headers: {
          authorization: `Bearer ${TOKEN}`,
          accept: 'text/event-stream',
          ...(last !== undefined && { 'last-event-id': last }),
          ...headers,
        },
      })
    const announcements = await get()
    assert.equal((await get('reply99_1')).status, 400)
    mcp.door.events.emit('tools.changed', { provider: 'test' })
    mcp.http.close()
    assert.match(await announcements.text(), /tools\/list_changed/)
  })

  test('logging/setLevel chooses what the client hears', async () => {
    const mcp = testMcp()
    const { headers } = await session(mcp, '2025-11-25')
    const quiet = await send(mcp, call(1, 'count'), headers)
    assert.equal(quiet.headers.get('content-type'), 'application/json')
    await post(mcp, { jsonrpc: '2.0', id: 2, method: 'logging/setLevel', params: { level: 'debug' } }, headers)
    const loud = await send(mcp, call(3, 'count'), headers)
    assert.match(await loud.text(), /"level":"info","logger":"count","data":\{"message":"counted","to":3\}/)
  })

  test('GET without a session, and other methods, are refused with what is allowed', async () => {
    const mcp = testMcp()
    for (const method of ['GET', 'DELETE', 'PUT']) {
      const response = await mcp.fetch('/mcp', {
        method,
        headers: { authorization: `Bearer ${TOKEN}`, accept: 'text/event-stream' },
      })
      assert.deepEqual([response.status, response.headers.get('allow')], [405, 'POST, GET, DELETE'])
    }
  })
})

suite('lists of many tools', () => {
  test('come in pages without a gap, and a page survives a change in between', async () => {
    const { operation } = await import('../../kernel/operation.ts')
    const { z } = await import('zod')
    const tools = Array.from({ length: 450 }, (_, index) =>
      operation()({
        name: `many.tool_${String(index).padStart(3, '0')}`,
        summary: 'One of many.',
        scope: null,
        effect: 'read',
        input: z.object({}),
        output: z.object({}),
        handler: async () => ({}),
      }).bind({}),
    )
    const mcp = testMcp({ tools })
    const names: string[] = []
    let cursor: string | undefined
    do {
      const { body, headers } = modern('tools/list', cursor === undefined ? {} : { cursor })
      const { result } = (await post(mcp, body, headers)).body
      names.push(...(result?.['tools'] as { name: string }[]).map(({ name }) => name))
      cursor = result?.['nextCursor'] as string | undefined
    } while (cursor !== undefined)
    assert.deepEqual(
      names,
      tools.map(({ name }) => name.slice('many.'.length)),
    )
  })
})
