import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import { heldClock } from '../../../kernel/clock.ts'
import { publishPacket } from '../../../testing/mqtt-connection.ts'
import { DeviceReport, deviceReports } from './device-report.ts'
import { createDeviceWatch } from './device-watch.ts'

const DURATION_S = 120

/** Seconds since the beginning, topic, payload; retained where it says so. */
type Line = readonly [second: number, topic: string, payload: unknown, retained?: 'retained']

/** What the reports say after two minutes in which these came, in the order of their time. */
function watched(pattern: string, lines: readonly Line[]): DeviceReport[] {
  const clock = heldClock()
  const watch = createDeviceWatch(pattern, DURATION_S * 1000, clock)
  watch.begin()
  let nowS = 0
  for (const [second, topic, payload, retained] of lines.toSorted(([a], [b]) => a - b)) {
    clock.advance((second - nowS) * 1000)
    nowS = second
    const text = typeof payload === 'string' ? payload : JSON.stringify(payload)
    watch.accept({ ...publishPacket(topic, text), retain: retained !== undefined })
  }
  clock.advance((DURATION_S - nowS) * 1000)
  return deviceReports(watch, { isFull: true, nowMs: clock.now() }).map((report) => DeviceReport.parse(report))
}

function only(reports: readonly DeviceReport[]): DeviceReport {
  const [report, ...more] = reports
  assert.ok(report)
  assert.deepEqual(more, [])
  return report
}

const every = (seconds: number, from: number, to: number) =>
  Array.from({ length: Math.ceil((to - from) / seconds) }, (_, at) => from + at * seconds)

const device = (friendly_name: string) => ({
  ieee_address: `0x00158d000${friendly_name.length}`,
  type: 'Router',
  supported: true,
  friendly_name,
  definition: { model: 'E1603', vendor: 'IKEA', description: 'Plug', exposes: [] },
})
const BRIDGE: readonly Line[] = [
  [0, 'zigbee2mqtt/bridge/devices', [device('kitchen_plug'), device('hall_lamp')], 'retained'],
]
const ONLINE: Line = [0, 'zigbee2mqtt/kitchen_plug/availability', { state: 'online' }, 'retained']
const states = (seconds: readonly number[], payload: object = { state: 'ON', power: 12.4, linkquality: 120 }) =>
  seconds.map((second): Line => [second, 'zigbee2mqtt/kitchen_plug', payload])
const availability = (second: number, state: string): Line => [
  second,
  'zigbee2mqtt/kitchen_plug/availability',
  { state },
]

const partOf = (report: DeviceReport, name: string) => report.parts.find(({ part }) => part === name)?.score

