import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { WebSocket } from 'ws'
import { cleanUps } from '../../src/testing/mqtt-toolkit.ts'
import { emptyHome, startHub, type TestHub } from '../support/hub.ts'
import { connectMqtt, nextMessage, ownerLogin } from '../support/mqtt.ts'

const WATCH = new URL('support/prototype-watch.child.ts', import.meta.url).href

const nested = (levels: number, open: string, close: string) => open.repeat(levels) + close.repeat(levels)
const POISON = '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"prototype":{"polluted":1}}'
/** What turns words around, breaks lines, moves a cursor, and ends a text of JSON. */
const FORGED = 'x\r\n{"level":50,"msg":"forged"}\n\u001B[2J\u202E\u2028","forged":"'

/** Bodies that are not what any operation takes. */
const HOSTILE: Readonly<Record<string, string>> = {
  'names of prototypes': POISON,
  'names of prototypes, further in': `{"input":${POISON},"options":[${POISON}],"values":{"__proto__":${POISON}}}`,
  'a list': '[1,2]',
  'a text': '"x"',
  'a number that is none': '1e999',
  'a number of a million digits': '1'.repeat(1_000_000),
  'zeros, and a one': `{"a":1${'0'.repeat(500_000)}1}`,
  'lists in lists': nested(100_000, '[', ']'),
  'objects in objects': nested(100_000, '{"a":', '1}').slice(0, 1_000_000),
  'the deepest that there may be': `{"a":${nested(62, '[', ']')}}`,
  'a name of a million letters': `{"${'k'.repeat(1_000_000)}":1}`,
  'a hundred thousand names': `{${Array.from({ length: 100_000 }, (_, at) => `"k${at}":1`).join()}}`,
  'the same name twice': '{"name":"a","name":"b","__proto__":null}',
  'half a character': String.raw`{"name":"\ud800","id":"\udfff"}`,
  'a zero byte': String.raw`{"name":"a\u0000b","id":"\u0000"}`,
  'lines and marks': JSON.stringify({ name: FORGED, id: FORGED, [FORGED]: FORGED }),
  'no JSON': '{"a":1,}',
  'a mark of order in the middle': '{"a":"\uFEFF"} \uFEFF',
}

