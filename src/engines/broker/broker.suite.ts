import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect as connectSocket } from 'node:net'
import { after, before, suite, test, type TestContext } from 'node:test'
import { systemClock } from '../../kernel/clock.ts'
import type { Fault } from '../../kernel/fault.ts'
import { silentLog } from '../../kernel/log.ts'
import type { Broker, BusMessage } from '../../kernel/ports.ts'
import { temporaryFolder } from '../../testing/folder.ts'
import { connectClient, until, type TestClient } from './client.testing.ts'
import { MAY, PEOPLE, type Who } from './access.cases.ts'
import { connectBus } from './bus.ts'

export type StoppableBroker = Broker & { stop(): Promise<void> }

/** What somebody may read though it lies where `#` brings nobody anything. */
const OWN_TOPICS: Partial<Record<Who, readonly string[]>> = {
  anna: ['alicia/v1/as/anna/rep/#'],
  attic: ['alicia/v1/bus/attic/+/down/#'],
  phone: ['alicia/v1/evt/#'],
}

/** Starts the engine with `PEOPLE`; the folder keeps what outlives a restart. */
export type StartBroker = (place: { folder: string; port: number; webSocketPort: number }) => Promise<StoppableBroker>

/** What every broker engine does, whatever stands behind it. */
export function brokerSuite(name: string, start: StartBroker): void {
  suite(`broker: ${name}`, () => {
    let broker: StoppableBroker
    let cleanUp = () => {}

    before(async () => {
      const folder = temporaryFolder({ after: (task) => void (cleanUp = task as () => void) })
      broker = await start({ folder, port: 0, webSocketPort: 0 })
    })
    after(async () => {
      await broker.stop()
      cleanUp()
    })

    const loginOf = (who: Who) => {
      if (who === 'hub' || who === 'session') return broker.login(who)
      if (who === 'alicia') return { username: 'alicia', password: PEOPLE.ownerToken }
      return { username: who, password: PEOPLE.users.find(({ name }) => name === who)?.password ?? '' }
    }
    const open = (t: TestContext, who: Who, options: Parameters<typeof connectClient>[2] = {}) =>
      connectClient(t, broker.url, { ...loginOf(who), ...options })

    for (const protocolVersion of [4, 5] as const) {
      const mqtt = protocolVersion === 5 ? 'MQTT 5' : 'MQTT 3.1.1'
      for (const qos of [0, 1, 2] as const)
        test(`${mqtt}: QoS ${qos} arrives`, async (t) => {
          const reader = await open(t, 'anna', { protocolVersion })
          const writer = await open(t, 'anna', { protocolVersion })
          await reader.client.subscribeAsync(`t/${protocolVersion}/+`, { qos })
          await writer.client.publishAsync(`t/${protocolVersion}/${qos}`, 'hello', { qos })
          const { payload, packet } = await reader.next()
          assert.deepEqual([payload, packet.qos, packet.retain], ['hello', qos, false])
        })

      test(`${mqtt}: a message is lowered to the QoS of the subscription`, async (t) => {
        const reader = await open(t, 'anna', { protocolVersion })
        await reader.client.subscribeAsync('lower/#', { qos: 1 })
        await reader.client.publishAsync('lower/a', 'x', { qos: 2 })
        assert.equal((await reader.next()).packet.qos, 1)
      })

      test(`${mqtt}: a retained message waits for later subscribers, until it is cleared`, async (t) => {
        const topic = `retained/${protocolVersion}`
        const writer = await open(t, 'anna', { protocolVersion })
        await writer.client.publishAsync(topic, 'first', { qos: 1, retain: true })
        await writer.client.publishAsync(topic, 'second', { qos: 1, retain: true })
        const reader = await open(t, 'anna', { protocolVersion })
        await reader.client.subscribeAsync('retained/#', { qos: 1 })
        const { payload, packet } = await reader.next()
        assert.deepEqual([payload, packet.retain], ['second', true])

        await writer.client.publishAsync(topic, '', { qos: 1, retain: true })
        const later = await open(t, 'anna', { protocolVersion })
        await later.client.subscribeAsync(topic, { qos: 1 })
        await writer.client.publishAsync(topic, 'live', { qos: 1 })
        assert.equal((await later.next()).payload, 'live')
      })

      test(`${mqtt}: the will is spoken when a connection breaks, not when it ends`, async (t) => {
        const reader = await open(t, 'anna', { protocolVersion })
        await reader.client.subscribeAsync('will/#', { qos: 1 })
        const will = (topic: string) => ({ topic, payload: Buffer.from('gone'), qos: 1 as const, retain: false })
        const polite = await open(t, 'anna', { protocolVersion, will: will('will/polite') })
        await polite.client.endAsync()
        const broken = await open(t, 'anna', { protocolVersion, will: will('will/broken') })
        broken.client.stream.destroy()
        assert.equal((await reader.next()).topic, 'will/broken')
      })

      test(`${mqtt}: a wrong password is refused, and so is somebody without a name`, async (t) => {
        const wrong = { protocolVersion, username: 'anna', password: 'wrong' }
        await assert.rejects(connectClient(t, broker.url, wrong), /Connection refused/)
        await assert.rejects(connectClient(t, broker.url, { protocolVersion }), /Connection refused/)
      })

      test(`${mqtt}: a session keeps what it missed`, async (t) => {
        const lasting = { protocolVersion, clientId: `lasting-${protocolVersion}`, ...LASTING }
        const first = await open(t, 'anna', { ...lasting, clean: true })
        await first.client.endAsync()
        const second = await open(t, 'anna', { ...lasting, clean: false })
        await second.client.subscribeAsync(`missed/${protocolVersion}/#`, { qos: 1 })
        await second.client.endAsync()
        const writer = await open(t, 'anna', { protocolVersion })
        for (const payload of ['1', '2', '3'])
          await writer.client.publishAsync(`missed/${protocolVersion}/a`, payload, { qos: 1 })
        const third = await open(t, 'anna', { ...lasting, clean: false })
        assert.deepEqual(
          [await third.next(), await third.next(), await third.next()].map(({ payload }) => payload),
          ['1', '2', '3'],
        )
        await third.client.endAsync()
        const fourth = await open(t, 'anna', { ...lasting, clean: true })
        await fourth.client.endAsync()
      })
    }

    test('the properties of a request arrive as they were sent', async (t) => {
      const reader = await open(t, 'anna')
      await reader.client.subscribeAsync('request/#', { qos: 1 })
      const properties = {
        responseTopic: 'reply/here',
        correlationData: Buffer.from([0, 1, 254, 255]),
        contentType: 'application/json',
        messageExpiryInterval: 60,
        userProperties: { trace: 'abc', twice: ['one', 'two'] },
      }
      await reader.client.publishAsync('request/a', '{}', { qos: 1, properties })
      const { packet } = await reader.next()
      const { subscriptionIdentifier: _, ...received } = packet.properties ?? {}
      assert.deepEqual(
        structuredClone(received),
        structuredClone({ ...properties, messageExpiryInterval: received.messageExpiryInterval }),
      )
      assert.ok((received.messageExpiryInterval ?? 0) <= 60)
    })

    test('no-local keeps a client from hearing itself', async (t) => {
      const both = await open(t, 'anna')
      const other = await open(t, 'anna')
      await both.client.subscribeAsync('local/#', { qos: 1, nl: true })
      await both.client.publishAsync('local/a', 'own', { qos: 1 })
      await other.client.publishAsync('local/a', 'other', { qos: 1 })
      assert.equal((await both.next()).payload, 'other')
    })

    test('a delayed will is withdrawn when the client comes back in time', async (t) => {
      const reader = await open(t, 'anna')
      await reader.client.subscribeAsync('delayed/#', { qos: 1 })
      const returning = {
        clientId: 'returning',
        clean: false,
        properties: { sessionExpiryInterval: 60 },
        will: {
          topic: 'delayed/a',
          payload: Buffer.from('gone'),
          qos: 1 as const,
          retain: false,
          properties: { willDelayInterval: 30 },
        },
      }
      const first = await open(t, 'anna', returning)
      first.client.stream.destroy()
      await once(first.client as unknown as NodeJS.EventEmitter, 'close')
      const second = await open(t, 'anna', returning)
      await second.client.endAsync(false, { reasonCode: 0, properties: { sessionExpiryInterval: 0 } } as never)
      await reader.client.publishAsync('delayed/b', 'sentinel', { qos: 1 })
      assert.equal((await reader.next()).topic, 'delayed/b')
    })

    test('a delayed will is spoken in the end', async (t) => {
      const reader = await open(t, 'anna')
      await reader.client.subscribeAsync('late/#', { qos: 1 })
      const leaving = await open(t, 'anna', {
        properties: { sessionExpiryInterval: 60 },
        will: {
          topic: 'late/a',
          payload: Buffer.from('gone'),
          qos: 1,
          retain: false,
          properties: { willDelayInterval: 1 },
        },
      })
      leaving.client.stream.destroy()
      assert.equal((await reader.next()).payload, 'gone')
    })

    test('WebSocket works as TCP does', async (t) => {
      assert.ok(broker.webSocketUrl)
      const login = loginOf('anna')
      const socket = await connectClient(t, broker.webSocketUrl, { ...login })
      await socket.client.subscribeAsync('ws/#', { qos: 1 })
      const tcp = await open(t, 'anna')
      await tcp.client.publishAsync('ws/a', 'x'.repeat(100_000), { qos: 1 })
      assert.equal((await socket.next()).payload.length, 100_000)
      const wrong = connectClient(t, broker.webSocketUrl, { username: 'anna', password: 'wrong' })
      await assert.rejects(wrong, /Connection refused/)
    })

    suite('access', () => {
      let clients: Record<Who, TestClient>
      const closing: (() => void)[] = []
      before(async () => {
        const t = { after: (task: () => void) => void closing.push(task) }
        const who = ['hub', 'session', 'alicia', 'anna', 'attic', 'phone', 'z2m'] as const
        const opened = await Promise.all(
          who.map(async (name) => [name, await connectClient(t, broker.url, { ...loginOf(name) })]),
        )
        clients = Object.fromEntries(opened) as Record<Who, TestClient>
      })
      after(() => {
        for (const close of closing) close()
      })

      const mayPublish = (who: Who, topic: string) =>
        clients[who].client.publishAsync(topic, 'x', { qos: 1 }).then(
          () => true,
          (error: { code?: number }) => {
            assert.equal(error.code, 0x87)
            return false
          },
        )
      const maySubscribe = async (who: Who, filter: string) => {
        const allowed = await clients[who].client.subscribeAsync(filter, { qos: 1 }).then(
          () => true,
          (error: Error) => {
            assert.match(error.message, /Not authorized/i)
            return false
          },
        )
        await clients[who].client.unsubscribeAsync(filter)
        return allowed
      }
      const mayReceive = async (who: Who, topic: string) => {
        const { client } = clients[who]
        // A filter of its own where the account has no `#`.
        const filters = who === 'z2m' ? ['zigbee2mqtt/#', 'alicia/v1/evt/#'] : ['#', ...(OWN_TOPICS[who] ?? [])]
        await client.subscribeAsync(filters, { qos: 1 })
        const sentinel = who === 'z2m' ? 'zigbee2mqtt/sentinel' : 'sentinel'
        await clients.hub.client.publishAsync(topic, 'secret', { qos: 1 })
        await clients.hub.client.publishAsync(sentinel, 'end', { qos: 1 })
        const seen: string[] = []
        while (!seen.includes(sentinel)) seen.push((await clients[who].next()).topic)
        await client.unsubscribeAsync(filters)
        clients[who].messages.length = 0
        return seen.includes(topic)
      }
      const ask = { publish: mayPublish, receive: mayReceive, subscribe: maySubscribe }
      for (const [who, may, topic, allowed] of MAY)
        test(`${who} ${allowed ? 'may' : 'may not'} ${may} ${topic}`, async () => {
          assert.equal(await ask[may](who, topic), allowed)
        })

      test('a client of MQTT 3.1.1 cannot publish what it may not', async (t) => {
        const reader = await open(t, 'alicia')
        await reader.client.subscribeAsync(['alicia/v1/as/#', 'sentinel/311'], { qos: 1 })
        const writer = await open(t, 'anna', { protocolVersion: 4 })
        writer.client.publish('alicia/v1/as/z2m/req/health/get', 'forged', { qos: 0 })
        await clients.hub.client.publishAsync('sentinel/311', 'x', { qos: 1 })
        assert.equal((await reader.next()).topic, 'sentinel/311')
      })
    })

    test('a packet over the limit ends the connection, not the broker', async (t) => {
      const writer = await open(t, 'anna', { protocolVersion: 4 })
      const closed = new Promise<void>((resolve) => writer.client.once('close', () => resolve()))
      writer.client.publish('big', Buffer.alloc(11_000_000), { qos: 0 })
      await closed
      const next = await open(t, 'anna')
      await next.client.publishAsync('small', 'x', { qos: 1 })
    })

    const malformed: [why: string, bytes: number[]][] = [
      ['a filter with # in the middle', [0x82, 10, 0, 1, 0, 5, ...Buffer.from('a/#/b'), 1]],
      ['a filter with + inside a level', [0x82, 8, 0, 1, 0, 3, ...Buffer.from('a+b'), 1]],
      ['an empty filter', [0x82, 5, 0, 1, 0, 0, 1]],
      ['a wildcard in a topic', [0x30, 5, 0, 3, ...Buffer.from('a/#')]],
      ['QoS 3', [0x36, 5, 0, 1, 0x61, 0, 1]],
      ['a packet of type 15 in 3.1.1', [0xf0, 0]],
    ]
    for (const [why, bytes] of malformed)
      test(`${why} ends the connection`, async (t) => {
        const { hostname, port } = new URL(broker.url)
        const socket = connectSocket({ host: hostname, port: Number(port) })
        t.after(() => socket.destroy())
        const { username, password } = loginOf('anna') ?? { username: '', password: '' }
        const text = (value: string) => [0, value.length, ...Buffer.from(value)]
        const body = [
          ...text('MQTT'),
          4,
          0xc2,
          0,
          60,
          ...text(`raw-${why.length}`),
          ...text(username),
          ...text(password),
        ]
        socket.write(Buffer.from([0x10, body.length, ...body]))
        const [connack] = (await once(socket, 'data')) as [Buffer]
        assert.deepEqual([...connack], [0x20, 2, 0, 0])
        socket.resume()
        socket.write(Buffer.from(bytes))
        await once(socket, 'close')
      })

    test('the bus: overlapping subscriptions each get a message once', async (t) => {
      const bus = await openBus(t, broker, 'overlap')
      const seen: string[] = []
      const note = (who: string) => (message: BusMessage) =>
        void seen.push(`${who} ${message.payload.toString()} ${message.retain}`)
      await bus.publish('over/lap', 'kept', { qos: 1, retain: true })
      const ends = [
        await bus.subscribe('over/#', 0, note('A')),
        await bus.subscribe('+/lap', 1, note('B')),
        await bus.subscribe('over/lap', 1, note('C')),
        await bus.subscribe('over/lap', 1, note('D')),
      ]
      // Each must have its retained message before the live ones come.
      await until(() => seen.length >= 4)
      for (const payload of ['x', 'x', 'y']) await bus.publish('over/lap', payload, { qos: 1 })
      await bus.subscribe('over/end', 1, note('end'))
      await bus.publish('over/end', 'end', { qos: 1 })
      await until(() => seen.some((line) => line.startsWith('end')))
      const lines = seen.filter((line) => !line.includes('end'))
      const expected = ['A', 'B', 'C', 'D'].flatMap((who) => [
        `${who} kept true`,
        `${who} x false`,
        `${who} x false`,
        `${who} y false`,
      ])
      assert.deepEqual(lines.sort(), expected.sort())
      for (const end of ends) await end()
      await bus.publish('over/lap', '', { qos: 1, retain: true })
    })

    test('the bus: what the broker refuses is a fault', async (t) => {
      const asAnna = { ...broker, login: () => loginOf('anna') }
      const bus = await openBus(t, asAnna, 'refused')
      const code = (expected: string) => (fault: Fault) => fault.code === expected
      await assert.rejects(bus.publish('alicia/v1/req/x/y', 'x', { qos: 1 }), code('forbidden'))
      await assert.rejects(
        bus.subscribe('alicia/v1/req/#', 1, () => undefined),
        code('forbidden'),
      )
      await assert.rejects(bus.publish('a/#', 'x'), code('invalid_input'))
      await assert.rejects(
        bus.subscribe('a#', 1, () => undefined),
        code('invalid_input'),
      )
    })

    test('it says how many messages it dropped', async () => {
      assert.equal(typeof (await broker.dropped()), 'number')
      assert.equal(broker.report().status, 'available')
    })
  })

  suite(`broker: ${name}, restarted`, () => {
    test('keeps retained messages and sessions; the bus comes back with its subscriptions', async (t) => {
      const folder = temporaryFolder(t)
      const first = await start({ folder, port: 0, webSocketPort: 0 })
      const port = Number(new URL(first.url).port)
      const anna = { username: 'anna', password: 'annas-password' }
      const lasting = { ...anna, clientId: 'lasting', clean: false, ...LASTING }
      const before = await connectClient(t, first.url, lasting)
      await before.client.subscribeAsync(['queue/+', 'queue/#'], { qos: 1 })
      await before.client.endAsync()
      const writer = await connectClient(t, first.url, anna)
      const properties = { correlationData: Buffer.from([0, 255]), userProperties: { a: 'b' } }
      await writer.client.publishAsync('kept/a', 'still here', { qos: 1, retain: true, properties })
      await writer.client.publishAsync('queue/a', 'while away', { qos: 1, properties })

      // The bus holds the broker by its port and, after the restart, by its new password.
      let current = first
      const bus = await openBus(t, { ...first, login: (account) => current.login(account) }, 'restart')
      const heard: string[] = []
      await bus.subscribe('after/#', 1, ({ payload }) => void heard.push(payload.toString()))
      let connects = 0
      bus.onConnect(() => void (connects += 1))

      await first.stop()
      await until(() => bus.report().status === 'unavailable')
      await assert.rejects(bus.publish('after/a', 'x', { qos: 1 }), (fault: Fault) => fault.code === 'unavailable')
      current = await start({ folder, port, webSocketPort: 0 })
      t.after(() => current.stop())
      await until(() => connects === 2)

      const reader = await connectClient(t, current.url, anna)
      await reader.client.subscribeAsync('kept/#', { qos: 1 })
      const kept = await reader.next()
      assert.deepEqual([kept.payload, kept.packet.retain], ['still here', true])
      assert.deepEqual(kept.packet.properties?.correlationData, properties.correlationData)

      const again = await connectClient(t, current.url, lasting)
      assert.ok(again.connack.sessionPresent)
      await reader.client.publishAsync('queue/b', 'live', { qos: 1 })
      const payloads = new Set<string>()
      while (!payloads.has('live')) payloads.add((await again.next()).payload)
      assert.deepEqual([...payloads], ['while away', 'live'])

      await until(async () => {
        await bus.publish('after/a', 'back', { qos: 1 })
        return heard.includes('back')
      })
    })
  })
}

/** Session properties of MQTT 5; a 3.1.1 client has `clean` alone. */
const LASTING = { properties: { sessionExpiryInterval: 600 } }

async function openBus(t: Pick<TestContext, 'after'>, broker: Broker, clientId: string) {
  const signal = AbortSignal.timeout(10_000)
  const bus = await connectBus({ broker, clientId, clock: systemClock, log: silentLog, signal })
  t.after(() => bus.stop())
  return bus
}
