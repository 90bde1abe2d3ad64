import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { z } from 'zod'
import { CallerQuota } from '../../kernel/caller-quota.ts'
import { heldClock } from '../../kernel/clock.ts'
import type { Holder } from '../../kernel/identity.ts'
import { operation } from '../../kernel/operation.ts'
import { READER_TOKEN, sampleRest } from './samples.suite.ts'

interface Problem {
  code: string
  detail: string
  hint?: string
  instance: string
  status: number
  title: string
  type: string
  retry_after_ms?: number
}

const problemOf = async (response: Response) => {
  assert.equal(response.headers.get('content-type'), 'application/problem+json')
  return (await response.json()) as Problem
}

const flood = (keys: number) => Object.fromEntries(Array.from({ length: keys }, (_, at) => [`key${at}`, at]))

const deep = (levels: number) => `${'['.repeat(levels)}${']'.repeat(levels)}`

suite('a body that comes slowly', () => {
  for (const [what, isOver, status] of [
    ['whose sender’s access ended meanwhile is refused', true, 401],
    ['is taken', false, 200],
  ] as const)
    test(what, async () => {
      const clock = heldClock()
      let holder: Holder | undefined = { id: 'anna', name: 'anna', scopes: ['test:read'] }
      const { ask, identity } = sampleRest({
        clock,
        async readJson() {
          clock.advance(60_000)
          if (isOver) holder = undefined
          return { value: 1 }
        },
      })
      identity.addSource(({ token }) => (token === 'anna' ? holder : undefined))
      const response = await ask('POST', '/api/test/echo', {}, { authorization: 'Bearer anna' })
      assert.equal(response.status, status)
    })
})

