import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { connectAsync } from 'mqtt'
import { startEmbeddedBroker } from '../../../engines/broker/embedded.ts'
import { systemClock } from '../../../kernel/clock.ts'
import { silentLog } from '../../../kernel/log.ts'
import type { Broker } from '../../../kernel/ports.ts'
import { cleanUps, establish, toolkitFor } from '../../../testing/mqtt-toolkit.ts'
import { startHome } from '../../demo/running-home.ts'

interface Group {
  readonly family: string
  readonly devices: readonly string[]
}

suite('list_devices', () => {
  const ending = cleanUps()
  let broker: Broker
  before(async () => {
    const running = await startEmbeddedBroker({
      host: '127.0.0.1',
      port: 0,
      file: ':memory:',
      log: silentLog,
      ownerToken: 'a token of the owner',
      users: [],
      anonymous: false,
    })
    ending.after(() => running.stop())
    broker = running
    const home = await startHome(
      { broker, clock: systemClock, log: silentLog, seed: 7, speed: 1 },
      new AbortController().signal,
    )
    ending.after(() => home.stop())
  })
  after(() => ending.run())

  test('every device of the demo home, by family, in words', async (context) => {
    const toolkit = await toolkitFor(context, broker)
    const session_id = await establish(toolkit)
    // The session's index listens from here on: the next births are live.
    await toolkit.call('list_devices', { session_id, duration: 0.1 })
    const speaker = await connectAsync(broker.url, { protocolVersion: 5, ...broker.login('session') })
    context.after(() => speaker.endAsync(true))
    const ask = [
      ...['hall_light', 'washing_machine', 'hall_motion', 'front_door', 'bathroom_climate'].map(
        (name) => [`zigbee2mqtt/${name}/get`, '{"state":""}'] as const,
      ),
      ['cmnd/tasmota_A11C01/TELEPERIOD', ''],
      ['cmnd/tasmota_A11C01/POWER', 'ON'],
      ['shellies/shellyswitch25-D0A11C/command', 'update'],
      ['shellyplus1pm-d0a11cade001/command', 'status_update'],
    ] as const
    for (const [topic, payload] of ask) await speaker.publishAsync(topic, payload, { qos: 1 })
    const result = await toolkit.call('list_devices', { session_id, duration: 1 })
    const lines = (result['groups'] as Group[]).flatMap(({ family, devices }) =>
      devices.map((line) => `${family} ${line}`),
    )
    const expected: readonly RegExp[] = [
      /^esphome ha\/a4cf12a11c01 \(air-quality\): [\d.]+ °C, CO2 \d+ ppm, Humidity \d+ %, PM 2\.5 [\d.]+ µg\/m³/,
      /^esphome ha\/a4cf12a11c02 \(desk-lamp\): off/,
      /^shelly-gen1 shellies\/shellyswitch25-D0A11C: position \d+ %, 0 W/,
      /^shelly-gen2 shellyplus1pm-d0a11cade001: on, [\d.]+ W, [\d.]+ kWh, last seen/,
      /^tasmota tasmota\/tasmota_A11C01 \(Floor Lamp\): on, \d+ W, [\d.]+ kWh, last seen/,
      /^tasmota tasmota\/tasmota_A11C02 \(Greenhouse Heater\): /,
      /^zigbee2mqtt zigbee2mqtt\/bathroom_climate: [\d.]+ °C, humidity \d+ %, \d+ hPa, last seen/,
      /^zigbee2mqtt zigbee2mqtt\/bridge \(Zigbee2MQTT\): /,
      /^zigbee2mqtt zigbee2mqtt\/front_door: (?:open|closed), last seen/,
      /^zigbee2mqtt zigbee2mqtt\/hall_light: o(?:n|ff)/,
      /^zigbee2mqtt zigbee2mqtt\/hall_motion: (?:no )?motion, \d+ lx, last seen/,
      /^zigbee2mqtt zigbee2mqtt\/washing_machine: on, \d+ W, [\d.]+ kWh, last seen/,
    ]
    assert.equal(result['total_devices'], expected.length, lines.join('\n'))
    for (const [index, line] of lines.entries()) assert.match(line, expected[index] ?? /nothing more/)
  })

  test('the filter leaves what has all its words; full adds facts and units', async (context) => {
    const toolkit = await toolkitFor(context, broker)
    const session_id = await establish(toolkit)
    const input = { session_id, filter: 'AIR esphome', detail: 'full', duration: 0.5 }
    const { groups, total_devices } = await toolkit.call('list_devices', input)
    assert.equal(total_devices, 1)
    const [group] = groups as { devices: { id: string; units: object; facts: object; online: boolean }[] }[]
    const [device] = group?.devices ?? []
    assert.equal(device?.id, 'ha/a4cf12a11c01')
    assert.equal(device?.online, true)
    assert.deepEqual(device?.units, { co2: 'ppm', humidity: '%', pm_2_5: 'µg/m³', temperature: '°C' })
    assert.deepEqual(Object.keys(device?.facts ?? {}), ['co2', 'humidity', 'pm_2_5', 'temperature'])
  })

  test('a pattern looks at its topics alone; the limit says what it left out', async (context) => {
    const toolkit = await toolkitFor(context, broker)
    const session_id = await establish(toolkit)
    const input = { session_id, pattern: 'zigbee2mqtt/#', duration: 0.5, limit: 2 }
    const { groups, total_devices, more_devices } = await toolkit.call('list_devices', input)
    assert.deepEqual([total_devices, more_devices], [6, 4])
    assert.equal((groups as Group[])[0]?.devices.length, 2)
  })
})
