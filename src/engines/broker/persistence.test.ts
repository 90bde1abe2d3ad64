import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { temporaryFolder } from '../../testing/folder.ts'
import type { Packet } from './packet.ts'
import { openPersistence } from './persistence.ts'

/** The suite that aedes ships for its persistences. */
const abstractSuite = createRequire(import.meta.url)('aedes-persistence/abstract.js') as (options: {
  test: typeof test
  persistence: () => unknown
  testAsync: boolean
}) => void

suite('persistence, as aedes wants it', () => {
  abstractSuite({ test, persistence: () => openPersistence({ file: ':memory:', longestQueue: 1000 }), testAsync: true })
})

suite('persistence, over a restart', () => {
  const packet = (topic: string, more: Partial<Packet> = {}): Packet => ({
    cmd: 'publish',
    topic,
    payload: Buffer.from(topic),
    qos: 2,
    retain: false,
    dup: false,
    messageId: undefined,
    brokerId: 'first',
    brokerCounter: 1,
    ...more,
  })
  const client = { id: 'lasting' }

  const reopening = (t: Parameters<typeof temporaryFolder>[0]) => {
    const options = { file: join(temporaryFolder(t), 'broker.sqlite'), longestQueue: 10 }
    return () => openPersistence(options)
  }
  const queueOf = async (persistence: ReturnType<typeof openPersistence>) =>
    (await persistence.outgoingStream(client).toArray()) as Packet[]

  test('a message of QoS 2 goes on where its handshake stood', async (t) => {
    const open = reopening(t)
    const first = open()
    await first.addSubscriptions(client, [{ topic: '#', qos: 2 }])
    await first.outgoingEnqueueCombi(await first.subscriptionsByTopic('a'), packet('a'))
    await first.outgoingUpdate(client, packet('a', { messageId: 7 }))
    await first.outgoingUpdate(client, packet('', { cmd: 'pubrel', messageId: 7 }))
    await first.destroy()

    const second = open()
    assert.deepEqual(await queueOf(second), [{ cmd: 'pubrel', messageId: 7 }])
    await second.outgoingUpdate(client, packet('', { cmd: 'pubrel', messageId: 7 }))
    await second.outgoingClearMessageId(client, { messageId: 7 })
    assert.deepEqual(await queueOf(second), [])
    await second.destroy()
  })

  test('a message that was taken in and not released is not taken in again', async (t) => {
    const open = reopening(t)
    const first = open()
    await first.incomingStorePacket(client, packet('a', { messageId: 9 }))
    await first.incomingStorePacket({ id: 'passing', clean: true }, packet('a', { messageId: 9 }))
    await first.destroy()
    const second = open()
    assert.equal((await second.incomingGetPacket(client, { messageId: 9 })).topic, 'a')
    await assert.rejects(second.incomingGetPacket({ id: 'passing' }, { messageId: 9 }))
    await second.destroy()
  })

  test('sessions end when their time is over, counted from the end of the last run', async (t) => {
    const open = reopening(t)
    const first = open()
    for (const [id, seconds] of [
      ['short', 10],
      ['long', 1000],
    ] as const) {
      first.sessions.admit(id, 'anna')
      first.sessions.begin(id, seconds)
      await first.addSubscriptions({ id }, [{ topic: 'a', qos: 1 }])
    }
    await first.destroy()
    const second = open()
    second.sweep(Date.now() + 100_000)
    assert.deepEqual(await second.subscriptionsByClient({ id: 'short' }), [])
    assert.deepEqual(await second.subscriptionsByClient({ id: 'long' }), [{ topic: 'a', qos: 1 }])
    assert.equal(second.sessions.accountOf('long'), 'anna')
    await second.destroy()
  })

  test('overlapping filters queue a message once, with the highest QoS', async (t) => {
    const persistence = reopening(t)()
    await persistence.addSubscriptions(client, [
      { topic: 'a/#', qos: 1 },
      { topic: 'a/b', qos: 2 },
    ])
    await persistence.outgoingEnqueueCombi(await persistence.subscriptionsByTopic('a/b'), packet('a/b'))
    assert.deepEqual(
      (await queueOf(persistence)).map(({ qos }) => qos),
      [2],
    )
    await persistence.destroy()
  })

  test('properties with bytes in them come back as they were', async (t) => {
    const open = reopening(t)
    const properties = { correlationData: Buffer.from([0, 255]), userProperties: { a: ['1', '2'] } }
    const first = open()
    await first.storeRetained(packet('a', { retain: true, properties }))
    await first.destroy()
    const second = open()
    const [kept] = (await second.createRetainedStream('#').toArray()) as Packet[]
    assert.deepEqual(kept?.properties, properties)
    await second.destroy()
  })

  test('whoever still reads retained messages when it is closed gets no more of them', async (t) => {
    const persistence = reopening(t)()
    for (const topic of ['a', 'b']) await persistence.storeRetained(packet(topic, { retain: true }))
    const found: string[] = []
    for await (const { topic } of persistence.createRetainedStream('#') as AsyncIterable<Packet>) {
      found.push(topic)
      await persistence.destroy().catch(() => undefined)
    }
    assert.ok(found.length > 0)
  })
})
