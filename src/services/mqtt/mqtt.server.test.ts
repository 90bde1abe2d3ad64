import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { after, before, suite, test, type TestContext } from 'node:test'
import { findProgram } from '../../../scripts/ensure-servers.ts'
import type { Caller } from '../../kernel/caller.ts'
import { Fault, faultBody } from '../../kernel/fault.ts'
import { createLog } from '../../kernel/log.ts'
import { temporaryFolder } from '../../testing/folder.ts'
import { owner } from '../../testing/hub.ts'
import { anyFreePort } from '../../testing/free-port.ts'
import { startTestMosquitto, type TestMosquitto } from '../../testing/mosquitto.ts'
import {
  brokerAt,
  cleanUps,
  establish,
  fault,
  messagesOf,
  started,
  startToolkit,
  toolkitFor,
} from '../../testing/mqtt-toolkit.ts'
import { mqttServiceSuite } from './service.suite.ts'

const OPEN = ['allow_anonymous true', 'sys_interval 1']
/** Enough that the broker drops nothing of what a test sends. */
const ROOMY = [...OPEN, 'max_inflight_messages 1000', 'max_queued_messages 0', 'max_queued_bytes 0']

const USERS = 'ann:hunter22\nben:secret88\n'
const ACL = 'user ann\ntopic readwrite home/#\ntopic read $SYS/#\nuser ben\ntopic readwrite #\n'

const program = (name: string) => findProgram(name) ?? name

mqttServiceSuite('Mosquitto', async (ending) => brokerAt((await startTestMosquitto(ending, { lines: ROOMY })).url))

