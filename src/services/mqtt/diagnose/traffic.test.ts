import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import { heldClock } from '../../../kernel/clock.ts'
import { publishPacket } from '../../../testing/mqtt-connection.ts'
import { createLoopBack, createPayloadLatency } from './latency.ts'
import { createMeasurement } from './measurement.ts'
import { timestampOf } from './timestamp.ts'
import { createTraffic } from './traffic.ts'
import { brokerAlerts, trafficAlerts } from './traffic-alerts.ts'

const NOW_MS = Date.UTC(2026, 0, 1)

/** Messages at these seconds, looked at `untilSecond`. */
function trafficOf(atSeconds: readonly number[], untilSecond: number, payload = 'x') {
  const clock = heldClock(NOW_MS)
  const traffic = createTraffic(clock)
  traffic.begin()
  let second = 0
  for (const next of atSeconds) {
    clock.advance((next - second) * 1000)
    second = next
    traffic.accept(publishPacket('t', payload))
  }
  clock.advance((untilSecond - second) * 1000)
  return traffic.report()
}

const alertsOf = (...args: Parameters<typeof trafficOf>) => trafficAlerts(trafficOf(...args)).map(({ alert }) => alert)

const every = (seconds: number, from: number, to: number) =>
  Array.from({ length: Math.floor((to - from) / seconds) }, (_, at) => from + at * seconds)

suite('traffic of a filter', () => {
  test('rate, throughput, intervals', () => {
    const { facts } = trafficOf(every(0.5, 0, 60), 60, 'four')
    assert.partialDeepStrictEqual(facts, { messages: 120, per_s: 2, bytes_per_s: 8, topics: 1 })
    assert.deepEqual(facts.interval_ms, { p50: 500, p90: 500, p99: 500, max: 500 })
    assert.deepEqual(facts.trend.is, 'steady')
  })

  test('retained messages are counted, and are no traffic', () => {
    const traffic = createTraffic(heldClock())
    traffic.accept({ ...publishPacket('t', 'old'), retain: true })
    assert.partialDeepStrictEqual(traffic.report().facts, { messages: 0, retained: 1, per_s: 0 })
  })

  const rows: [what: string, atSeconds: number[], untilSecond: number, alerts: string[]][] = [
    ['even', every(1, 0, 60), 60, []],
    ['nothing', [], 60, ['silent']],
    ['stops in the middle', every(1, 0, 30), 60, ['stopped', 'trend']],
    [
      'twice as much every 10 s',
      [1, 2, 4, 8, 16].flatMap((rate, at) => every(1 / rate, at * 10, at * 10 + 10)),
      50,
      ['trend'],
    ],
    ['a burst', [...every(1, 0, 20), ...every(0.02, 20, 21), ...every(1, 21, 60)], 60, ['burst']],
    ['too short for a trend', every(0.1, 0, 1).concat(every(0.01, 1, 2)), 2, []],
  ]
  for (const [what, atSeconds, untilSecond, alerts] of rows)
    test(`${what}: ${alerts.join() || 'no alert'}`, () =>
      assert.deepEqual(alertsOf(atSeconds, untilSecond).sort(), alerts))

  test('a limit that was passed stands in the words', () => {
    const [alert] = trafficAlerts(trafficOf([], 60), 'home/#')
    assert.deepEqual(alert, {
      alert: 'silent',
      level: 'warning',
      filter: 'home/#',
      says: 'Nothing was published within 60 s.',
    })
  })

  test('a clock that jumps changes nothing', () => {
    const held = heldClock(NOW_MS)
    let jumpMs = 0
    const traffic = createTraffic({ ...held, now: () => held.now() + jumpMs })
    for (const jump of [0, 86_400_000, -86_400_000, 5e12]) {
      jumpMs = jump
      held.advance(1000)
      traffic.accept(publishPacket('t', JSON.stringify({ ts: held.now() - 40 })))
    }
    const { latency, messages } = traffic.report().facts
    assert.equal(messages, 4)
    assert.partialDeepStrictEqual(latency, { from: 'ts', samples: 4, min_ms: 40, p99_ms: 40 })
  })
})

