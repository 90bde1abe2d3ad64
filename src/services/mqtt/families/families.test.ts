import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { suite, test } from 'node:test'
import type { Device } from './device.ts'
import { createHomeView, type HomeView } from './home-view.ts'
import { describeDevice } from './wording.ts'

const START_MS = Date.UTC(2026, 2, 1, 8)

type Line = readonly [topic: string, payload: unknown, retained?: 'retained']

/** Messages a second apart; objects as JSON. */
function tell(lines: readonly Line[], view: HomeView = createHomeView(), startMs = START_MS) {
  const readings = lines.map(([topic, payload, retained], index) =>
    view.see({
      topic,
      payload: Buffer.isBuffer(payload)
        ? payload
        : Buffer.from(typeof payload === 'string' ? payload : JSON.stringify(payload)),
      retained: retained !== undefined,
      atMs: startMs + index * 1000,
    }),
  )
  const nowMs = startMs + lines.length * 1000
  const words = () => Object.fromEntries(view.devices().map((device) => [device.id, describeDevice(device, nowMs)]))
  return { view, readings, words, device: (id: string) => view.devices().find((device) => device.id === id) }
}

const fixture = (path: string) => readFileSync(new URL(`../fixtures/${path}`, import.meta.url), 'utf8')

suite('families, message by message', () => {
  const cases: Readonly<Record<string, readonly [lines: readonly Line[], words: Readonly<Record<string, string>>]>> = {
    'Zigbee2MQTT: units and ranges come from what the bridge exposes': [
      [
        ['zigbee2mqtt/bridge/state', { state: 'online' }, 'retained'],
        ['zigbee2mqtt/kitchen_plug', { state: 'ON', power: 12.43, energy: 148.27, linkquality: 90 }],
        ['zigbee2mqtt/dimmer', { state: 'ON', brightness: 127 }],
        [
          'zigbee2mqtt/bridge/devices',
          [
            { ieee_address: '0x00', type: 'Coordinator', friendly_name: 'Coordinator' },
            { ieee_address: '0x01', friendly_name: 'kitchen_plug', definition: { vendor: 'Tuya', model: 'TS011F' } },
            {
              ieee_address: '0x02',
              friendly_name: 'dimmer',
              definition: {
                exposes: [
                  {
                    type: 'light',
                    features: [{ name: 'brightness', property: 'brightness', value_max: 254, type: 'numeric' }],
                  },
                ],
              },
            },
          ],
          'retained',
        ],
      ],
      {
        'zigbee2mqtt/bridge': 'bridge: online',
        'zigbee2mqtt/dimmer': 'dimmer: on, brightness 50 %, last seen 2 s ago',
        'zigbee2mqtt/kitchen_plug': 'kitchen plug: on, 12.4 W, 148 kWh, last seen 3 s ago',
      },
    ],
    'Zigbee2MQTT: with the bridge its devices are out of reach; offline since': [
      [
        ['zigbee2mqtt/bridge/devices', [{ ieee_address: '0x01', friendly_name: 'plug' }], 'retained'],
        ['zigbee2mqtt/plug', { state: 'OFF' }],
        ['zigbee2mqtt/bridge/state', 'offline'],
        ['x/y', 'z'],
      ],
      {
        'zigbee2mqtt/bridge': 'bridge: OFFLINE for 2 s',
        'zigbee2mqtt/plug': 'plug: OFFLINE for 2 s, off, last seen 3 s ago',
      },
    ],
    'Zigbee2MQTT: renamed, it keeps what is known; what the bridge does not list is not there': [
      [
        ['zigbee2mqtt/bridge/devices', [{ ieee_address: '0x01', friendly_name: 'a' }], 'retained'],
        ['zigbee2mqtt/a', { contact: false, battery: 12 }],
        ['zigbee2mqtt/gone', { contact: true }],
        ['zigbee2mqtt/bridge/devices', [{ ieee_address: '0x01', friendly_name: 'front door' }]],
      ],
      {
        'zigbee2mqtt/bridge': 'bridge: nothing known yet',
        'zigbee2mqtt/front door': 'front door: open, low battery 12 %, last seen 3 s ago',
      },
    ],
    'Zigbee2MQTT: a base topic of the owner’s, one topic for each property, an error of the log': [
      [
        ['home/z2m/lamp/state', 'ON'],
        ['home/z2m/bridge/info', { coordinator: { type: 'EZSP' }, version: '2.7.2' }, 'retained'],
        ['home/z2m/bridge/logging', { level: 'error', message: "Publish 'set' 'state' to 'lamp' failed: timeout" }],
      ],
      {
        'home/z2m/bridge': 'Zigbee2MQTT: last seen 1 s ago',
        'home/z2m/lamp': "lamp: on, error 1 s ago: Publish 'set' 'state' to 'lamp' failed: timeout, last seen 1 s ago",
      },
    ],
    'Tasmota: a full topic of the owner’s is understood once announced, also what came before': [
      [
        ['home/lamp/say/STATE', { POWER1: 'ON', POWER2: 'OFF' }],
        ['home/lamp/say/LWT', 'weg', 'retained'],
        [
          'tasmota/discovery/AABBCC/config',
          {
            dn: 'Lamp',
            fn: ['Lamp', 'Fan'],
            md: 'Sonoff',
            t: 'lamp',
            ft: 'home/%topic%/%prefix%/',
            tp: ['do', 'answer', 'say'],
            onln: 'da',
            ofln: 'weg',
          },
          'retained',
        ],
        ['home/lamp/say/SENSOR', { Time: 'x', DS18B20: { Id: '1', Temperature: null }, TempUnit: 'C' }],
      ],
      { 'tasmota/home/lamp': 'Lamp: OFFLINE, on, Fan off, temperature unknown, last seen 1 s ago' },
    ],
    'Tasmota: Fahrenheit, two probes, a meter, a refused command, a crash': [
      [
        ['tele/hall/SENSOR', { A: { Temperature: 70 }, B: { Temperature: 71.5, Humidity: 40 }, TempUnit: 'F' }],
        ['tele/meter/SENSOR', { ENERGY: { Total: 1.201, Power: 61, Voltage: 229, Factor: 0.9 } }],
        ['stat/meter/RESULT', { Command: 'Unknown' }],
        ['tele/hall/INFO3', { Info3: { RestartReason: 'Exception' } }],
      ],
      {
        'tasmota/hall':
          'hall: a temperature 70 °F, b temperature 71.5 °F, humidity 40 %, error 1 s ago: restarted: Exception, last seen 1 s ago',
        'tasmota/meter': 'meter: 61 W, 1.2 kWh, error 2 s ago: it answered a command with Unknown, last seen 2 s ago',
      },
    ],
    'Shelly 1: a shutter, a sensor, a relay that switched itself off': [
      [
        ['shellies/announce', { id: 'shutter', model: 'SHSW-25' }],
        ['shellies/shutter/roller/0', 'open'],
        ['shellies/shutter/roller/0/pos', '45'],
        ['shellies/shutter/roller/0/power', '152.00'],
        ['shellies/door/sensor/state', 'open'],
        ['shellies/door/sensor/battery', '9'],
        ['shellies/heater/relay/0', 'overpower'],
        ['shellies/heater/relay/1', 'on'],
        ['shellies/heater/relay/0/energy', '600000'],
        ['shellies/heater/online', 'false'],
      ],
      {
        'shellies/door': 'door: open, low battery 9 %, last seen 5 s ago',
        'shellies/heater':
          'heater: OFFLINE for 1 s, off, state 1 on, 10 kWh, error 4 s ago: it switched off: overpower, last seen 2 s ago',
        'shellies/shutter': 'shutter: position 45 %, 152 W, last seen 7 s ago',
      },
    ],
    'Shelly 2: notifications are laid over the status; a prefix of the owner’s; errors come and go': [
      [
        ['home/kettle/online', 'true', 'retained'],
        ['home/kettle/status/switch:0', { id: 0, output: true, apower: 5, errors: ['overtemp'] }],
        [
          'home/kettle/events/rpc',
          {
            src: 'shellyplus1pm-aabbcc',
            method: 'NotifyStatus',
            params: { ts: 1, 'switch:0': { id: 0, apower: 1890.04 } },
          },
        ],
        ['me/rpc', { id: 1, src: 'shellyplus1pm-aabbcc', error: { code: -103, message: 'Bad argument' } }],
        ['shellyht-112233aabbcc/status/temperature:100', { id: 100, tC: 21.04 }],
        ['shellyht-112233aabbcc/status/devicepower:0', { id: 0, battery: { V: 5, percent: 15 } }],
      ],
      {
        'home/kettle': 'kettle: on, 1890 W, error 3 s ago: Bad argument (-103), last seen 3 s ago',
        'shellyht-112233aabbcc': 'shellyht-112233aabbcc: 21 °C, low battery 15 %, last seen 1 s ago',
      },
    ],
    'Home Assistant discovery: the device form with shared topics, short names and ~': [
      [
        ['boiler/state', { t: 61.24, s: 'ON', deep: { list: [{ v: 3 }] } }],
        [
          'homeassistant/device/boiler/config',
          {
            dev: { ids: ['boiler-1'], name: 'Boiler', mf: 'Acme', mdl: 'B', sa: 'Cellar' },
            o: { name: 'demo' },
            '~': 'boiler',
            avty: [{ t: '~/status', pl_avail: 'up', pl_not_avail: 'down' }],
            stat_t: '~/state',
            cmps: {
              t: { p: 'sensor', dev_cla: 'temperature', unit_of_meas: '°C', val_tpl: '{{ value_json.t | round(1) }}' },
              s: { p: 'switch', name: 'Pump', val_tpl: '{{ value_json.s }}' },
              d: { p: 'sensor', name: 'Depth', val_tpl: "{{ value_json['deep'].list[0]['v'] }}" },
              j: { p: 'sensor', name: 'Trend', val_tpl: '{% if value_json.t > 60 %}hot{% endif %}' },
              gone: { p: 'sensor' },
            },
          },
          'retained',
        ],
        ['boiler/status', 'down'],
      ],
      { 'ha/boiler-1': 'Boiler: OFFLINE for 1 s, on, 61.2 °C, Depth 3, Trend unknown, last seen 3 s ago' },
    ],
    'Home Assistant discovery: light, cover, lock, button; an announcement taken back': [
      [
        ['ha/light/x/lamp/config', { dev: { ids: 'x', name: 'X' }, schema: 'json', stat_t: 'x/lamp', bri_scl: 100 }],
        ['x/lamp', { state: 'ON', brightness: 40 }],
        [
          'ha/cover/y/c/config',
          { dev: { ids: 'y', name: 'Y' }, stat_t: 'y/c', pos_t: 'y/p', pos_open: 0, pos_clsd: 50 },
        ],
        ['y/c', 'opening'],
        ['y/p', '10'],
        ['ha/lock/z/config', { uniq_id: 'z', name: 'Door', stat_t: 'z/l', stat_locked: 'ZU' }],
        ['z/l', 'ZU'],
        ['ha/sensor/old/config', { dev: { ids: 'old' }, stat_t: 'old/v' }],
        ['ha/sensor/old/config', ''],
        [
          'homeassistant/device_automation/b/config',
          {
            dev: { ids: 'b', name: 'Button' },
            atype: 'trigger',
            t: 'b/e',
            pl: '1',
            type: 'button_short_press',
            stype: 'button_1',
          },
        ],
        ['b/e', '1'],
      ],
      {
        'ha/b': 'Button: action button 1 button short press, last seen 1 s ago',
        'ha/x': 'X: on, brightness 40 %, last seen 10 s ago',
        'ha/y': 'Y: opening, position 80 %, last seen 7 s ago',
        'ha/z': 'Door: locked, last seen 5 s ago',
      },
    ],
    'Home Assistant discovery of a device that speaks a known family only tells its room': [
      [
        [
          'homeassistant/switch/0x01/switch/config',
          {
            dev: { ids: ['zigbee2mqtt_0x01'], name: 'plug', sa: 'Kitchen' },
            stat_t: 'zigbee2mqtt/plug',
            val_tpl: '{{ value_json.state }}',
          },
          'retained',
        ],
        ['zigbee2mqtt/plug', { state: 'ON' }],
      ],
      { 'zigbee2mqtt/plug': 'plug: on, last seen 1 s ago' },
    ],
    'ESPHome: what it says in its log': [
      [
        [
          'homeassistant/sensor/node/t/config',
          {
            dev: { ids: 'node', name: 'node', sw: 'esphome v2026.2.0' },
            name: 'PM 2.5',
            dev_cla: 'pm25',
            stat_t: 'node/t',
            avty_t: 'node/status',
          },
        ],
        ['node/t', '8.12', 'retained'],
        ['node/debug', '\u001b[0;31m[E][dht:048]: Communication failed\u001b[0m'],
      ],
      { 'ha/node': 'node: PM 2.5 8.1 µg/m³, error 1 s ago: Communication failed, last seen 1 s ago' },
    ],
    'Homie 5: a lost root takes its children along; alerts; a domain of the owner’s': [
      [
        [
          'home/5/lamp/$description',
          { homie: '5.0', name: 'Lamp', nodes: { l: { properties: { level: { unit: '%' } } } } },
        ],
        ['home/5/lamp/l/level', '42'],
        ['homie/5/root/$state', 'ready'],
        ['homie/5/kid/$description', { homie: '5.0', root: 'root', parent: 'root' }],
        ['homie/5/kid/$state', 'ready'],
        ['homie/5/kid/$alert/battery', 'Battery is low'],
        ['homie/5/root/$state', 'lost'],
      ],
      {
        'home/5/lamp': 'Lamp: level 42 %, last seen 6 s ago',
        'homie/5/kid': 'kid: OFFLINE for 1 s, error 2 s ago: Battery is low, last seen 2 s ago',
        'homie/5/root': 'root: OFFLINE for 1 s, last seen 5 s ago',
      },
    ],
    'Homie 4: an attribute a topic': [
      [
        ['homie/old/$homie', '4.0.0', 'retained'],
        ['homie/old/$name', 'Old one', 'retained'],
        ['homie/old/sensor/temp', '20.5'],
        ['homie/old/sensor/temp/$unit', '°C', 'retained'],
        ['homie/old/$state', 'sleeping', 'retained'],
      ],
      { 'homie/old': 'Old one: temp 20.5 °C, last seen 3 s ago' },
    ],
    'a guess is marked as one, and a device takes the place of a guess': [
      [
        ['garden/shed/temperature', '4.5'],
        ['garden/shed/humidity', '80'],
        ['office/air/state', { co2: 612, status: 'FAULT' }],
        ['misc/text', 'Slaapkamer'],
        ['later/state', { temperature: 20 }],
        [
          'homeassistant/sensor/later/config',
          {
            dev: { ids: 'later', name: 'Later' },
            dev_cla: 'temperature',
            stat_t: 'later/state',
            val_tpl: '{{ value_json.temperature }}',
          },
        ],
      ],
      {
        'garden/shed': 'shed: 4.5 °C, humidity 80 %, last seen 5 s ago, a guess by its topic',
        'ha/later': 'Later: 20 °C, last seen 2 s ago',
        'office/air': 'air: co2 612 ppm, error: FAULT, last seen 4 s ago, a guess by its topic',
      },
    ],
  }
  for (const [name, [lines, words]] of Object.entries(cases))
    test(name, () => {
      assert.deepEqual(tell(lines).words(), words)
    })

  test('announced twice, by its family and to Home Assistant, it is one device before it has said a word', () => {
    const { view } = tell([
      ['homeassistant/sensor/z/config', { dev: { ids: 'z', name: 'plug' }, stat_t: 'zigbee2mqtt/plug' }, 'retained'],
      ['zigbee2mqtt/bridge/devices', [{ ieee_address: '0x01', friendly_name: 'plug' }], 'retained'],
    ])
    assert.deepEqual(
      view.devices().map(({ id }) => id),
      ['zigbee2mqtt/bridge', 'zigbee2mqtt/plug'],
    )
  })

  test('rooms that Home Assistant was told of', () => {
    const config = { dev: { ids: 'z', name: 'plug', sa: 'Kitchen' }, stat_t: 'zigbee2mqtt/plug' }
    const { device } = tell([
      ['homeassistant/switch/z/config', config, 'retained'],
      ['zigbee2mqtt/plug', { state: 'ON' }],
    ])
    assert.equal(device('zigbee2mqtt/plug')?.room, 'Kitchen')
  })

  test('readings: what one message says', () => {
    const { readings } = tell([
      ['zigbee2mqtt/hall_button', { action: 'single', battery: 88 }],
      ['zigbee2mqtt/lamp/set', { state: 'ON' }],
      ['zigbee2mqtt/bridge/response/device/rename', { status: 'error', error: 'no such device', data: {} }],
      ['tele/plug/LWT', 'Offline'],
      ['misc/text', 'hello'],
    ])
    assert.deepEqual(
      readings.map((reading) => reading && [reading.kind, reading.text, reading.online, reading.error]),
      [
        ['event', 'hall button: action single', undefined, undefined],
        ['command', 'lamp: told {"state":"ON"}', undefined, undefined],
        ['response', 'bridge: device/rename: no such device', undefined, 'device/rename: no such device'],
        ['availability', 'plug: OFFLINE', false, undefined],
        undefined,
      ],
    )
  })
})