suite('messages that mean ill', () => {
  const ending = cleanUps()
  let hub: TestHub
  before(async () => {
    const home = emptyHome(ending)
    mkdirSync(home.data, { recursive: true, mode: 0o700 })
    const entry = { command: 'nowhere-at-all', args: [] }
    const servers = `{"mcpServers":{"__proto__":${JSON.stringify(entry)},"constructor":${JSON.stringify(entry)},"toString":${JSON.stringify(entry)}}}`
    writeFileSync(join(home.data, 'mcp.json'), servers, { mode: 0o600 })
    hub = await startHub(ending, { home, args: ['--log-level', 'debug'], env: { NODE_OPTIONS: `--import=${WATCH}` } })
  })
  after(() => ending.run())

  const post = async (path: string, body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}) => {
    const response = await fetch(hub.urls.http + path, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${hub.token}`,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        ...headers,
      },
      body,
    })
    return { status: response.status, text: await response.text() }
  }

  test('every operation refuses them, in a few words', async () => {
    const response = await fetch(`${hub.urls.http}/api`, { headers: { authorization: `Bearer ${hub.token}` } })
    const { operations } = (await response.json()) as { operations: { operation: string }[] }
    assert.ok(operations.length > 50)
    const large = Object.keys(HOSTILE).filter((name) => (HOSTILE[name] ?? '').length > 10_000)
    for (const [at, { operation }] of operations.entries())
      for (const [name, body] of Object.entries(HOSTILE)) {
        // The large ones never come so far that it would matter which operation it is.
        if (large.includes(name) && large.indexOf(name) !== at % large.length) continue
        const { status, text } = await post(`/api/${operation.replace('.', '/')}`, body)
        assert.ok([400, 404, 413].includes(status), `${operation} with ${name}: ${status} ${text.slice(0, 300)}`)
        assert.ok(text.length < 5000, `${operation} with ${name} answers ${text.length} characters`)
      }
  })

  const refused: [attack: string, ask: () => ReturnType<typeof post>, statuses: number[]][] = [
    [
      'a bomb of gzip',
      () => post('/api/mqtt/ping', gzipSync(Buffer.alloc(50_000_000)), { 'content-encoding': 'gzip' }),
      [415],
    ],
    ['a bomb that says nothing of gzip', () => post('/api/mqtt/ping', gzipSync(Buffer.alloc(50_000_000))), [400]],
    ['deflate', () => post('/mcp', '{}', { 'content-encoding': 'deflate' }), [415]],
    [
      'another character set',
      () => post('/api/mqtt/ping', '{}', { 'content-type': 'application/json; charset=utf-16' }),
      [415],
    ],
    ['half of UTF-8', () => post('/api/mqtt/ping', Uint8Array.of(0x22, 0xc3, 0x22)), [400]],
    [
      'a form of bombs',
      () => post('/oauth/token', 'a=1&'.repeat(500_000), { 'content-type': 'application/x-www-form-urlencoded' }),
      [400, 413],
    ],
    [
      'a form of prototypes',
      () =>
        post('/oauth/token', '__proto__[x]=1&constructor[prototype][x]=1&grant_type[__proto__]=1', {
          'content-type': 'application/x-www-form-urlencoded',
        }),
      [400],
    ],
    [
      'a client with prototypes',
      () =>
        post(
          '/oauth/register',
          `{"redirect_uris":["http://127.0.0.1/"],"__proto__":{"x":1},"constructor":{"prototype":{"x":1}}}`,
        ),
      [201, 400],
    ],
    [
      'a client of a million lines',
      () =>
        post('/oauth/register', `{"redirect_uris":["http://127.0.0.1/"],"client_name":"${'x\\n'.repeat(400_000)}"}`),
      [400, 413],
    ],
    [
      'a query of prototypes',
      () => post('/api/mqtt/ping?__proto__[x]=1&constructor[prototype][x]=1&__proto__=1', '{}'),
      [400],
    ],
    ['a path of prototypes', () => post('/api/__proto__/constructor', '{}'), [404]],
    ['a path of an inherited name', () => post('/api/mqtt/toString', '{}'), [404]],
    ['a profile of an inherited name', () => post('/mcp/__proto__', '{"jsonrpc":"2.0","id":1,"method":"ping"}'), [404]],
    [
      'a session of an inherited name',
      () => post('/mcp', '{"jsonrpc":"2.0","id":1,"method":"ping"}', { 'mcp-session-id': '__proto__' }),
      [404],
    ],
    [
      'a method of an inherited name',
      () => post('/mcp', '{"jsonrpc":"2.0","id":1,"method":"__proto__","params":{"__proto__":{"x":1}}}'),
      [400, 404],
    ],
    ['a batch of a million', () => post('/mcp', `[${'{},'.repeat(1_000_000)}{}]`), [400]],
    ['an id that is a structure', () => post('/mcp', '{"jsonrpc":"2.0","id":{"__proto__":1},"method":"ping"}'), [400]],
    [
      'a login of lines and marks',
      () => post('/auth/login', JSON.stringify({ name: FORGED, password: FORGED })),
      [400, 401],
    ],
    [
      'a login with a password of a megabyte',
      () => post('/auth/login', JSON.stringify({ name: 'x', password: 'p'.repeat(1_000_000) })),
      [400, 413],
    ],
  ]
  for (const [attack, ask, statuses] of refused)
    test(`${attack}: ${statuses.join(' or ')}`, async () => {
      const { status, text } = await ask()
      assert.ok(statuses.includes(status), `${status} ${text.slice(0, 300)}`)
      assert.ok(text.length < 5000)
    })

  for (const path of [
    '/..%2f..%2f..%2fetc%2fpasswd',
    '/%2e%2e/%2e%2e/etc/passwd',
    '/..;/..;/etc/passwd',
    '/docs/..%2f..%2fpackage.json',
    '/problems/..%2f..%2f..%2fetc%2fpasswd',
    '/problems/__proto__',
    '/page.js%00.html',
    '/%00',
    '/..%5c..%5cwindows%5cwin.ini',
    '/..\\..\\package.json',
    '/C:/windows/win.ini',
    '/mcp/..%2f..%2ftoken',
    '/.well-known/oauth-protected-resource/mcp/..%2f..%2ftoken',
    '/oauth/interaction/..%2f..%2ftoken',
    '/%c0%ae%c0%ae/etc/passwd',
    '/%',
  ])
    test(`the path ${path} leads nowhere`, async () => {
      const response = await fetch(hub.urls.http + path, { headers: { authorization: `Bearer ${hub.token}` } })
      assert.ok([400, 404].includes(response.status), String(response.status))
      assert.doesNotMatch(await response.text(), /root:|"dependencies"|\[fonts\]/)
    })

  test('names of files in arguments are names', async () => {
    const names = [
      '../../../etc/passwd',
      '..\\..\\x',
      '/etc/passwd',
      'a\u0000b',
      'C:\\x',
      '....//x',
      'file:///etc/passwd',
      '~/x',
      '$HOME/x',
      '%2e%2e%2fx',
      'CON',
      '-rf',
    ]
    const calls = (name: string): [string, object][] => [
      ['gateway.read_server_log', { name }],
      ['gateway.restart_server', { name }],
      ['audit.export_audit', { format: name }],
      ['audit.verify_audit', { file: name }],
      ['mqtt.list_recordings', { path: name }],
      ['secrets.get_secret', { name }],
      ['tokens.revoke_token', { name }],
    ]
    for (const name of names)
      for (const [operation, input] of calls(name)) {
        const { status, body } = await hub.call(operation, input)
        assert.ok([400, 404].includes(status), `${operation} ${name}: ${status} ${JSON.stringify(body).slice(0, 200)}`)
        assert.doesNotMatch(JSON.stringify(body), /root:x/)
      }
  })

  test('over WebSocket: what is no message is refused, and too much of it ends the connection', async () => {
    const open = async (path: string, protocol: string) => {
      const socket = new WebSocket(hub.urls.http.replace('http', 'ws') + path, protocol, {
        headers: { authorization: `Bearer ${hub.token}` },
        perMessageDeflate: true,
      })
      await once(socket, 'open')
      return socket
    }
    const closed = async (socket: WebSocket) => Number((await once(socket, 'close'))[0])
    const socket = await open('/mcp', 'mcp')
    assert.equal(socket.extensions, '', 'nothing is compressed')
    for (const body of [
      POISON,
      nested(100_000, '[', ']'),
      '{',
      '[]',
      '"x"',
      `{"jsonrpc":"2.0","id":1,"method":"${'m'.repeat(1000)}"}`,
    ]) {
      const answered = once(socket, 'message')
      socket.send(body)
      assert.match(String((await answered)[0]), /"error"/)
    }
    socket.close()
    const large = await open('/mcp', 'mcp')
    large.on('error', () => undefined)
    const end = closed(large)
    large.send('x'.repeat(5_000_000))
    assert.equal(await end, 1009)
    const pieces = await open('/mcp', 'mcp')
    pieces.on('error', () => undefined)
    const cut = closed(pieces)
    for (let count = 0; count < 20_000; count++) pieces.send('x', { fin: false })
    assert.equal(await cut, 1008)
    const binary = await open('/mcp', 'mcp')
    const ended = closed(binary)
    binary.send(Buffer.from(POISON))
    assert.equal(await ended, 1003)
  })

  test('over MQTT: requests and properties of such names get an answer', async () => {
    const client = await connectMqtt(ending, hub.urls.mqtt, {
      ...ownerLogin(hub),
      protocolVersion: 5,
      clientId: '__proto__',
    })
    const responseTopic = 'alicia/v1/rep/attack'
    const ask = async (topic: string, body: string) => {
      const arrival = await nextMessage(client, responseTopic)
      const userProperties = {
        __proto__: 'x',
        constructor: 'x',
        'idempotency-key': FORGED.slice(0, 20),
        traceparent: FORGED,
      }
      Object.defineProperty(userProperties, '__proto__', { value: ['a', 'b'], enumerable: true })
      const correlationData = Buffer.from(POISON)
      await client.publishAsync(topic, body, { qos: 1, properties: { responseTopic, correlationData, userProperties } })
      const { payload, properties } = await arrival()
      assert.deepEqual(Buffer.from(properties?.correlationData ?? ''), correlationData)
      return payload.toString()
    }
    for (const [name, body] of Object.entries(HOSTILE))
      assert.match(
        await ask('alicia/v1/req/mqtt/ping', body),
        /"code":"(?:invalid_request|invalid_input|too_large)"/,
        name,
      )
    for (const level of ['__proto__', 'constructor', 'toString'])
      assert.match(await ask(`alicia/v1/req/${level}/${level}`, '{}'), /"code":"unknown_operation"/)
    for (const elsewhere of ['home/lamp', 'alicia/v1/req/mqtt/ping', '$SYS/x', '#'])
      await client
        .publishAsync('alicia/v1/req/mqtt/ping', '{}', { properties: { responseTopic: elsewhere } })
        .catch(() => undefined)
  })

  test('settings of such names are none', async () => {
    const file = join(hub.home.folder, 'poison.json')
    for (const [text, says] of [
      ['{"__proto__":{"host":"0.0.0.0"}}', /__proto__/],
      ['{"constructor":{"prototype":{"host":"0.0.0.0"}}}', /constructor/],
      [nested(10_000, '[', ']'), /levels/],
    ] as const) {
      writeFileSync(file, text)
      const { code, stderr, stdout } = await hub.cli(['token', '--config', file])
      assert.notEqual(code, 0, text.slice(0, 80))
      assert.match(stderr + stdout, says)
    }
  })

  test('afterwards the hub is well, its log has lines of its own alone, and prototypes are as they were', async () => {
    assert.equal((await hub.call('health.list_services')).status, 200)
    await hub.end()
    const lines = hub.stderr().trimEnd().split('\n')
    assert.equal(lines.pop(), 'prototypes: as they were')
    assert.ok(lines.length > 0)
    for (const line of lines) {
      const entry = JSON.parse(line) as { msg?: string; reference?: string }
      assert.notEqual(entry.msg, 'forged')
      assert.equal(entry.reference, undefined, line.slice(0, 500))
      assert.ok(line.length < 20_000, `a line of ${line.length} characters`)
    }
  })
})