suite('the health of a device', () => {
  test('a healthy one', () => {
    const report = only(watched('kitchen plug', [...BRIDGE, ONLINE, ...states(every(5, 1, 120))]))
    assert.partialDeepStrictEqual(report, {
      device: 'kitchen plug',
      family: 'zigbee2mqtt',
      score: 100,
      confidence: 'high',
    })
    assert.deepEqual(report.next, ['Nothing to do.'])
    assert.equal(
      report.parts.reduce((sum, { weight }) => sum + weight, 0),
      100,
    )
  })

  test('offline at the end', () => {
    const report = only(
      watched('kitchen_plug', [...BRIDGE, ONLINE, ...states(every(5, 1, 60)), availability(70, 'offline')]),
    )
    assert.equal(partOf(report, 'availability'), 0)
    assert.ok((report.score ?? 100) < 60)
    assert.match(report.next[0] ?? '', /^It is offline\..*Zigbee/)
  })

  test('flapping', () => {
    const flaps = [20, 50, 80].flatMap((second) => [
      availability(second, 'offline'),
      availability(second + 5, 'online'),
    ])
    const report = only(watched('kitchen_plug', [...BRIDGE, ONLINE, ...states(every(5, 1, 120)), ...flaps]))
    assert.equal(report.went_offline, 3)
    assert.match(report.next[0] ?? '', /lost its connection 3 times/)
  })

  test('that it is offline, said again, is no further loss', () => {
    const repeated = [10, 20, 30, 40].map((second) => availability(second, 'offline'))
    const kept: Line = [0, 'zigbee2mqtt/kitchen_plug/availability', { state: 'offline' }, 'retained']
    assert.equal(only(watched('kitchen_plug', [...BRIDGE, ONLINE, ...repeated])).went_offline, 1)
    assert.equal(only(watched('kitchen_plug', [...BRIDGE, kept, ...repeated])).went_offline, undefined)
  })

  test('a gap, and silence', () => {
    const gap = only(
      watched('kitchen_plug', [...BRIDGE, ONLINE, ...states([...every(5, 1, 60), ...every(5, 90, 120)])]),
    )
    const topic = gap.topics?.find((each) => each.topic === 'zigbee2mqtt/kitchen_plug')
    assert.partialDeepStrictEqual(topic, { interval: 'regular', usual_s: 5, gaps: 1, longest_s: 34 })
    const silence = only(watched('kitchen_plug', [...BRIDGE, ONLINE, ...states(every(5, 1, 60))]))
    assert.match(silence.next[0] ?? '', /stopped reporting on zigbee2mqtt\/kitchen_plug/)
  })

  test('errors by their kind, with when and an example', () => {
    const errors = [30, 40, 50].map((second): Line => [second, 'zigbee2mqtt/kitchen_plug', { error: 'relay stuck' }])
    const report = only(watched('kitchen_plug', [...BRIDGE, ONLINE, ...states(every(5, 1, 120)), ...errors]))
    assert.partialDeepStrictEqual(report.errors, [{ count: 3, first_s: 30, last_s: 50 }])
    assert.match(report.errors?.[0]?.example ?? '', /relay stuck/)
  })

  test('payloads that change', () => {
    const lines = [
      ...states(every(5, 1, 60), { power: 1, state: 'ON' }),
      ...states(every(5, 61, 120), { power: '1 W', energy: 2 }),
    ]
    const { drift = [] } = only(watched('kitchen_plug', [...BRIDGE, ...lines]))
    assert.deepEqual(drift.map((line) => line.replace(/^.*: /, '')).sort(), [
      'energy is new.',
      'power was number and is string now.',
      'state is gone.',
    ])
  })

  test('a weak battery and signal', () => {
    const report = only(
      watched('kitchen_plug', [...BRIDGE, ...states(every(5, 1, 120), { battery: 7, linkquality: 15 })]),
    )
    assert.equal(partOf(report, 'supply'), 10)
    assert.match(report.next.join(), /battery 7 %, linkquality 15/)
  })

  test('a ghost: kept messages of what is gone', () => {
    const lines: Line[] = [
      [0, 'zigbee2mqtt/old_lamp', { state: 'OFF', brightness: 20 }, 'retained'],
      [0, 'zigbee2mqtt/old_lamp/availability', { state: 'offline' }, 'retained'],
    ]
    const report = only(watched('old lamp', [...BRIDGE, ...lines]))
    assert.deepEqual(report.ghosts?.toSorted(), ['zigbee2mqtt/old_lamp', 'zigbee2mqtt/old_lamp/availability'])
    assert.match(report.next.join('\n'), /delete its retained messages/)
  })

  test('too little data is said, not judged', () => {
    const report = only(watched('kitchen_plug', [...BRIDGE]))
    assert.deepEqual([report.score, report.confidence], [null, 'low'])
    assert.match(report.next.at(-1) ?? '', /Only 0 live messages in 120 s/)
  })

  test('several devices by a filter, the worst first', () => {
    const lamp = every(5, 1, 120).map((second): Line => [
      second,
      'zigbee2mqtt/hall_lamp',
      { state: 'ON', brightness: 9 },
    ])
    const reports = watched('zigbee2mqtt/+', [...BRIDGE, ...lamp, ...states(every(5, 1, 60))])
    assert.deepEqual(reports.map((report) => report.device).slice(0, 2), ['kitchen plug', 'hall lamp'])
  })

  test('whatever comes, it ends in a report', () => {
    const level = fc.constantFrom('zigbee2mqtt', 'tele', 'x', 'LWT', 'availability', 'bridge', 'devices', 'STATE', '')
    const line = fc.record({
      second: fc.integer({ min: 0, max: DURATION_S }),
      topic: fc.array(level, { minLength: 1, maxLength: 5 }).map((levels) => levels.join('/')),
      payload: fc.oneof(fc.json(), fc.string(), fc.constantFrom('online', 'offline', '')),
      retained: fc.boolean(),
    })
    fc.assert(
      fc.property(fc.array(line, { maxLength: 40 }), (lines) => {
        const reports = watched(
          '#',
          lines.map(({ second, topic, payload, retained }): Line =>
            retained ? [second, topic, payload, 'retained'] : [second, topic, payload],
          ),
        )
        for (const { score } of reports) assert.ok(score === null || (score >= 0 && score <= 100))
      }),
      { numRuns: 60 },
    )
  })
})
