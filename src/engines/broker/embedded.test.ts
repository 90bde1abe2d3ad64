import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { silentLog } from '../../kernel/log.ts'
import { temporaryFolder } from '../../testing/folder.ts'
import { PEOPLE } from './access.cases.ts'
import { brokerSuite } from './broker.suite.ts'
import { connectClient, until } from './client.testing.ts'
import { startEmbeddedBroker } from './embedded.ts'
import { answersMqtt } from './probe.ts'

brokerSuite('embedded', ({ folder, ...ports }) =>
  startEmbeddedBroker({ host: '127.0.0.1', ...ports, file: join(folder, 'broker.sqlite'), log: silentLog, ...PEOPLE }),
)

const UPGRADE =
  'GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n' +
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n'

const ANNA = { username: 'anna', password: 'annas-password' }

suite('broker: embedded, its own', () => {
  const start = (more: Partial<Parameters<typeof startEmbeddedBroker>[0]> = {}) =>
    startEmbeddedBroker({ host: '127.0.0.1', port: 0, file: ':memory:', log: silentLog, ...PEOPLE, ...more })

  test('a subscriber that stops reading does not stop the others, and what it missed is counted', async (t) => {
    const broker = await start({ limits: { patienceMs: 50 } })
    t.after(() => broker.stop())
    const frozen = await connectClient(t, broker.url, ANNA)
    await frozen.client.subscribeAsync('#', { qos: 1 })
    frozen.client.stream.unpipe()
    frozen.client.stream.pause()

    const reader = await connectClient(t, broker.url, ANNA)
    await reader.client.subscribeAsync('load/#', { qos: 1 })
    const writer = await connectClient(t, broker.url, ANNA)
    const payload = 'x'.repeat(100_000)
    for (let number = 0; number < 200; number += 1)
      await writer.client.publishAsync(`load/${number}`, payload, { qos: 1 })
    for (let number = 0; number < 200; number += 1) assert.equal((await reader.next()).topic, `load/${number}`)
    // All that may have taken less time than the broker's patience lasts.
    await until(async () => {
      await writer.client.publishAsync('load/more', payload, { qos: 1 })
      return ((await broker.dropped()) ?? 0) > 0
    })
  })

  for (const name of ['__proto__', 'constructor', 'toString'])
    test(`a client and a topic may be called ${name}`, async (t) => {
      const broker = await start()
      t.after(() => broker.stop())
      const { client, next } = await connectClient(t, broker.url, { ...ANNA, clientId: name })
      const [granted] = await client.subscribeAsync(name, { qos: 1 })
      assert.equal(granted?.qos, 1)
      await client.publishAsync(name, 'here', { qos: 1 })
      assert.equal((await next()).payload, 'here')
    })

  test('a client is thrown out by its own login, not by another that uses its identifier', async (t) => {
    const broker = await start()
    t.after(() => broker.stop())
    const anna = await connectClient(t, broker.url, { ...ANNA, clientId: 'lamp' })
    const owner = { username: 'alicia', password: PEOPLE.ownerToken, clientId: 'lamp' }
    await assert.rejects(connectClient(t, broker.url, owner), { code: 0x85 })
    assert.equal(anna.client.connected, true)
    const closed = once(anna.client as never, 'close')
    await connectClient(t, broker.url, { ...ANNA, clientId: 'lamp' })
    await closed
  })

  test('nobody is told who else connects and what they subscribe to', async (t) => {
    const broker = await start()
    t.after(() => broker.stop())
    const curious = await connectClient(t, broker.url, ANNA)
    await curious.client.subscribeAsync('$SYS/#', { qos: 0 })
    const other = await connectClient(t, broker.url, { ...ANNA, clientId: 'other' })
    await other.client.subscribeAsync('private/matter', { qos: 0 })
    await other.client.endAsync()
    await curious.client.subscribeAsync('after', { qos: 1 })
    await curious.client.publishAsync('after', '', { qos: 1 })
    await until(() => curious.messages.some(({ topic }) => topic === 'after'))
    assert.deepEqual([...new Set(curious.messages.map(({ topic }) => topic.split('/')[1]))], ['broker', undefined])
  })

  test('a large message arrives whole, however it is cut up on the way', async (t) => {
    const broker = await start()
    t.after(() => broker.stop())
    const client = await connectClient(t, broker.url, ANNA)
    await client.client.subscribeAsync('large', { qos: 1 })
    await client.client.publishAsync('large', Buffer.alloc(5_000_000, 'a'), { qos: 1 })
    assert.equal((await client.next()).payload.length, 5_000_000)
  })

  test('a retained message and one right behind it both arrive', async (t) => {
    const broker = await start()
    t.after(() => broker.stop())
    const reader = await connectClient(t, broker.url, ANNA)
    await reader.client.subscribeAsync('pair/#', { qos: 0 })
    const { hostname, port } = new URL(broker.url)
    const socket = connect({ host: hostname, port: Number(port) })
    t.after(() => socket.destroy())
    const text = (value: string) => [0, value.length, ...Buffer.from(value)]
    const body = [...text('MQTT'), 4, 0xc2, 0, 60, ...text('raw'), ...text(ANNA.username), ...text(ANNA.password)]
    socket.write(Buffer.from([0x10, body.length, ...body]))
    await once(socket, 'data')
    // In one segment: PUBLISH with the retain flag, PUBLISH without.
    const publish = (flags: number, topic: string) => [0x30 | flags, 3 + topic.length, ...text(topic), 0x78]
    socket.write(Buffer.from([...publish(1, 'pair/a'), ...publish(0, 'pair/b')]))
    const topics = [(await reader.next()).topic, (await reader.next()).topic]
    assert.deepEqual(topics.sort(), ['pair/a', 'pair/b'])
  })

  test('tells its figures under $SYS', async (t) => {
    const broker = await start()
    t.after(() => broker.stop())
    const client = await connectClient(t, broker.url, broker.login('hub'))
    await client.client.subscribeAsync('$SYS/broker/#', { qos: 0 })
    const seen = new Set<string>()
    while (seen.size < 4) seen.add((await client.next()).topic)
    assert.ok(seen.has('$SYS/broker/publish/messages/dropped'))
  })

  test('a will on a topic that its client may not write is refused with the connection', async (t) => {
    const broker = await start()
    t.after(() => broker.stop())
    const will = { topic: 'alicia/v1/svc/x/1/status', payload: Buffer.from('forged'), qos: 1 as const, retain: true }
    await assert.rejects(connectClient(t, broker.url, { ...ANNA, will }), /Not authorized/)
  })

  test('what a session may not read is not kept for it', async (t) => {
    const broker = await start({ quotas: { queuedPerClient: 1 } })
    t.after(() => broker.stop())
    const lasting = { ...ANNA, clientId: 'lasting', clean: false, properties: { sessionExpiryInterval: 600 } }
    const first = await connectClient(t, broker.url, lasting)
    await first.client.subscribeAsync('#', { qos: 1 })
    await first.client.endAsync()
    const hub = await connectClient(t, broker.url, broker.login('hub'))
    await hub.client.publishAsync('alicia/v1/req/x/y', 'secret', { qos: 1 })
    await hub.client.publishAsync('home/lamp', 'kept', { qos: 1 })
    await hub.client.publishAsync('home/lamp', 'one too many', { qos: 1 })
    assert.equal(await broker.dropped(), 1)
    const second = await connectClient(t, broker.url, lasting)
    assert.equal((await second.next()).payload, 'kept')
  })

  test('new messages do not overtake what a session missed', async (t) => {
    const broker = await start()
    t.after(() => broker.stop())
    const lasting = { ...ANNA, clientId: 'lasting', clean: false, properties: { sessionExpiryInterval: 600 } }
    const first = await connectClient(t, broker.url, lasting)
    await first.client.subscribeAsync(['order', 'order/#'], { qos: 1 })
    await first.client.endAsync()
    const writer = await connectClient(t, broker.url, ANNA)
    const publish = (from: number, to: number) =>
      Promise.all(
        Array.from({ length: to - from }, (_, at) =>
          writer.client.publishAsync('order', String(from + at), { qos: 1 }),
        ),
      )
    await publish(0, 300)
    const writing = publish(300, 600)
    const second = await connectClient(t, broker.url, lasting)
    await writing
    await until(() => new Set(second.messages.map(({ payload }) => payload)).size === 600)
    const order = second.messages.map(({ payload }) => Number(payload))
    assert.deepEqual(
      order,
      [...order].sort((a, b) => a - b),
    )
  })

  for (const scheme of ['mqtt', 'ws'] as const)
    test(`${scheme}: whoever says a lot before saying who they are is cut off`, async (t) => {
      const noted: string[] = []
      const broker = await start({ webSocketPort: 0, note: (limit) => void noted.push(limit) })
      t.after(() => broker.stop())
      const address = (scheme === 'ws' ? broker.webSocketUrl : broker.url) ?? ''
      const socket = connect(Number(new URL(address).port), '127.0.0.1')
      t.after(() => socket.destroy())
      socket.on('error', () => undefined)
      const closed = new Promise((resolve) => socket.once('close', resolve))
      if (scheme === 'ws') {
        socket.write(UPGRADE)
        await once(socket, 'data')
        // A frame of 9 MB, which is to be taken in as a whole.
        socket.write(Buffer.from([0x82, 0xff, 0, 0, 0, 0, 0, 0x89, 0x54, 0x40, 0, 0, 0, 0]))
      }
      // A CONNECT of 9 MB, of which no end comes.
      socket.write(Buffer.from([0x10, 0xc0, 0xa8, 0xa5, 0x04]))
      socket.resume().write(Buffer.alloc(600_000))
      await closed
      assert.deepEqual(noted, ['mqtt_unknown_bytes'])
    })

  test('stops although somebody connected and never said who they are', async () => {
    const broker = await start()
    const { hostname, port } = new URL(broker.url)
    const socket = connect({ host: hostname, port: Number(port) })
    await once(socket, 'connect')
    await until(() => answersMqtt(hostname, Number(port)))
    const closed = once(socket.resume(), 'close')
    await broker.stop()
    await closed
  })

  test('a folder that cannot be written is a fault that names the file', async (t) => {
    const file = join(temporaryFolder(t), 'missing', 'broker.sqlite')
    await assert.rejects(start({ file }), { name: 'Fault', code: 'storage_failed', message: /broker\.sqlite/ })
  })
})