suite('rest', () => {
  const { ask } = sampleRest()

  const answers = [
    ['GET', '/devices', undefined, { asked: { limit: 50 } }],
    ['GET', '/devices?limit=3&kind=lamp&online=false', undefined, { asked: { limit: 3, kind: 'lamp', online: false } }],
    ['GET', '/devices?tags=a,b', undefined, { asked: { limit: 50, tags: ['a', 'b'] } }],
    ['GET', '/devices?tags=a&tags=b,c', undefined, { asked: { limit: 50, tags: ['a', 'b,c'] } }],
    ['GET', '/devices?tags=["a"]&levels=1,2', undefined, { asked: { limit: 50, tags: ['a'], levels: [1, 2] } }],
    ['GET', '/devices?tags=', undefined, { asked: { limit: 50, tags: [] } }],
    ['GET', '/devices?room=null&either=true', undefined, { asked: { limit: 50, room: 'null', either: true } }],
    ['GET', '/devices?where={"floor":1}', undefined, { asked: { limit: 50, where: { floor: 1 } } }],
    ['GET', '/devices/7', undefined, { id: '7', detail: false }],
    ['GET', '/devices/a%20b%2Fc?detail=true', undefined, { id: 'a b/c', detail: true }],
    ['GET', '/%64evices/7', undefined, { id: '7', detail: false }],
    ['GET', '/devices/commands', undefined, { commands: [] }],
    ['PUT', '/devices/7', { name: 'lamp' }, { id: 7, name: 'lamp' }],
    ['PUT', '/devices/7', undefined, { id: 7 }],
    ['DELETE', '/devices/7?force=true', undefined, { id: '7', force: true }],
    ['DELETE', '/devices/7', { force: true }, { id: '7', force: true }],
    ['POST', '/api/devices/get_device', { id: 'x' }, { id: 'x', detail: false }],
    ['POST', '/api/test/echo', { value: { é: [1, null] } }, { value: { é: [1, null] } }],
  ] as const
  for (const [method, path, body, expected] of answers)
    test(`${method} ${path} ${body === undefined ? '' : JSON.stringify(body)}`, async () => {
      const response = await ask(method, path, body)
      assert.equal(response.status, 200)
      assert.equal(response.headers.get('cache-control'), 'no-store')
      assert.deepEqual(await response.json(), expected)
    })

  const json = { 'content-type': 'application/json' }
  const refused = [
    ['malformed JSON', 'POST', '/api/test/echo', '{"value":', {}, 400, 'invalid_request', /not valid JSON/],
    ['form body', 'POST', '/api/test/echo', 'a=1', { 'content-type': 'text/plain' }, 415, 'unsupported_media', /JSON/],
    [
      'Latin-1',
      'POST',
      '/api/test/echo',
      '{}',
      { 'content-type': 'application/json; charset=latin1' },
      415,
      'unsupported_media',
      /UTF-8/,
    ],
    ['deep nesting', 'POST', '/api/test/echo', `{"value":${deep(64)}}`, {}, 400, 'invalid_request', /deeper than 64/],
    ['endless nesting', 'POST', '/api/test/echo', deep(1_000_000), {}, 400, 'invalid_request', /deeper/],
    ['announced size', 'POST', '/api/test/echo', '{}', { 'content-length': '4194305' }, 413, 'too_large', /4194304/],
    ['body is a list', 'POST', '/api/test/echo', '[1]', {}, 400, 'invalid_input', /expected object/],
    ['unknown key', 'POST', '/api/test/echo', '{"vlaue":1}', {}, 400, 'invalid_input', /did you mean value/],
    [
      'wrong token',
      'GET',
      '/devices',
      undefined,
      { authorization: 'Bearer nonsense' },
      401,
      'unauthenticated',
      /not valid/,
    ],
    [
      'malformed header',
      'GET',
      '/devices',
      undefined,
      { authorization: 'Basic eDp5' },
      401,
      'unauthenticated',
      /malformed/,
    ],
    ['token in query', 'GET', '/devices/commands?token=x', undefined, {}, 400, 'invalid_input', /token: unknown/],
    [
      'no scope',
      'PUT',
      '/devices/7',
      { name: 'x' },
      { authorization: `Bearer ${READER_TOKEN}` },
      403,
      'forbidden',
      /devices:write/,
    ],
    ['unknown operation', 'POST', '/api/test/ecko', {}, {}, 404, 'not_found', /Did you mean \/api\/test\/echo/],
    ['unknown path', 'GET', '/devics', undefined, {}, 404, 'not_found', /Did you mean \/devices\?/],
    ['unknown thing', 'GET', '/devices/ghost', undefined, {}, 404, 'not_found', /List the devices/],
    ['wrong method', 'POST', '/devices/7', {}, {}, 405, 'method_not_allowed', /It takes DELETE, GET, HEAD, PUT/],
    ['wrong method of a page', 'POST', '/api', {}, {}, 405, 'method_not_allowed', /It takes GET, HEAD/],
    ['unknown query key', 'GET', '/devices?limt=3', undefined, {}, 400, 'invalid_input', /did you mean limit/],
    ['wrong query value', 'GET', '/devices?limit=many', undefined, {}, 400, 'invalid_input', /limit: expected number/],
    ['given twice', 'PUT', '/devices/7', { id: 8 }, {}, 400, 'invalid_input', /id is given twice/],
    ['path and query', 'PUT', '/devices/7?id=8', {}, {}, 400, 'invalid_input', /id is given twice/],
    ['query and body', 'DELETE', '/devices/7?force=true', { force: true }, {}, 400, 'invalid_input', /force is given/],
    ['a flood of keys', 'PUT', '/devices/7', flood(100_000), {}, 400, 'invalid_input', /and 99980 more/],
    ['bad percent encoding', 'GET', '/devices/%ff', undefined, {}, 400, 'invalid_request', /percent-encoded/],
    [
      'wrong time limit',
      'GET',
      '/devices',
      undefined,
      { 'x-request-timeout-ms': '-1' },
      400,
      'invalid_request',
      /X-Request-Timeout-Ms/,
    ],
    ['wrong wait', 'GET', '/devices', undefined, { prefer: 'wait=soon' }, 400, 'invalid_request', /Prefer: wait/],
  ] as const
  for (const [why, method, path, body, headers, status, code, says] of refused)
    test(`refuses: ${why}`, async () => {
      const response = await ask(method, path, body, headers)
      const problem = await problemOf(response)
      assert.equal(response.status, status)
      assert.deepEqual([problem.status, problem.code, problem.type], [status, code, `/problems/${code}`])
      assert.equal(problem.instance, `urn:uuid:${response.headers.get('x-request-id')}`)
      assert.match(`${problem.detail} ${problem.hint}`, says)
    })

  test('refuses bad UTF-8', async () => {
    const { rest } = sampleRest()
    const body = Buffer.from('{"value":"\xff"}', 'latin1')
    const response = await rest(new Request('http://localhost/api/test/echo', { method: 'POST', body, headers: json }))
    assert.match((await problemOf(response)).detail, /UTF-8/)
  })

  test('stops reading a body of unknown length at the limit', async () => {
    const { rest } = sampleRest()
    let sent = 0
    const body = new ReadableStream({ pull: (out) => (sent++, out.enqueue(new Uint8Array(1024 * 1024).fill(0x20))) })
    const init = { method: 'POST', body, headers: json, duplex: 'half' } as const
    const response = await rest(new Request('http://localhost/api/test/echo', init))
    assert.equal((await problemOf(response)).code, 'too_large')
    assert.ok(sent < 10, `${sent} MiB were read`)
  })

  test('says how to authenticate, and what was wrong (RFC 6750)', async () => {
    const { rest } = sampleRest()
    const challenge = async (path: string, token?: string, method = 'GET') => {
      const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
      return (await rest(new Request(`http://localhost${path}`, { headers, method }))).headers.get('www-authenticate')
    }
    assert.equal(await challenge('/devices'), 'Bearer realm="alicia"')
    assert.equal(await challenge('/devices', 'wrong'), 'Bearer realm="alicia", error="invalid_token"')
    const scope = 'Bearer realm="alicia", error="insufficient_scope", scope="devices:write"'
    assert.equal(await challenge('/devices/7', READER_TOKEN, 'DELETE'), scope)
    assert.match((await challenge('/metrics', READER_TOKEN)) ?? '', /scope="metrics:read"/)
  })

  test('says when to come back', async () => {
    const limited = sampleRest({ callsPerMinute: 1 })
    await limited.ask('GET', '/devices')
    const response = await limited.ask('GET', '/devices')
    assert.equal(response.status, 429)
    assert.ok(Number(response.headers.get('retry-after')) > 0)
    assert.ok(((await problemOf(response)).retry_after_ms ?? 0) > 0)
    assert.equal(response.headers.get('ratelimit-policy'), '"caller";q=1;w=60')
    assert.equal(response.headers.get('ratelimit'), '"caller";r=0;t=60')
  })

  test('every answer says what is left, where there is a limit', async () => {
    const limited = sampleRest({ callsPerMinute: 2 })
    const headersOf = async (headers = {}) => (await limited.ask('GET', '/devices', undefined, headers)).headers
    assert.match((await headersOf()).get('ratelimit') ?? '', /^"caller";r=1;t=30$/)
    const streamed = await headersOf({ accept: 'text/event-stream' })
    assert.equal(streamed.get('content-type'), 'text/event-stream')
    assert.equal(streamed.get('ratelimit-policy'), '"caller";q=2;w=60')
    const free = await sampleRest({ callsPerMinute: Number.POSITIVE_INFINITY }).ask('GET', '/devices')
    assert.equal(free.headers.get('ratelimit'), null)
  })

  test('one caller holds no more streams than may be', async () => {
    const streams = new CallerQuota({ limit: 'streams_per_caller', most: 1, what: 'streams', setting: 'x' })
    const { ask: askOnly } = sampleRest({ streams })
    const stream = () => askOnly('POST', '/api/test/wait_forever', {}, { accept: 'text/event-stream' })
    const first = await stream()
    assert.equal(first.status, 200)
    assert.equal((await stream()).status, 429)
    await first.body?.cancel()
    await new Promise(setImmediate)
    const again = await stream()
    assert.equal(again.status, 200)
    await again.body?.cancel()
  })

  test("a caller's patience ends the call", async () => {
    for (const headers of [
      { 'x-request-timeout-ms': '1' },
      { prefer: 'respond-async, wait=9', 'x-request-timeout-ms': '1' },
    ]) {
      const response = await ask('POST', '/api/test/wait_forever', {}, headers)
      assert.deepEqual([response.status, (await problemOf(response)).code], [504, 'timeout'])
    }
  })

  test('a client that leaves cancels its call', async () => {
    const { rest } = sampleRest()
    const abort = new AbortController()
    const request = new Request('http://localhost/api/test/wait_forever', { method: 'POST', signal: abort.signal })
    const response = rest(request)
    abort.abort()
    assert.equal((await problemOf(await response)).code, 'cancelled')
  })

  test('the log has the request under the id that the caller sees', async () => {
    let seen: string | undefined
    const own = operation()({
      name: 'own.show_id',
      summary: 'Shows.',
      scope: null,
      effect: 'read',
      input: z.object({}),
      output: z.object({}),
      handler: async (_, { requestId }) => ((seen = requestId), {}),
    }).bind({})
    const { ask, door } = sampleRest()
    assert.equal((await ask('POST', '/api/own/show_id')).status, 404)
    door.registry.add({ id: 'own', kind: 'service', tools: [own], report: () => ({ status: 'available', sinceMs: 0 }) })
    const response = await ask('POST', '/api/own/show_id')
    assert.equal(response.status, 200, 'routes follow the registry')
    assert.equal(response.headers.get('x-request-id'), seen)
    door.registry.remove('own')
    assert.equal((await ask('POST', '/api/own/show_id')).status, 404)
  })

  test('HEAD is GET without the body', async () => {
    const response = await ask('HEAD', '/devices/7')
    assert.deepEqual([response.status, await response.text()], [200, ''])
  })

  test('lists the operations, the metrics and the meaning of problems', async () => {
    const { operations } = (await (await ask('GET', '/api')).json()) as { operations: Record<string, unknown>[] }
    const { input_schema: schema, ...update } = operations.find(({ name }) => name === 'update_device') ?? {}
    assert.deepEqual(update, {
      name: 'update_device',
      operation: 'devices.update_device',
      provider: 'devices',
      summary: 'Change a device.',
      scope: 'devices:write',
      effect: 'write',
      streams: false,
      method: 'PUT',
      path: '/devices/{id}',
    })
    assert.deepEqual((schema as { required: string[] }).required, ['id'])
    assert.match(await (await ask('GET', '/metrics')).text(), /^alicia_calls_running 0$/m)
    const meaning = (await (await ask('GET', '/problems/conflict')).json()) as { status: number }
    assert.equal(meaning.status, 409)
  })

  test('the page may load nothing from elsewhere', async () => {
    const { rest } = sampleRest()
    for (const path of ['/', '/page/page.css', '/page/page.js']) {
      const response = await rest(new Request(`http://localhost${path}`))
      assert.equal(response.status, 200)
      assert.match(response.headers.get('content-security-policy') ?? '', /default-src 'none'.*frame-ancestors 'none'/)
      assert.equal(response.headers.get('x-content-type-options'), 'nosniff')
      assert.doesNotMatch(await response.text(), /(?:src|href)="https?:|style="|<script>| on[a-z]+="/)
    }
    assert.equal((await ask('GET', '/docs')).headers.get('location'), '/')
  })
})
