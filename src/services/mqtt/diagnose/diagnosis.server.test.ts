import assert from 'node:assert/strict'
import { suite, test, type TestContext } from 'node:test'
import { heldClock } from '../../../kernel/clock.ts'
import { startTestMosquitto } from '../../../testing/mosquitto.ts'
import { fiveBrokers } from '../../../testing/five-brokers.ts'
import { callerWith } from '../../../testing/hub.ts'
import { brokerAt, establish, fault, started, toolkitFor, type MqttToolkit } from '../../../testing/mqtt-toolkit.ts'
import type { DeviceReport } from './device-report.ts'

suite('diagnosis at a real broker', { concurrency: false }, () => {
  /** Time goes on when a test says so. */
  async function atMosquitto(context: TestContext) {
    const clock = heldClock()
    const broker = await startTestMosquitto(context, { lines: ['allow_anonymous true', 'sys_interval 1'] })
    const toolkit = await toolkitFor(context, brokerAt(broker.url), { clock })
    const session_id = await establish(toolkit)
    /** What was said until now has arrived; then it is so much later. */
    const pass = async (ms: number) => {
      await toolkit.call('ping', { session_id })
      clock.advance(ms)
    }
    return { broker, toolkit, session_id, clock, pass }
  }

  const publisher =
    (toolkit: MqttToolkit, session_id: string) => (topic: string, payload: object | string, retain?: true) =>
      toolkit.call('publish_message', { session_id, topic, payload, qos: 1, ...(retain && { retain }) })

  test('a device that flaps', async (context) => {
    const { toolkit, session_id, pass } = await atMosquitto(context)
    const publish = publisher(toolkit, session_id)
    await publish('tele/porch/LWT', 'Online', true)
    const { emit, first } = started()
    const input = { session_id, device_pattern: 'porch', duration: 1.5, detail: 'full' }
    const watching = toolkit.call('debug_device', input, { emit })
    await first
    for (let count = 0; count < 3; count++) {
      await publish('tele/porch/LWT', 'Offline', true)
      await publish('tele/porch/LWT', 'Online', true)
      await publish('tele/porch/STATE', { POWER: 'ON', Wifi: { RSSI: 20, Signal: -90 } })
    }
    await pass(1500)
    const { devices } = await watching
    const [report] = devices as [DeviceReport]
    assert.partialDeepStrictEqual(report, { family: 'tasmota', went_offline: 3 })
    assert.match(report.next.join('\n'), /lost its connection 3 times[^]*rssi -90/)
  })

  test('nothing matches: the devices that there are', async (context) => {
    const { toolkit, session_id, pass } = await atMosquitto(context)
    await publisher(toolkit, session_id)('tele/porch/LWT', 'Online', true)
    const { emit, first } = started()
    const watching = toolkit.call('debug_device', { session_id, device_pattern: 'attic', duration: 1 }, { emit })
    await first
    await pass(1000)
    const result = await watching
    assert.deepEqual([result['devices'], result['known']], [[], ['porch']])
  })

  test('filters that overlap, and probes beside them', async (context) => {
    const { toolkit, session_id, clock, pass } = await atMosquitto(context)
    const { emit, first } = started()
    const topics = ['#', 'home/+/power', '$SYS/broker/uptime']
    const measuring = toolkit.call('monitor_performance', { session_id, topics, duration: 2, probe: true }, { emit })
    await first
    const publish = publisher(toolkit, session_id)
    for (let count = 0; count < 10; count++) await publish('home/plug/power', { ts: clock.now(), power: count })
    for (let second = 0; second < 2; second++) await pass(1000)
    const { filters, total, loop_back: loopBack } = await measuring
    const counts = (filters as { filter: string; messages: number }[]).map(({ filter, messages }) => [filter, messages])
    assert.deepEqual(counts.slice(0, 2), [
      ['#', 10],
      ['home/+/power', 10],
    ])
    const others = counts[2]?.[1]
    assert.equal((total as { messages: number }).messages, 10 + Number(others))
    assert.partialDeepStrictEqual(loopBack, { from: 'loop_back', samples: 2 })
    assert.partialDeepStrictEqual(filters, [{ latency: { from: 'ts', samples: 10 } }])
  })

  test('the connection is lost: what was measured is returned', async (context) => {
    const { broker: first, toolkit, session_id } = await atMosquitto(context)
    let broker = first
    for (const [operation, input] of [
      ['monitor_performance', { topics: ['a', 'b'] }],
      ['debug_device', { device_pattern: 'a' }],
    ] as const) {
      const { emit, first: subscribed } = started()
      const running = toolkit.call(operation, { session_id, duration: 60, ...input }, { emit })
      await subscribed
      await broker.stop()
      assert.partialDeepStrictEqual(await running, { partial: true, reason: 'the broker closed the connection' })
      broker = await startTestMosquitto(context, { port: first.port })
    }
  })

  test('probes need the scope to write; a bad filter is refused', async (context) => {
    const { toolkit } = await atMosquitto(context)
    const caller = callerWith('mqtt:connect', 'mqtt:read')
    const session_id = await establish(toolkit, {}, caller)
    const call = (operation: string, input: object) => toolkit.call(operation, { session_id, ...input }, { caller })
    await assert.rejects(call('monitor_performance', { probe: true }), fault('forbidden', /mqtt:write/))
    await assert.rejects(call('monitor_performance', { topics: ['a', 'a/#/b'] }), fault('invalid_input', /4\.7\.1-1/))
    await assert.rejects(call('debug_device', { device_pattern: 'a/#/b' }), fault('invalid_input', /4\.7\.1-1/))
  })

  test('five brokers, one of which keeps dying', async () => {
    const result = await fiveBrokers({ durationMs: 4000, periodMs: 700 })
    assert.ok(result.deaths >= 2)
    assert.partialDeepStrictEqual(result, {
      reconnects: result.deaths,
      failures: 0,
      leakedSockets: 0,
      seen: result.published,
    })
  })
})