suite('mqtt service and brokers that fail', { concurrency: false }, () => {
  for (const protocol_version of ['5', '3.1.1'])
    test(`a broker that dies in the middle, MQTT ${protocol_version}: what came is returned; the next use connects again`, async (context) => {
      const first = await startTestMosquitto(context, { lines: OPEN })
      const toolkit = await toolkitFor(context, brokerAt(first.url))
      const session_id = await establish(toolkit, { protocol_version })
      const { emit, first: subscribed } = started()
      const collecting = toolkit.call('subscribe_and_collect', { session_id, topic: 'x', duration: 60 }, { emit })
      await subscribed
      await toolkit.call('publish_message', { session_id, topic: 'x', payload: 'last words', qos: 1 })
      await first.stop()
      const result = await collecting
      assert.deepEqual([result['partial'], result['ended_by'], result['returned']], [true, 'connection_lost', 1])
      assert.match(String(result['reason']), /the broker closed the connection/)
      assert.equal(messagesOf(result)[0]?.payload, 'last words')

      await assert.rejects(toolkit.call('ping', { session_id }), fault('unavailable', /connection refused/))
      const { connections } = await toolkit.call('list_active_connections', {})
      assert.partialDeepStrictEqual(connections, [{ state: 'lost' }])
      await startTestMosquitto(context, { port: first.port, lines: OPEN })
      assert.equal((await toolkit.call('ping', { session_id }))['pong'], true)
    })

  test('a broker that queues little: all of many retained topics are listed', async (context) => {
    const broker = await startTestMosquitto(context, { lines: [...OPEN, 'max_queued_messages 10'] })
    const toolkit = await toolkitFor(context, brokerAt(broker.url))
    const session_id = await establish(toolkit)
    const publish = (index: number) =>
      toolkit.call('publish_message', { session_id, topic: `r/${index}`, payload: 'on', qos: 1, retain: true })
    for (let index = 0; index < 100; index++) await publish(index)
    const list = await toolkit.call('list_topics', { session_id, pattern: 'r/#', duration: 5, max_topics: 100 })
    assert.equal(list['total_topics'], 100)
    await toolkit.call('subscribe_and_collect', { session_id, topic: 'resubscribe', duration: 0.1 })
  })

  /** A TCP server that treats each connection as told; ended with the test. */
  async function tcpServer(context: TestContext, treat: (socket: Socket) => void): Promise<number> {
    const sockets = new Set<Socket>()
    const server: Server = createServer((socket) => {
      sockets.add(socket.on('error', () => undefined))
      treat(socket)
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    context.after(() => {
      for (const socket of sockets) socket.destroy()
      server.close()
    })
    return (server.address() as AddressInfo).port
  }

  const establishAt = async (context: TestContext, port: number, more: object = {}) => {
    const toolkit = await startToolkit({ folder: temporaryFolder(context), broker: brokerAt('mqtt://127.0.0.1:1') })
    context.after(() => toolkit.stop())
    return toolkit.call('establish_connection', {
      connection_string: `mqtt://127.0.0.1:${port}`,
      ...more,
    })
  }

  test('a server that accepts and says nothing', async (context) => {
    const port = await tcpServer(context, (socket) => socket.resume())
    const establishing = establishAt(context, port, { connect_timeout: 1 })
    await assert.rejects(establishing, fault('upstream_failed', /no answer within 1 s/))
  })

  test('a server that is no broker', async (context) => {
    const port = await tcpServer(context, (socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))
    await assert.rejects(establishAt(context, port), fault('upstream_failed', /No connection to/))
  })

  test('a server that closes at once', async (context) => {
    const port = await tcpServer(context, (socket) => socket.destroy())
    await assert.rejects(establishAt(context, port), fault('upstream_failed', /without an answer|reset/))
  })

  test('nothing listens', async (context) => {
    await assert.rejects(establishAt(context, 1), fault('unavailable', /connection refused/))
  })

  test('an unknown host', async (context) => {
    const connection_string = 'mqtt://no-such-host.invalid'
    await assert.rejects(establishAt(context, 1, { connection_string }), fault('upstream_failed', /DNS/))
  })

  const LEVEL = 8
  for (const [how, refuse] of [
    ['refuses the protocol level', (socket: Socket) => socket.end(Buffer.from([0x20, 2, 0, 1]))],
    ['closes without a word', (socket: Socket) => socket.destroy()],
    ['resets the connection', (socket: Socket) => socket.resetAndDestroy()],
  ] as const)
    test(`falls back to 3.1.1 for a broker that ${how}`, async (context) => {
      const port = await tcpServer(context, (socket) =>
        socket.once('data', (connect) =>
          // CONNACK of MQTT 3.1.1 §3.2: accepted.
          connect[LEVEL] === 4 ? socket.write(Buffer.from([0x20, 2, 0, 0])) : refuse(socket),
        ),
      )
      const session = await establishAt(context, port)
      assert.equal(session['protocol_version'], '3.1.1')
      assert.equal(session['limits'], null)
      await assert.rejects(
        establishAt(context, port, { protocol_version: '5' }),
        fault('upstream_failed', /No connection|refused/),
      )
    })

  test('a broker that falls silent after the CONNACK does not hold up close_connection', async (context) => {
    const PUBLISH_QOS_1 = 0x32
    const received = Promise.withResolvers<void>()
    const port = await tcpServer(context, (socket) => {
      socket.once('data', () => socket.write(Buffer.from([0x20, 3, 0, 0, 0])))
      socket.on('data', (bytes: Buffer) => bytes.includes(PUBLISH_QOS_1) && received.resolve())
    })
    const toolkit = await startToolkit({ folder: temporaryFolder(context), broker: brokerAt('mqtt://127.0.0.1:1') })
    context.after(() => toolkit.stop())
    const session_id = await establish(toolkit, { connection_string: `mqtt://127.0.0.1:${port}` })
    const pinging = assert.rejects(toolkit.call('ping', { session_id }), Fault)
    const publishing = assert.rejects(
      toolkit.call('publish_message', { session_id, topic: 'x', payload: 'y', qos: 1 }),
      fault('unavailable', /not known.*before you send it again/),
    )
    await received.promise
    await toolkit.call('close_connection', { session_id })
    await Promise.all([pinging, publishing])
  })
})

suite('mqtt service: who may what', { concurrency: false }, () => {
  const ending = cleanUps()
  let broker: TestMosquitto
  before(async () => {
    const folder = temporaryFolder(ending)
    writeFileSync(join(folder, 'users'), USERS, { mode: 0o600 })
    execFileSync(program('mosquitto_passwd'), ['-U', join(folder, 'users')])
    writeFileSync(join(folder, 'acl'), ACL, { mode: 0o600 })
    broker = await startTestMosquitto(ending, {
      lines: [
        'allow_anonymous false',
        `password_file ${join(folder, 'users')}`,
        `acl_file ${join(folder, 'acl')}`,
        'max_packet_size 5000',
      ],
    })
  })
  after(() => ending.run())

  const ben = () => brokerAt(broker.url, { username: 'ben', password: 'secret88' })

  test('wrong credentials, and how to use the own broker without any', async (context) => {
    const toolkit = await toolkitFor(context, ben())
    for (const who of ['ann:wrong@', ''])
      for (const protocol_version of ['5', '3.1.1', 'auto'])
        await assert.rejects(
          toolkit.call('establish_connection', {
            connection_string: `mqtt://${who}localhost:${broker.port}`,
            protocol_version,
          }),
          fault('upstream_failed', /not authorized.*leave connection_string out/),
        )
    const elsewhere = await toolkitFor(context, brokerAt('mqtt://10.1.1.1:1883'))
    await assert.rejects(
      elsewhere.call('establish_connection', { connection_string: `mqtt://ann:wrong@localhost:${broker.port}` }),
      fault('upstream_failed', /Check user name and password/),
    )
    assert.ok(await establish(toolkit))
  })

  test('what the broker forbids is said; what it cannot take is not sent', async (context) => {
    const toolkit = await toolkitFor(context, brokerAt(broker.url))
    const session_id = await establish(toolkit, { connection_string: `mqtt://ann:hunter22@127.0.0.1:${broker.port}` })
    const publish = (topic: string, payload: string) =>
      toolkit.call('publish_message', { session_id, topic, payload, qos: 1 })
    await assert.rejects(publish('garden/x', 'y'), fault('forbidden', /not authorized \(135\).*may not publish/))
    assert.equal((await publish('home/x', 'y'))['confirmed'], true)
    await assert.rejects(publish('home/x', 'y'.repeat(5000)), fault('too_large', /at most 5000/))
    // The largest packet that fits: 1 + 2 + 2 + 6 + 2 + 1 bytes around the payload.
    assert.equal((await publish('home/x', 'y'.repeat(5000 - 14)))['confirmed'], true)
    await assert.rejects(publish('home/x', 'y'.repeat(5000 - 13)), fault('too_large', /5001/))
  })

  test('a session is its caller’s alone', async (context) => {
    const toolkit = await toolkitFor(context, brokerAt(broker.url))
    const session_id = await establish(toolkit, { connection_string: `mqtt://ann:hunter22@127.0.0.1:${broker.port}` })
    const stranger: Caller = { ...owner, id: 'stranger', name: 'stranger' }
    const unknown = crypto.randomUUID()
    const calls = [
      ['close_connection', {}],
      ['test_connection', {}],
      ['ping', {}],
      ['list_topics', {}],
      ['subscribe_and_collect', { topic: 'home/#' }],
      ['publish_message', { topic: 'home/x', payload: '' }],
    ] as const
    for (const [operation, input] of calls) {
      const answers = await Promise.all(
        [session_id, unknown].map((id) =>
          toolkit.call(operation, { session_id: id, ...input }, { caller: stranger }).then(
            () => assert.fail(`${operation} should be refused`),
            (error: Fault) => JSON.stringify(faultBody(error)).replaceAll(id, 'ID'),
          ),
        ),
      )
      assert.match(answers[0] ?? '', /"not_found"/)
      assert.equal(answers[0], answers[1])
    }
    assert.deepEqual(await toolkit.call('list_active_connections', {}, { caller: stranger }), { connections: [] })
    assert.equal((await toolkit.call('ping', { session_id }))['pong'], true)
  })

  test('a password appears nowhere: no result, fault, log or table', async (context) => {
    const said: string[] = []
    const log = createLog({ level: 'debug', write: (line) => said.push(line) })
    const toolkit = await toolkitFor(context, brokerAt(broker.url), { log })
    const call = (operation: string, input: object) =>
      toolkit.call(operation, input).then(
        (result) => (said.push(JSON.stringify(result)), result),
        (error: Fault) => (said.push(JSON.stringify(faultBody(error)), String(error.stack)), {}),
      )
    const at = `127.0.0.1:${broker.port}`
    for (const text of [
      `mqtt://ann:WRONGpass1@${at}`,
      `mqtts://ann:hunter22@${at}`,
      `ws://ann:hunter22@${at}`,
      `mqtt://ann:hunter22@`,
    ])
      await call('establish_connection', { connection_string: text, connect_timeout: 1 })
    const { session_id } = (await call('establish_connection', { connection_string: `mqtt://ann:hunter22@${at}` })) as {
      session_id: string
    }
    for (const operation of ['test_connection', 'ping', 'close_connection']) await call(operation, { session_id })
    await call('list_active_connections', {})
    const stored = await toolkit.store.as<{ mqtt_sessions: object }>().selectFrom('mqtt_sessions').selectAll().execute()
    assert.ok(said.length > 8)
    assert.doesNotMatch([...said, JSON.stringify(stored)].join('\n'), /hunter22|WRONGpass1/)
  })

  test('a caller has so many sessions and no more', async (context) => {
    const toolkit = await toolkitFor(context, ben(), {
      limits: { sessionsPerCaller: 2, sessions: 3 },
    })
    const first = await establish(toolkit)
    const results = await Promise.allSettled([establish(toolkit), establish(toolkit), establish(toolkit)])
    assert.ok(results.filter(({ status }) => status === 'fulfilled').length <= 1)
    await assert.rejects(Promise.all([establish(toolkit), establish(toolkit)]), fault('conflict', /close_connection/))
    await toolkit.call('close_connection', { session_id: first })
    assert.ok(await establish(toolkit))
  })
})

suite('mqtt service over TLS and WebSocket', { concurrency: false }, () => {
  const ending = cleanUps()
  let folder = ''
  const port = { plain: 0, tls: 0, strict: 0, expired: 0, ws: 0, wss: 0 }
  const pem = new Map<string, string>()

  const openssl = (...args: string[]) => execFileSync(program('openssl'), args, { cwd: folder, stdio: 'pipe' })
  const certificate = (name: string, days: string[], extension: string) => {
    openssl(
      'req',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.csr`,
      '-subj',
      `/CN=${name}`,
    )
    writeFileSync(join(folder, `${name}.ext`), extension)
    openssl(
      'x509',
      '-req',
      '-in',
      `${name}.csr`,
      '-CA',
      'ca.crt',
      '-CAkey',
      'ca.key',
      '-CAcreateserial',
      '-out',
      `${name}.crt`,
      '-extfile',
      `${name}.ext`,
      ...days,
    )
  }
  const tls = (name: string) => [
    `cafile ${join(folder, 'ca.crt')}`,
    `certfile ${join(folder, `${name}.crt`)}`,
    `keyfile ${join(folder, `${name}.key`)}`,
  ]
  before(async () => {
    folder = temporaryFolder(ending)
    for (const ca of ['ca', 'other'])
      openssl(
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:P-256',
        '-nodes',
        '-keyout',
        `${ca}.key`,
        '-out',
        `${ca}.crt`,
        '-subj',
        `/CN=${ca}`,
        '-days',
        '2',
      )
    certificate('localhost', ['-days', '2'], 'subjectAltName=DNS:localhost')
    certificate('client', ['-days', '2'], 'extendedKeyUsage=clientAuth')
    certificate('expired', ['-days', '-1'], 'subjectAltName=DNS:localhost')
    for (const name of ['ca.crt', 'other.crt', 'client.crt', 'client.key', 'other.key'])
      pem.set(name, readFileSync(join(folder, name), 'utf8'))
    for (const name of ['tls', 'strict', 'expired', 'ws', 'wss'] as const) port[name] = await anyFreePort()
    const listener = (name: keyof typeof port, ...lines: string[]) => [`listener ${port[name]} 127.0.0.1`, ...lines]
    const broker = await startTestMosquitto(ending, {
      lines: [
        'allow_anonymous true',
        ...listener('tls', ...tls('localhost')),
        ...listener('strict', ...tls('localhost'), 'require_certificate true'),
        ...listener('expired', ...tls('expired')),
        ...listener('ws', 'protocol websockets'),
        ...listener('wss', 'protocol websockets', ...tls('localhost')),
      ],
    })
    port.plain = broker.port
  })
  after(() => ending.run())

  const connect = async (context: TestContext, connection_string: string, more: object = {}) => {
    const toolkit = await startToolkit({ folder: temporaryFolder(context), broker: brokerAt('mqtt://10.1.1.1:1') })
    context.after(() => toolkit.stop())
    const session_id = await establish(toolkit, { connection_string, connect_timeout: 5, ...more })
    return await toolkit.call('test_connection', { session_id })
  }
  const ca = () => ({ ca: pem.get('ca.crt') })
  const client = () => ({ client_cert: pem.get('client.crt'), client_key: pem.get('client.key') })

  test('mqtts with an own CA', async (context) => {
    const facts = await connect(context, `mqtts://localhost:${port.tls}`, ca())
    const { protocol, certificate_subject, certificate_verified } = facts['tls'] as Record<string, unknown>
    assert.deepEqual([protocol, certificate_subject, certificate_verified], ['TLSv1.3', 'localhost', true])
  })

  test('mqtts unchecked', async (context) => {
    const facts = await connect(context, `mqtts://127.0.0.1:${port.tls}`, { reject_unauthorized: false })
    assert.equal((facts['tls'] as { certificate_verified: boolean }).certificate_verified, false)
  })

  test('a client certificate', async (context) => {
    const facts = await connect(context, `mqtts://localhost:${port.strict}`, { ...ca(), ...client() })
    assert.equal(facts['reachable'], true)
  })

  test('WebSocket', async (context) => {
    for (const protocol_version of ['5', '3.1.1'])
      assert.equal(
        (await connect(context, `ws://127.0.0.1:${port.ws}`, { protocol_version }))['protocol_version'],
        protocol_version,
      )
  })

  test('WebSocket over TLS', async (context) => {
    const facts = await connect(context, `wss://localhost:${port.wss}/any/path`, ca())
    assert.partialDeepStrictEqual(facts['tls'], { certificate_subject: 'localhost', certificate_verified: true })
    await assert.rejects(connect(context, `wss://localhost:${port.wss}`), fault('upstream_failed', /unknown CA/))
  })

  const refused: readonly (readonly [string, () => string, () => object, string, RegExp])[] = [
    ['an unknown CA', () => `mqtts://localhost:${port.tls}`, () => ({}), 'upstream_failed', /unknown CA.*`ca`/],
    [
      'another CA',
      () => `mqtts://localhost:${port.tls}`,
      () => ({ ca: pem.get('other.crt') }),
      'upstream_failed',
      /unknown CA/,
    ],
    ['another host name', () => `mqtts://127.0.0.1:${port.tls}`, ca, 'upstream_failed', /another host name/],
    ['an expired certificate', () => `mqtts://localhost:${port.expired}`, ca, 'upstream_failed', /has expired/],
    ['no client certificate', () => `mqtts://localhost:${port.strict}`, ca, 'upstream_failed', /client certificate/],
    [
      'TLS to a port without',
      () => `mqtts://127.0.0.1:${port.plain}`,
      ca,
      'upstream_failed',
      /reset.*mqtt:\/\/ is plain/,
    ],
    [
      'no TLS to a port with',
      () => `mqtt://localhost:${port.tls}`,
      () => ({}),
      'upstream_failed',
      /without an answer|reset/,
    ],
    ['WebSocket to a port without', () => `wss://localhost:${port.tls}`, ca, 'upstream_failed', /No connection/],
    [
      'a CA that is no PEM',
      () => `mqtts://localhost:${port.tls}`,
      () => ({ ca: 'nonsense' }),
      'invalid_input',
      /ca is not a certificate/,
    ],
    [
      'a certificate without its key',
      () => 'mqtts://localhost',
      () => ({ client_cert: 'x' }),
      'invalid_input',
      /client_key/,
    ],
    [
      'a key of another certificate',
      () => 'mqtts://localhost',
      () => ({ client_cert: pem.get('client.crt'), client_key: pem.get('other.key') }),
      'invalid_input',
      /does not belong/,
    ],
    ['a CA without TLS', () => 'mqtt://localhost', ca, 'invalid_input', /mqtts:\/\//],
  ]
  for (const [what, url, more, code, says] of refused)
    test(`refuses: ${what}`, (context) => assert.rejects(connect(context, url(), more()), fault(code, says)))
})
