import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { heldClock } from '../../kernel/clock.ts'
import { fakeConnection, publishPacket, type FakeOptions } from '../../testing/mqtt-connection.ts'
import { brokerAt } from '../../testing/mqtt-toolkit.ts'
import { createCollector } from './collector.ts'
import { ownDropMeter, sysDropMeter } from './drop-meter.ts'
import { gather } from './gather.ts'
import { createTopicIndex } from './topic-index.ts'

async function gathering(options: FakeOptions & { maxMessages?: number; maxBytes?: number } = {}) {
  const held = heldClock()
  /** Milliseconds for which the hub stood still: time went on, and no timer came. */
  const stood = { ms: 0 }
  const clock = { ...held, monotonic: () => held.monotonic() + stood.ms }
  const connection = fakeConnection(options)
  const cancel = new AbortController()
  const ticks: number[] = []
  const collector = createCollector(
    { maxMessages: options.maxMessages ?? 100, maxBytes: options.maxBytes ?? 1_000_000 },
    clock,
  )
  const done = gather(
    connection,
    { filter: 'home/#', qos: 1, durationMs: 5000, sink: collector, tick: (elapsedMs) => ticks.push(elapsedMs) },
    { clock, signal: cancel.signal },
  )
  done.catch(() => undefined)
  await new Promise(setImmediate)
  return { clock, stood, connection, cancel, ticks, collector, done }
}

suite('gather', () => {
  test('ends with its time, having reported each second', async () => {
    const { clock, connection, done, ticks, collector } = await gathering()
    connection.deliver('home/a', '1')
    connection.deliver('garden/a', '2')
    clock.advance(5000)
    assert.deepEqual(await done, { ended: { by: 'duration' }, grantedQos: 1, elapsedMs: 5000 })
    assert.deepEqual(ticks, [0, 1000, 2000, 3000, 4000])
    assert.equal(collector.messages.length, 1)
    assert.equal(connection.subscribed.size, 0)
    // What still waited for the connection's end would hold every message until then.
    assert.equal(connection.listeners(), 0)
  })

  test('listens on for as long as its end came too late: what lay there meanwhile has not been read', async () => {
    const { clock, stood, connection, done, collector } = await gathering()
    stood.ms = 700
    clock.advance(5000)
    await new Promise(setImmediate)
    connection.deliver('home/a', '1')
    clock.advance(700)
    assert.deepEqual(await done, { ended: { by: 'duration' }, grantedQos: 1, elapsedMs: 6400 })
    assert.equal(collector.messages.length, 1)
  })

  test('listens on for a few seconds at most, however late its end came', async () => {
    const { clock, stood, done } = await gathering()
    stood.ms = 50_000
    clock.advance(5000)
    clock.advance(5000)
    assert.deepEqual((await done).elapsedMs, 60_000)
  })

  test('ends at the count, and still counts what comes', async () => {
    const { connection, done, collector } = await gathering({ maxMessages: 2 })
    for (const payload of ['1', '2', '3']) connection.deliver('home/a', payload)
    assert.deepEqual((await done).ended, { by: 'full' })
    assert.deepEqual([collector.messages.length, collector.received(), collector.limit()], [2, 3, 'max_messages'])
  })

  test('ends at the byte limit, with the first message in any case', async () => {
    const { connection, done, collector } = await gathering({ maxBytes: 1000 })
    for (const payload of ['x'.repeat(5000), 'y']) connection.deliver('home/a', payload)
    assert.deepEqual((await done).ended, { by: 'full' })
    assert.deepEqual([collector.messages.length, collector.limit()], [1, 'max_bytes'])
  })

  test('ends with the connection, and says why', async () => {
    const { connection, done, collector } = await gathering()
    connection.deliver('home/a', '1')
    connection.lose('the cat')
    assert.deepEqual((await done).ended, { by: 'connection_lost', reason: 'the cat' })
    assert.equal(collector.messages.length, 1)
  })

  test('ends when its caller goes, and unsubscribes', async () => {
    const { connection, cancel, done } = await gathering()
    cancel.abort(new Error('gone'))
    await assert.rejects(done, /gone/)
    assert.equal(connection.subscribed.size, 0)
  })

  for (const [granted, code, says] of [
    [135, 'forbidden', /not authorized \(135\)/],
    [128, 'forbidden', /home\/#/],
    [158, 'upstream_failed', /shared subscriptions/],
  ] as const)
    test(`a subscription refused with ${granted} is ${code}`, async () => {
      const { done, connection } = await gathering({ granted })
      await assert.rejects(done, { code, message: says })
      assert.equal(connection.subscribed.size, 0)
    })
})

suite('drop meter', () => {
  test('the own broker is asked before and after', async () => {
    let dropped: number | undefined = 7
    const meter = await ownDropMeter(brokerAt('mqtt://x', undefined, () => dropped))
    dropped = 10
    assert.equal(await meter.read(), 3)
    dropped = undefined
    assert.equal(await meter.read(), null)
  })

  test('another broker’s $SYS counter is watched, but not while $SYS is collected', async () => {
    const meter = sysDropMeter('home/#')
    assert.equal(await meter.read(), null)
    for (const count of ['5', 'junk', '9']) meter.beside?.listener(publishPacket(meter.beside.filter, count))
    assert.equal(await meter.read(), 4)
    assert.equal(sysDropMeter('$SYS/#').beside, undefined)
  })
})

suite('topic index', () => {
  test('keeps what came last of each topic, sorted', () => {
    const clock = heldClock(0)
    const index = createTopicIndex(10, clock)
    index.accept({ ...publishPacket('b', '1'), retain: true })
    clock.advance(5)
    index.accept(publishPacket('b', 'second'))
    index.accept(publishPacket('a', 'x'.repeat(200)))
    assert.equal(index.messages(), 3)
    assert.deepEqual(index.list(), [
      {
        topic: 'a',
        messages: 1,
        preview: `${'x'.repeat(119)}…`,
        size: 200,
        retained: false,
        firstMs: 5,
        lastMs: 5,
      },
      { topic: 'b', messages: 2, preview: 'second', size: 6, retained: true, firstMs: 0, lastMs: 5 },
    ])
  })

  test('is full at its limit; topics it knows stay up to date', async () => {
    const index = createTopicIndex(1, heldClock())
    index.accept(publishPacket('a', '1'))
    await index.full
    index.accept(publishPacket('b', '2'))
    index.accept(publishPacket('a', '3'))
    assert.deepEqual(
      index.list().map(({ topic, preview }) => [topic, preview]),
      [['a', '3']],
    )
  })
})