suite('families, recorded messages', () => {
  interface Recorded {
    readonly topic: string
    readonly retain: boolean
    readonly payload?: string
    readonly payload_base64?: string
    readonly family: string
  }
  const recorded = fixture('synthetic-messages.jsonl')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Recorded)

  test('a message of each family is its family’s', () => {
    const view = createHomeView()
    const others: Readonly<Record<string, string>> = { homie5: 'homie' }
    for (const [index, { topic, retain, family, ...rest }] of recorded.entries()) {
      const payload =
        rest.payload === undefined ? Buffer.from(rest.payload_base64 ?? '', 'base64') : Buffer.from(rest.payload)
      const reading = view.see({ topic, payload, retained: retain, atMs: START_MS + index * 1000 })
      if (reading) assert.equal(reading.family, family === 'edge-cases' ? 'plain' : (others[family] ?? family), topic)
      else assert.match(topic, /^misc\/|sensors$|homeassistant\/status|spBv1.0\/STATE/, `${topic} says nothing`)
    }
    assert.deepEqual(
      view
        .devices()
        .map(({ family, name }) => `${family} ${name}`)
        .sort(),
      [
        'esphome esp-office',
        'homie Super lamp',
        'plain alarm',
        'shelly-gen1 shelly1-ABC123',
        'shelly-gen2 shellyplus1pm-a8032ab00000',
        'sparkplug-b edge1',
        'sparkplug-b pump',
        'tasmota Lamp',
        'zigbee2mqtt bridge',
        'zigbee2mqtt hall_button',
        'zigbee2mqtt kitchen_sensor',
      ],
    )
  })

  test('Sparkplug B: DATA that came before its BIRTH is read when the BIRTH comes; the node’s death is the device’s', () => {
    const bytes = (topic: string) => {
      const found = recorded.find((message) => message.topic === topic)
      return Buffer.from(found?.payload_base64 ?? '', 'base64')
    }
    const at = (topic: string): Line => [`spBv1.0/home/${topic}`, bytes(`spBv1.0/home/${topic}`)]
    const view = createHomeView({ order: 'time' })
    const { device, readings } = tell([at('DDATA/edge1/pump')], view)
    assert.match(readings[0]?.text ?? '', /no BIRTH has named/)
    tell([at('NBIRTH/edge1'), at('DBIRTH/edge1/pump')], view, START_MS - 5000)
    assert.deepEqual(device('spBv1.0/home/edge1/pump')?.facts, { rpm: 1210, temp: 55.5 })
    tell([['spBv1.0/home/NDEATH/edge1', Buffer.alloc(0)]], view, START_MS + 5000)
    assert.equal(device('spBv1.0/home/edge1/pump')?.online, false)
    tell([at('NBIRTH/edge1')], view, START_MS + 6000)
    assert.equal(device('spBv1.0/home/edge1/pump')?.online, false, 'its node is back, it is not yet')
    tell([at('DBIRTH/edge1/pump')], view, START_MS + 7000)
    assert.equal(device('spBv1.0/home/edge1/pump')?.online, true)
  })

  test('real devices by what Zigbee2MQTT exposes of them', () => {
    const models: readonly (readonly [file: string, state: object, words: string])[] = [
      [
        'aqara-wsdcgq12lm',
        { temperature: 21.46, humidity: 40.2, pressure: 1012.8, battery: 80 },
        '21.5 °C, humidity 40 %, 1013 hPa',
      ],
      ['ikea-e1766', { battery: 74, linkquality: 90 }, 'battery 74 %'],
      ['philips-8718696449691', { state: 'ON', brightness: 127, linkquality: 90 }, 'on, brightness 50 %'],
      ['tuya-ts011f_plug_1', { state: 'OFF', power: 0, energy: 148.3, voltage: 231 }, 'off, 0 W, 148 kWh'],
    ]
    const bridge = models.map(([file], index) => ({
      ieee_address: `0x0${index}`,
      friendly_name: file,
      definition: { exposes: JSON.parse(fixture(`zigbee2mqtt-exposes/${file}.json`)) as unknown },
    }))
    const states = models.map(([file, state]): Line => [`zigbee2mqtt/${file}`, state])
    const { device } = tell([['zigbee2mqtt/bridge/devices', bridge, 'retained'], ...states])
    for (const [file, , words] of models) assert.equal(device(`zigbee2mqtt/${file}`)?.text, words, file)
  })

  test('devices that Zigbee2MQTT describes itself: every number with a unit has it', () => {
    const [entry] = JSON.parse(fixture('zigbee2mqtt-bridge/bridge-devices.json')).slice(-1) as {
      friendly_name: string
    }[]
    const { view } = tell([
      ['zigbee2mqtt/bridge/devices', [entry], 'retained'],
      [`zigbee2mqtt/${entry?.friendly_name}`, { temperature: 21.456, humidity: 40.2, battery: 80 }],
    ])
    const device = view.devices().find(({ name }) => name === entry?.friendly_name) as Device
    assert.deepEqual(device.units, { battery: '%', humidity: '%', temperature: '°C' })
    assert.equal(device.text, '21.5 °C, humidity 40 %')
  })
})
