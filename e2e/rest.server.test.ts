import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { Validator, type SpecData } from '@seriousme/openapi-schema-validator'
import { cleanUps } from '../src/testing/mqtt-toolkit.ts'
import { startHub, type TestHub } from './support/hub.ts'
import { mosquittoAt, ownerLogin } from './support/mqtt.ts'
import { runProgram } from './support/program.ts'

suite('the HTTP port', () => {
  const ending = cleanUps()
  let hub: TestHub
  before(async () => {
    hub = await startHub(ending)
  })
  after(() => ending.run())

  const get = async (path: string, headers: Record<string, string> = {}) => {
    const response = await fetch(`${hub.urls.http}${path}`, { headers, redirect: 'manual' })
    return { status: response.status, type: response.headers.get('content-type') ?? '', text: await response.text() }
  }
  const post = async (path: string, body: string | Buffer, headers: Record<string, string> = {}) => {
    const response = await fetch(`${hub.urls.http}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${hub.token}`, 'content-type': 'application/json', ...headers },
      body,
    })
    return { status: response.status, type: response.headers.get('content-type') ?? '', text: await response.text() }
  }

  test('/openapi.json is valid OpenAPI 3.1 and knows every operation', async () => {
    const { text } = await get('/openapi.json')
    const { valid, errors } = await new Validator().validate(JSON.parse(text) as SpecData)
    assert.ok(valid, JSON.stringify(errors))
    const { paths, openapi } = JSON.parse(text) as { openapi: string; paths: Record<string, object> }
    assert.match(openapi, /^3\.1\./)
    const { operations } = JSON.parse((await get('/api')).text) as { operations: { method: string; path: string }[] }
    for (const { method, path } of operations)
      assert.ok(method.toLowerCase() in (paths[path] ?? {}), `${method} ${path}`)
  })

  test('the API page loads with all that it needs, and nothing from elsewhere', async () => {
    const page = await get('/')
    assert.equal(page.status, 200)
    assert.match(page.type, /^text\/html/)
    const parts = [...page.text.matchAll(/(?:src|href)="([^"#]+)"/g)].map(([, path = '']) => path)
    assert.ok(parts.length > 0)
    for (const part of parts) {
      if (part.startsWith('data:')) continue
      const { pathname, origin } = new URL(part, hub.urls.http)
      assert.equal(origin, hub.urls.http, part)
      assert.equal((await get(pathname)).status, 200, part)
    }
  })

  test('a collection as server-sent events: news while it runs, then the result', async () => {
    const { session_id } = await hub.result('mqtt.establish_connection')
    const response = await fetch(`${hub.urls.http}/api/mqtt/subscribe_and_collect`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${hub.token}`,
        'content-type': 'application/json',
        accept: 'text/event-stream',
      },
      body: JSON.stringify({ session_id, topic: 'live/#', duration: 15, mode: 'first', max_messages: 2, qos: 1 }),
    })
    assert.equal(response.headers.get('content-type'), 'text/event-stream')
    const at = mosquittoAt(hub.urls.mqtt, ownerLogin(hub))
    for (const payload of ['one', 'two'])
      await runProgram('mosquitto_pub', [...at, '-t', 'live/a', '-m', payload, '-q', '1'])
    const events = (await response.text()).trim().split('\n\n')
    assert.match(events[0] ?? '', /^event: progress\ndata: \{"progress":/)
    const [, data = ''] = /^event: result\ndata: (.*)$/.exec(events.at(-1) ?? '') ?? []
    const result = JSON.parse(data) as { returned: number; messages: { payload: string }[] }
    assert.deepEqual(
      result.messages.map(({ payload }) => payload),
      ['one', 'two'],
    )
  })

  test('/health is open to everyone, its details are not', async () => {
    const { status, text } = await get('/health')
    assert.equal(status, 200)
    assert.equal((JSON.parse(text) as { status: string }).status, 'available')
    assert.equal((await get('/health/services')).status, 401)
    const detail = await get('/health/services', { authorization: `Bearer ${hub.token}` })
    assert.ok((JSON.parse(detail.text) as { services: unknown[] }).services.length > 5)
  })

  const deep = `{"session_id":${'['.repeat(10_000)}${']'.repeat(10_000)}}`
  const huge = `{"payload":"${'x'.repeat(5 * 1024 * 1024)}"}`
  const BAD: [what: string, path: string, body: string | Buffer, status: number, code: string, says: RegExp][] = [
    ['no JSON', '/api/mqtt/ping', '{"a":', 400, 'invalid_request', /not valid JSON/],
    ['bad UTF-8', '/api/mqtt/ping', Buffer.from([0x22, 0xff, 0x22]), 400, 'invalid_request', /UTF-8/],
    ['deep nesting', '/api/mqtt/ping', deep, 400, 'invalid_request', /nests deeper/],
    ['a huge body', '/api/mqtt/publish_message', huge, 413, 'too_large', /4194304/],
    ['no object', '/api/mqtt/ping', '[1]', 400, 'invalid_input', /object/],
    ['an unknown path', '/api/mqtt/pong', '{}', 404, 'not_found', /ping/],
    ['a path of nothing', '/nothing', '{}', 404, 'not_found', /nothing/],
  ]
  for (const [what, path, body, status, code, says] of BAD)
    test(`${what}: ${status}, as problem+json; the hub goes on`, async () => {
      const answer = await post(path, body)
      assert.equal(answer.status, status, answer.text)
      assert.match(answer.type, /^application\/problem\+json/)
      const problem = JSON.parse(answer.text) as Record<string, unknown>
      assert.equal(problem['code'], code)
      assert.equal(problem['status'], status)
      assert.match(answer.text, says)
      assert.equal((await post('/api/mqtt/ping', '{}')).status, 200)
    })

  test('no body at all is no arguments, as `curl -X POST` sends it', async () => {
    const bearer = ['-H', `authorization: Bearer ${hub.token}`]
    const { stdout } = await runProgram('curl', ['-sS', '-X', 'POST', ...bearer, `${hub.urls.http}/api/mqtt/ping`])
    assert.match(stdout, /"pong":true/)
  })

  test('another method than the path takes: 405, and which it takes', async () => {
    const { status, text } = await get('/api/mqtt/ping', { authorization: `Bearer ${hub.token}` })
    assert.equal(status, 405)
    assert.match(text, /POST/)
  })

  const RPC: [what: string, body: string | Buffer, status: number, error: number][] = [
    ['no JSON', '{"jsonrpc":', 400, -32700],
    ['no JSON-RPC', '{"hello":1}', 400, -32600],
    ['bad UTF-8', Buffer.from([0x22, 0xff, 0x22]), 400, -32700],
    ['deep nesting', deep, 400, -32700],
    ['a huge body', huge, 413, -31413],
  ]
  for (const [what, body, status, error] of RPC)
    test(`MCP, ${what}: a JSON-RPC error and ${status}`, async () => {
      const answer = await post('/mcp', body, { accept: 'application/json, text/event-stream' })
      assert.equal(answer.status, status, answer.text)
      assert.equal((JSON.parse(answer.text) as { error: { code: number } }).error.code, error, answer.text)
    })
})