suite('several filters', () => {
  test('one that overlaps gets its own messages; the total has each once', () => {
    const measurement = createMeasurement(['home/#', 'home/+/power', 'garage/#'], heldClock())
    assert.deepEqual(
      measurement.groups.map(({ first, others }) => [first, ...others].map(({ filter }) => filter)),
      [['home/#', 'garage/#'], ['home/+/power']],
    )
    for (const topic of ['home/a/power', 'home/b', 'garage/door', 'alicia-probe/x'])
      for (const { first, others } of measurement.groups)
        for (const { matches, listener } of [first, ...others]) if (matches(topic)) listener(publishPacket(topic, '1'))
    const counts = measurement.filters.map(({ traffic }) => traffic.messages())
    assert.deepEqual([counts, measurement.total.messages()], [[2, 1, 1], 3])
  })
})

suite('the time in a payload', () => {
  const iso = new Date(NOW_MS).toISOString()
  const rows: [payload: string, found: object | undefined][] = [
    [`{"timestamp":${NOW_MS}}`, { atMs: NOW_MS, field: 'timestamp', isCoarse: false }],
    [`{"ts":${NOW_MS / 1000}}`, { atMs: NOW_MS, field: 'ts', isCoarse: true }],
    [`{"ts":${NOW_MS / 1000 + 0.25}}`, { atMs: NOW_MS + 250, field: 'ts', isCoarse: false }],
    [`{"Time":"${iso}"}`, { atMs: NOW_MS, field: 'Time', isCoarse: false }],
    [`{"time":"2026-01-01 01:00:00+01:00"}`, { atMs: NOW_MS, field: 'time', isCoarse: true }],
    ['{"Time":"2026-01-01T00:00:00"}', undefined],
    ['{"time":"noon","ts":5}', undefined],
    ['{"timestamp":1e400}', undefined],
    ['{"temperature":21}', undefined],
    ['[1]', undefined],
    ['{"ts":', undefined],
    ['{"a":'.repeat(5000), undefined],
  ]
  for (const [payload, found] of rows)
    test(payload.slice(0, 60), () => assert.deepEqual(timestampOf(Buffer.from(payload), NOW_MS), found))

  test('whatever comes, nothing is thrown', () => {
    const payload = fc.oneof(
      fc.json(),
      fc.string(),
      fc.dictionary(fc.constantFrom('ts', 'time'), fc.jsonValue()).map((value) => JSON.stringify(value)),
    )
    fc.assert(
      fc.property(payload, (text) => void timestampOf(Buffer.from(text), NOW_MS)),
      { numRuns: 300 },
    )
  })

  test('a sender whose clock is ahead is found out', () => {
    const latency = createPayloadLatency()
    latency.look(Buffer.from(JSON.stringify({ ts: NOW_MS + 5000 })), NOW_MS)
    assert.match(latency.result()?.note ?? '', /at least 5000 ms ahead/)
  })
})

test('a probe that does not come back is counted', () => {
  const clock = heldClock()
  const loopBack = createLoopBack('alicia-probe/1', clock)
  const probes = [loopBack.next(), loopBack.next()]
  clock.advance(7)
  for (const text of [probes[0]?.text ?? '', 'nonsense'])
    loopBack.wanted.listener(publishPacket('alicia-probe/1', text))
  assert.deepEqual(brokerAlerts(0, loopBack.result()), [], 'it may still be on its way')
  clock.advance(5000)
  assert.partialDeepStrictEqual(loopBack.result(), { samples: 1, p50_ms: 7, lost: 1 })
  const alerts = brokerAlerts(3, { ...loopBack.result(), p90_ms: 900 })
  assert.deepEqual(
    alerts.map(({ alert }) => alert),
    ['dropped', 'lost', 'slow_broker'],
  )
})
