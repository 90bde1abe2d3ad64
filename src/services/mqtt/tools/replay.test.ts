import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { heldClock } from '../../../kernel/clock.ts'
import { fakeConnection } from '../../../testing/mqtt-connection.ts'
import { guardedConnection } from '../guard/guarded-connection.ts'
import { DEFAULT_RULES } from '../guard/session-rules.ts'
import { createGuard } from '../guard/write-guard.ts'
import type { RecordedMessage } from './recording-line.ts'
import type { Recording } from './recordings.ts'
import { planReplay, replay } from './replay.ts'
import { mapTopic } from './topic-map.ts'

const recordingOf = (messages: readonly RecordedMessage[]): Recording => ({
  name: 'r',
  filter: '#',
  created_ms: 0,
  duration_ms: 0,
  messages: messages.length,
  bytes: 0,
  redacted: 0,
  async *lines(from) {
    yield* messages.slice(from).map((message) => JSON.stringify(message))
  },
})

const THREE = recordingOf([
  { t: 0, topic: 'a', text: '1', retained: true, user_properties: { tag: 'x' } },
  { t: 1000, topic: 'b', base64: 'AP8=', qos: 1 },
  { t: 4000, topic: 'a', text: '2' },
])

function setUp(cap: number, speed: number, protocolVersion: 4 | 5 = 5) {
  const clock = heldClock()
  const inner = fakeConnection({ protocolVersion })
  const guard = createGuard({ rules: { ...DEFAULT_RULES, max_publishes_per_minute: cap }, clock, atOwnBroker: false })
  const order = { recording: THREE, mapping: { prefix: 'x/', map: {} }, speed, retain: true }
  const gone = new AbortController()
  const run = { connection: guardedConnection(inner, guard), clock, signal: gone.signal, tick: () => undefined }
  /** How many were published after so many more seconds. */
  const after = async (seconds: number) => {
    for (let passed = 0; passed < seconds; passed++) {
      await settle()
      clock.advance(1000)
      await settle()
    }
    return inner.published.length
  }
  return { order, run, guard, inner, after, gone }
}

const settle = () => new Promise((resolve) => setImmediate(resolve))

suite('replay', () => {
  test('keeps the recorded times, or as many times as fast', async () => {
    const { order, run, after, inner } = setUp(600, 2)
    const done = replay(order, run)
    await settle()
    assert.equal(inner.published.length, 1)
    assert.deepEqual([await after(1), await after(1)], [2, 3])
    assert.deepEqual(await done, { sent: 3, unsent: 0 })
    assert.deepEqual(
      inner.published.map(({ topic, payload, qos, retain }) => [topic, payload.toString('hex'), qos, retain]),
      [
        ['x/a', '31', 0, true],
        ['x/b', '00ff', 1, false],
        ['x/a', '32', 0, false],
      ],
    )
  })

  test('is slowed down by the session’s cap, not shortened', async () => {
    const { order, run, after } = setUp(1, 0)
    const done = replay(order, run)
    assert.deepEqual([await after(59), await after(2), await after(60)], [1, 2, 3])
    assert.deepEqual(await done, { sent: 3, unsent: 0 })
  })

  test('ends at once when it is called off', async () => {
    const { order, run, after, gone, inner } = setUp(600, 1)
    const done = replay(order, run)
    await after(1)
    gone.abort(new Error('enough'))
    await assert.rejects(done, /enough/)
    assert.equal(inner.published.length, 2)
  })

  test('leaves out properties where MQTT 3.1.1 has none', async () => {
    const { order, run, inner } = setUp(600, 0, 4)
    await replay(order, run)
    assert.ok(inner.published.every(({ properties }) => properties === undefined))
  })

  test('a plan says how long, where to, and what is refused', async () => {
    const { order, guard, gone } = setUp(600, 2)
    const mapping = { prefix: undefined, map: { a: '$SYS' } }
    const plan = await planReplay({ ...order, mapping }, guard, gone.signal)
    assert.deepEqual(
      [plan.messages, plan.skipped, plan.takesMs, [...plan.topics], [...plan.refused.keys()]],
      [2, 1, 2000, [['a', '$SYS']], ['$SYS']],
    )
  })

  for (const [topic, mapping, expected] of [
    ['a/b', { prefix: 'p/', map: {} }, 'p/a/b'],
    ['a/b', { prefix: '', map: {} }, 'a/b'],
    ['a/b/c', { prefix: undefined, map: { a: 'x', 'a/b': 'y' } }, 'y/c'],
    ['ab', { prefix: undefined, map: { a: 'x' } }, undefined],
    ['ab', { prefix: 'p/', map: { a: 'x' } }, 'p/ab'],
  ] as const)
    test(`${topic} by ${JSON.stringify(mapping)} becomes ${expected}`, () =>
      assert.equal(mapTopic(mapping, topic), expected))
})
