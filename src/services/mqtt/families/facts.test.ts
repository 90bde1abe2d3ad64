import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { Facts, ReadingKind } from './device.ts'
import { createHomeView } from './home-view.ts'
import { readTemplate } from './ha-template.ts'
import { complaintOf } from './vocabulary.ts'

const AT_MS = Date.UTC(2026, 2, 1, 8)

/** What the last of these messages says. */
function last(messages: readonly (readonly [topic: string, payload: unknown])[]) {
  const view = createHomeView()
  const readings = messages.map(([topic, payload]) =>
    view.see({
      topic,
      payload: Buffer.from(typeof payload === 'string' ? payload : JSON.stringify(payload)),
      retained: false,
      atMs: AT_MS,
    }),
  )
  return { reading: readings.at(-1), devices: view.devices() }
}

const SHELLY = 'shellyplus1pm-aabbccddeeff'
const haDevice = (more: object) => ['homeassistant/sensor/h/config', { dev: { ids: 'h', name: 'H' }, ...more }] as const

suite('families, what one message says', () => {
  type Case = readonly [
    messages: readonly (readonly [string, unknown])[],
    kind: ReadingKind,
    facts: Facts,
    error?: string,
  ]
  const cases: Readonly<Record<string, Case>> = {
    'Shelly 1, a button': [
      [['shellies/b/input_event/0', { event: 'SS', event_cnt: 2 }]],
      'event',
      { action: 'double' },
    ],
    'Shelly 1, the second button, long': [
      [['shellies/b/input_event/1', { event: 'L' }]],
      'event',
      { action: '1 long' },
    ],
    'Shelly 1, a bulb': [
      [['shellies/l/light/0/status', { ison: true, brightness: 40, power: 4.2 }]],
      'state',
      { brightness: 40, power: 4.2, state: true },
    ],
    'Shelly 1, motion as 1': [[['shellies/m/sensor/motion', '1']], 'state', { motion: true }],
    'Shelly 1, a shutter that stopped': [[['shellies/r/roller/0', 'stop']], 'state', { movement: 'stopped' }],
    'Shelly 1, no error': [[['shellies/d/sensor/error', '0']], 'state', { sensor_error: null }],
    'Shelly 1, a command': [[['shellies/r/roller/0/command', 'open']], 'command', {}],
    'Shelly 2, all of its status': [
      [
        [
          `${SHELLY}/events/rpc`,
          {
            src: SHELLY,
            method: 'NotifyFullStatus',
            params: { 'switch:1': { output: false, errors: ['overpower'] }, wifi: { rssi: -61 } },
          },
        ],
      ],
      'state',
      { rssi: -61, state_1: false },
      'switch:1 overpower',
    ],
    'Shelly 2, a button': [
      [
        [
          `${SHELLY}/events/rpc`,
          { src: SHELLY, method: 'NotifyEvent', params: { events: [{ component: 'input:0', event: 'single_push' }] } },
        ],
      ],
      'event',
      { action: 'single_push' },
    ],
    'Shelly 2, a command': [[[`${SHELLY}/command/switch:0`, 'on']], 'command', {}],
    'Shelly 2, an answer': [
      [['me/rpc', { id: 1, src: SHELLY, result: { 'switch:0': { output: true } } }]],
      'response',
      { state: true },
    ],
    'Tasmota, state of a light': [
      [['tele/l/STATE', { POWER: 'ON', Dimmer: 55, Wifi: { RSSI: 70, Signal: -60 }, Heap: 25 }]],
      'state',
      { brightness: 55, rssi: -60, state: 'ON' },
    ],
    'Tasmota, a shutter': [
      [['stat/s/RESULT', { Shutter1: { Position: 40, Direction: 0 } }]],
      'state',
      { position: 40 },
    ],
    'Tasmota, a meter of two phases': [
      [['tele/m/SENSOR', { ENERGY: { Power: [10, 20], Total: 3 } }]],
      'state',
      { energy: 3, power: 10, power_2: 20 },
    ],
    'Tasmota, an answer with sensors': [
      [['stat/m/STATUS8', { StatusSNS: { BME280: { DewPoint: 9.5, Pressure: 1010 }, PressureUnit: 'hPa' } }]],
      'response',
      { dew_point: 9.5, pressure: 1010 },
    ],
    'Tasmota, a command': [[['cmnd/m/POWER', 'TOGGLE']], 'command', {}],
    'Zigbee2MQTT, a colour': [
      [['zigbee2mqtt/l', { state: 'ON', color: { x: 0.3, y: 0.4 }, update: { state: 'idle' }, action: '' }]],
      'state',
      { color_x: 0.3, color_y: 0.4, state: 'ON' },
    ],
    'Zigbee2MQTT, something is wrong': [
      [['zigbee2mqtt/bridge/response/permit_join', { status: 'error', error: 'no' }]],
      'response',
      {},
      'permit_join: no',
    ],
    'Homie, its log': [[['homie/5/d/$log/error', 'Out of memory']], 'log', {}, 'Out of memory'],
    'Home Assistant, no value': [
      [haDevice({ stat_t: 'h/s', name: 'Level' }), ['h/s', 'unavailable']],
      'state',
      { level: null },
    ],
    'Home Assistant, attributes at a topic of their own': [
      [haDevice({ stat_t: 'h/s', json_attr_t: 'h/a' }), ['h/a', { Uptime: 5, list: [1] }]],
      'state',
      { uptime: 5 },
    ],
    'Home Assistant, a low battery': [
      [
        [
          'homeassistant/binary_sensor/h/config',
          { dev: { ids: 'h' }, stat_t: 'h/b', dev_cla: 'battery', pl_on: 'low' },
        ],
        ['h/b', 'low'],
      ],
      'state',
      { battery: true },
    ],
    'Home Assistant, an event': [
      [
        ['homeassistant/event/h/config', { dev: { ids: 'h' }, stat_t: 'h/e', name: 'Bell' }],
        ['h/e', 'ring'],
      ],
      'state',
      { bell: 'ring' },
    ],
  }
  for (const [name, [messages, kind, facts, error]] of Object.entries(cases))
    test(name, () => {
      const { reading } = last(messages)
      assert.ok(reading)
      assert.deepEqual([reading.kind, reading.facts, reading.error], [kind, facts, error])
    })

  test('an error of a Shelly is over when its whole status has none', () => {
    const withErrors = [`${SHELLY}/status/switch:0`, { output: true, errors: ['overtemp'] }] as const
    assert.equal(last([withErrors]).devices[0]?.error, 'switch:0 overtemp')
    assert.equal(last([withErrors, [`${SHELLY}/status/switch:0`, { output: true }]]).devices[0]?.error, undefined)
  })

  test('names and models that devices tell', () => {
    const models = last([
      [`me/rpc`, { id: 1, src: SHELLY, result: { app: 'Plus1PM', name: 'Kettle' } }],
      [`${SHELLY}/status/switch:0`, { output: true }],
      [`${SHELLY}/announce`, { app: 'Plus1PM', name: 'Kettle' }],
      ['tele/t/INFO1', { Info1: { Module: 'Sonoff S31' } }],
    ]).devices.map(({ name, model }) => [name, model])
    assert.deepEqual(models, [
      ['Kettle', 'Shelly Plus1PM'],
      ['t', 'Sonoff S31'],
    ])
  })

  test('another topic is no announcement, and a topic of Home Assistant’s own is no device', () => {
    for (const topic of ['app/config', 'a/b/sensor/config', 'my/sensor/x/config', 'homeassistant/status', 'a/5/b/c'])
      assert.equal(last([[topic, { anything: 1 }]]).reading, undefined, topic)
  })
})

suite('facts that complain', () => {
  for (const [name, value, says] of [
    ['fault', true, 'fault'],
    ['fault', 1, 'fault'],
    ['error_code', 7, 'error code 7'],
    ['error', 'E3', 'error E3'],
    ['error', 'none', undefined],
    ['error', 'No Error', undefined],
    ['error', null, undefined],
    ['errors', 0, undefined],
    ['overtemperature', false, undefined],
    ['status', 'FAULT', 'FAULT'],
    ['status', 'ok', undefined],
    ['status', 3, undefined],
    ['terrors', 'x', undefined],
    ['temperature', 'error', undefined],
  ] as const)
    test(`${name}: ${value}`, () => {
      assert.equal(complaintOf(name, value), says)
    })
})

suite('templates of Home Assistant', () => {
  const value = { t: 21.456, deep: { list: [{ v: 'Ab' }] }, text: '3.7' }
  for (const [template, shown] of [
    ['{{ value_json.t }}', 21.456],
    ['{{value_json.t|round(1)}}', 21.5],
    ['{{ value_json.t | float(0) | round }}', 21],
    ["{{ value_json['deep'].list[0]['v'] | lower }}", 'ab'],
    ['{{- value_json.text | int -}}', 3],
    ['{{ value_json.none | default("x") }}', undefined],
    ['{{ value_json.constructor }}', undefined],
    ['{{ value | upper }}', 'RAW'],
  ] as const)
    test(template, () => {
      assert.deepEqual(readTemplate(template)?.({ text: 'raw', value }), shown)
    })
  for (const template of [
    '{% if value %}1{% endif %}',
    '{{ value_json.a + 1 }}',
    '{{ states("x") }}',
    '{{ value | evil }}',
    'x',
  ])
    test(`${template} is beyond this`, () => {
      assert.equal(readTemplate(template), undefined)
    })
})
