import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { createChance } from './chance.ts'
import { createHome } from './home.ts'
import { isRecord, parseJson, type HomeNode, type Message, type Moment } from './node.ts'
import { worldAt } from './world.ts'

const NOON = Date.UTC(2026, 5, 1, 12)
const MINUTE_MS = 60_000

const momentAt = (tick: number, startMs = NOON, seed = 7): Moment => {
  const ms = startMs + tick * 1000
  return { ms, localMs: ms, tick, world: worldAt(ms, createChance(seed)) }
}

/** Everything the home says in so many seconds; no broker, so what devices say to each other is passed on here. */
function listen(seconds: number, seed = 7, startMs = NOON): Message[] {
  const nodes = createHome(seed)
  const said: Message[] = []
  const deliver = (messages: readonly Message[], now: Moment) => {
    said.push(...messages)
    for (const { topic, payload } of messages)
      for (const node of nodes)
        if (node.subscriptions.some((filter) => matches(filter, topic))) deliver(node.receive(topic, payload, now), now)
  }
  for (const node of nodes) deliver(node.birth(momentAt(0, startMs, seed)), momentAt(0, startMs, seed))
  for (let tick = 1; tick <= seconds; tick++) {
    const now = momentAt(tick, startMs, seed)
    for (const node of nodes) if (!node.isAway?.(now)) deliver(node.tick(now), now)
  }
  return said
}

function matches(filter: string, topic: string): boolean {
  const levels = filter.split('/')
  const given = topic.split('/')
  if (levels.at(-1) !== '#' && levels.length !== given.length) return false
  return levels.every((level, at) => level === '#' || level === '+' || level === given[at])
}

const nodeOf = (name: string): HomeNode => {
  const node = createHome(7).find(({ guides }) => guides.some((guide) => guide.name === name))
  assert.ok(node)
  return node
}

suite('the demo home', () => {
  const day = listen(3600)
  const last = new Map(day.map((message) => [message.topic, message]))

  test('is the same for the same seed, and another for another', () => {
    assert.deepEqual(listen(120), listen(120))
    assert.notDeepEqual(listen(120, 8), listen(120))
  })

  test('says a few messages a second at most', () => {
    const births = listen(0).length
    assert.ok((day.length - births) / 3600 < 4, `${(day.length - births) / 3600} messages a second`)
  })

  test('retains nothing outside of what it clears again', () => {
    const roots = createHome(7).flatMap((node) => node.roots)
    for (const { topic, retain } of day)
      if (retain)
        assert.ok(
          roots.some((root) => topic.startsWith(root)),
          topic,
        )
  })

  const STATE = { brightness: 'number', linkquality: 'number', state: 'string', last_seen: 'string' }
  const shapes: Readonly<Record<string, RegExp | Readonly<Record<string, string>>>> = {
    'zigbee2mqtt/bridge/state': { state: 'string' },
    'zigbee2mqtt/bridge/info': { version: 'string', coordinator: 'object', permit_join: 'boolean', network: 'object' },
    'zigbee2mqtt/hall_light': STATE,
    'zigbee2mqtt/hall_light/availability': { state: 'string' },
    'zigbee2mqtt/washing_machine': {
      power: 'number',
      current: 'number',
      voltage: 'number',
      energy: 'number',
      state: 'string',
    },
    'zigbee2mqtt/hall_motion': { occupancy: 'boolean', illuminance: 'number', battery: 'number', voltage: 'number' },
    'zigbee2mqtt/front_door': { contact: 'boolean', battery: 'number' },
    'zigbee2mqtt/bathroom_climate': { temperature: 'number', humidity: 'number', pressure: 'number' },
    'tasmota/discovery/D0A11CA11C01/config': { t: 'string', ft: 'string', tp: 'object', rl: 'object', mac: 'string' },
    'tasmota/discovery/D0A11CA11C01/sensors': { sn: 'object', ver: 'number' },
    'tele/tasmota_A11C01/LWT': /^Online$/,
    'tele/tasmota_A11C01/STATE': { Time: 'string', Uptime: 'string', POWER: 'string', Wifi: 'object' },
    'tele/tasmota_A11C01/SENSOR': { Time: 'string', ENERGY: 'object' },
    'tele/tasmota_A11C02/SENSOR': { Time: 'string', DS18B20: 'object', TempUnit: 'string' },
    'stat/tasmota_A11C01/RESULT': { POWER: 'string' },
    'stat/tasmota_A11C01/POWER': /^(ON|OFF)$/,
    'shellies/announce': { id: 'string', model: 'string', mac: 'string', ip: 'string', fw_ver: 'string' },
    'shellies/shellyswitch25-D0A11C/online': /^true$/,
    'shellies/shellyswitch25-D0A11C/roller/0': /^(open|close|stop)$/,
    'shellies/shellyswitch25-D0A11C/roller/0/pos': /^\d+$/,
    'shellies/shellyswitch25-D0A11C/roller/0/power': /^\d+\.\d\d$/,
    'shellies/shellyswitch25-D0A11C/roller/0/energy': /^\d+$/,
    'shellyplus1pm-d0a11cade001/online': /^true$/,
    'shellyplus1pm-d0a11cade001/status/switch:0': {
      id: 'number',
      output: 'boolean',
      apower: 'number',
      voltage: 'number',
      aenergy: 'object',
      temperature: 'object',
    },
    'shellyplus1pm-d0a11cade001/events/rpc': { src: 'string', dst: 'string', method: 'string', params: 'object' },
    'air-quality/status': /^online$/,
    'air-quality/sensor/co2/state': /^\d+$/,
    'air-quality/sensor/pm_2_5/state': /^\d+\.\d$/,
    'homeassistant/sensor/air-quality/co2/config': {
      uniq_id: 'string',
      stat_t: 'string',
      avty_t: 'string',
      dev: 'object',
    },
    'homeassistant/light/desk-lamp/desk_lamp/config': { schema: 'string', cmd_t: 'string', stat_t: 'string' },
    'desk-lamp/light/desk_lamp/state': { state: 'string', brightness: 'number', color: 'object', color_mode: 'string' },
  }
  for (const [topic, shape] of Object.entries(shapes))
    test(`${topic} has the shape of a real one`, () => {
      const payload = last.get(topic)?.payload
      assert.ok(payload !== undefined, 'was published')
      if (shape instanceof RegExp) return assert.match(payload, shape)
      const value = parseJson(payload)
      assert.ok(isRecord(value))
      for (const [key, type] of Object.entries(shape)) assert.equal(typeof value[key], type, key)
    })

  test('bridge/devices lists the coordinator and every device, with what each exposes', () => {
    const devices = parseJson(last.get('zigbee2mqtt/bridge/devices')?.payload ?? '') as {
      type: string
      friendly_name: string
      definition: { exposes: { property?: string; features?: { property: string }[] }[] } | null
    }[]
    assert.equal(devices[0]?.type, 'Coordinator')
    for (const { friendly_name: name, definition } of devices.slice(1)) {
      const exposed = definition?.exposes.flatMap(
        ({ property, features }) => property ?? features?.map((f) => f.property),
      )
      const payload = parseJson(last.get(`zigbee2mqtt/${name}`)?.payload ?? '') as object
      for (const key of Object.keys(payload))
        if (key !== 'last_seen') assert.ok(exposed?.includes(key), `${name}.${key}`)
    }
  })

  test('motion lights the hall, and the light goes out again', () => {
    const states = day.flatMap(({ topic, payload }) =>
      topic === 'zigbee2mqtt/hall_light' ? [(parseJson(payload) as { state: string }).state] : [],
    )
    assert.ok(states.includes('ON') && states.lastIndexOf('OFF') > states.indexOf('ON'))
  })

  test('after dark, motion lights the floor lamp too, and its plug measures that', () => {
    const night = listen(1800, 7, Date.UTC(2026, 0, 1, 19))
    const powers = night.flatMap(({ topic, payload }) =>
      topic === 'tele/tasmota_A11C01/SENSOR'
        ? [(parseJson(payload) as { ENERGY: { Power: number } }).ENERGY.Power]
        : [],
    )
    assert.ok(powers.includes(0) && powers.some((watts) => watts > 38), String(powers))
  })

  test('dusk closes the shutter', () => {
    const evening = listen(4 * 3600, 7, Date.UTC(2026, 2, 20, 15))
    const positions = evening.filter(({ topic }) => topic.endsWith('/roller/0/pos')).map(({ payload }) => payload)
    assert.equal(positions[0], '100')
    assert.equal(positions.at(-1), '0')
  })

  test('the flaky one goes and comes, and its probe sometimes fails', () => {
    const flaky = nodeOf('Greenhouse Heater')
    const away = new Set(Array.from({ length: 1800 }, (_, tick) => flaky.isAway?.(momentAt(tick))))
    assert.deepEqual([...away].sort(), [false, true])
    const readings = day.flatMap(({ topic, payload }) =>
      topic === 'tele/tasmota_A11C02/SENSOR'
        ? [(parseJson(payload) as { DS18B20: { Temperature: number | null } }).DS18B20.Temperature]
        : [],
    )
    assert.ok(readings.includes(null) && readings.includes(85), String(readings))
  })
})

suite('a plausible day', () => {
  const chance = createChance(7)
  const at = (hour: number) => worldAt(Date.UTC(2026, 5, 1) + hour * 60 * MINUTE_MS, chance)
  const hours = Array.from({ length: 24 * 12 }, (_, slot) => at(slot / 12))

  test('the sun is up at noon and down at midnight', () => {
    assert.ok(at(12.5).daylight > 0.9)
    assert.equal(at(0).daylight, 0)
    assert.ok(worldAt(Date.UTC(2026, 11, 21, 12), chance).daylight < 0.6)
  })

  test('every value stays in its range', () => {
    for (const world of hours) {
      assert.ok(world.indoorCelsius > 17 && world.indoorCelsius < 25, `${world.indoorCelsius} °C`)
      assert.ok(world.bathroomHumidity > 30 && world.bathroomHumidity < 100)
      assert.ok(world.co2Ppm > 350 && world.co2Ppm < 1400)
      assert.ok(world.pm25 > 0 && world.mainsVolts > 220 && world.kitchenWatts > 0)
    }
  })

  test('the washing machine heats, and rests between washes', () => {
    const watts = hours.map((world) => world.washerWatts)
    assert.ok(Math.max(...watts) > 1800)
    assert.ok(Math.min(...watts) < 2)
  })

  test('fewer people walk about at night', () => {
    const moving = (from: number) =>
      Array.from({ length: 720 }, (_, slot) => at(from + slot / 240)).filter((world) => world.hallMotion).length
    assert.ok(moving(17.5) > 4 * moving(1.5))
  })
})

suite('devices answer commands', () => {
  const SHUTTER = 'shellies/shellyswitch25-D0A11C'
  const RELAY = 'shellyplus1pm-d0a11cade001'
  /** The topic's answers after one command, as `topic payload` lines that match. */
  const table: readonly (readonly [string, string, string, readonly RegExp[]])[] = [
    [
      'hall_light',
      'zigbee2mqtt/hall_light/set',
      '{"state":"on","brightness":40}',
      [/hall_light .*"brightness":40.*"state":"ON"/],
    ],
    ['hall_light', 'zigbee2mqtt/hall_light/set', 'TOGGLE', [/hall_light .*"state":"ON"/]],
    ['hall_light', 'zigbee2mqtt/hall_light/set/brightness', '999', [/"brightness":254/]],
    [
      'hall_light',
      'zigbee2mqtt/hall_light/set',
      '{"brightness":"x"}',
      [/bridge\/logging .*"level":"error".*must be a number/],
    ],
    ['hall_light', 'zigbee2mqtt/hall_light/set', '{"colour":1}', [/bridge\/logging .*no converter/]],
    ['hall_light', 'zigbee2mqtt/hall_light/set', '{"state"', [/Invalid JSON/]],
    ['hall_light', 'zigbee2mqtt/attic/set', '{"state":"ON"}', [/Entity 'attic' is unknown/]],
    ['hall_light', 'zigbee2mqtt/front_door/set', '{"contact":true}', [/no converter/]],
    ['hall_light', 'zigbee2mqtt/front_door/get', '{"contact":""}', [/zigbee2mqtt\/front_door .*"contact":true/]],
    [
      'hall_light',
      'zigbee2mqtt/bridge/request/permit_join',
      '{"time":60,"transaction":"t1"}',
      [
        /bridge\/info .*"permit_join":true/,
        /response\/permit_join {"data":{"time":60},"status":"ok","transaction":"t1"}/,
      ],
    ],
    [
      'hall_light',
      'zigbee2mqtt/bridge/request/permit_join',
      '{}',
      [/logging/, /"data":{},"error":"Invalid payload","status":"error"}/],
    ],
    [
      'hall_light',
      'zigbee2mqtt/bridge/request/health_check',
      '',
      [/health_check {"data":{"healthy":true},"status":"ok"}/],
    ],
    [
      'hall_light',
      'zigbee2mqtt/bridge/request/device/rename',
      '{"from":"hall_light","to":"lamp"}',
      [/bridge\/devices .*"friendly_name":"lamp"/, /hall_light\/availability $/, /lamp\/availability/, /"status":"ok"/],
    ],
    [
      'hall_light',
      'zigbee2mqtt/bridge/request/device/rename',
      '{"from":"x","to":"y"}',
      [/logging/, /'x' does not exist/],
    ],
    ['hall_light', 'zigbee2mqtt/bridge/request/constructor', '{}', []],
    ['Floor Lamp', 'cmnd/tasmota_A11C01/Power', 'toggle', [/RESULT {"POWER":"ON"}/, /stat\/tasmota_A11C01\/POWER ON/]],
    ['Floor Lamp', 'cmnd/tasmota_A11C01/POWER', '', [/RESULT {"POWER":"OFF"}/, /POWER OFF/]],
    ['Floor Lamp', 'cmnd/tasmota_A11C01/POWER', 'maybe', [/RESULT {"POWER":"OFF"}/, /POWER OFF/]],
    ['Floor Lamp', 'cmnd/tasmota_A11C01/STATUS', '8', [/STATUS8 {"StatusSNS":{"Time":.*"ENERGY"/]],
    ['Floor Lamp', 'cmnd/tasmota_A11C01/TelePeriod', '5', [/RESULT {"TelePeriod":10}/, /STATE/, /SENSOR/]],
    ['Floor Lamp', 'cmnd/tasmota_A11C01/TelePeriod', 'x', [/RESULT {"Command":"Error"}/]],
    ['Floor Lamp', 'cmnd/tasmota_A11C01/Foo', '', [/RESULT {"Command":"Unknown"}/]],
    [
      'shellyswitch25-D0A11C',
      `${SHUTTER}/roller/0/command`,
      'close',
      [/roller\/0 close/, /pos 100/, /power 152\.00/, /energy/, /temperature/],
    ],
    ['shellyswitch25-D0A11C', `${SHUTTER}/roller/0/command`, 'fly', []],
    ['shellyswitch25-D0A11C', `${SHUTTER}/roller/0/command/pos`, '101', []],
    [
      'shellyswitch25-D0A11C',
      'shellies/command',
      'announce',
      [/shellies\/announce .*SHSW-25/, /announce .*"mode":"roller"/],
    ],
    [
      RELAY,
      `${RELAY}/rpc`,
      '{"id":7,"src":"me","method":"Switch.Set","params":{"id":0,"on":false}}',
      [
        /^me\/rpc {"id":7,"src":"shellyplus1pm-d0a11cade001","dst":"me","result":{"was_on":true}}/,
        /NotifyStatus.*"output":false/,
        /status\/switch:0 .*"output":false.*"apower":0/,
      ],
    ],
    [
      RELAY,
      `${RELAY}/rpc`,
      '{"id":1,"src":"me","method":"Foo.Bar"}',
      [/"error":{"code":404,"message":"No handler for Foo.Bar"}/],
    ],
    [RELAY, `${RELAY}/rpc`, '{"id":1,"src":"me","method":"Switch.Set","params":{"id":4,"on":true}}', [/"code":-105/]],
    [RELAY, `${RELAY}/rpc`, '{"id":1,"src":"me","method":"Switch.Set","params":{"id":0,"on":"x"}}', [/"code":-103/]],
    [RELAY, `${RELAY}/rpc`, '{"id":1,"src":"a/+","method":"Shelly.GetStatus"}', []],
    [RELAY, `${RELAY}/rpc`, '{"id":1,"result":{}}', []],
    [RELAY, `${RELAY}/rpc`, 'nonsense', []],
    [RELAY, `${RELAY}/command/switch:0`, 'off', [/NotifyStatus/, /status\/switch:0/]],
    [
      'desk-lamp',
      'desk-lamp/light/desk_lamp/command',
      '{"state":"ON","brightness":300,"color":{"r":1}}',
      [/state {"state":"ON","color_mode":"rgb","brightness":255,"color":{"r":1,"g":214,"b":170}}/],
    ],
    ['desk-lamp', 'desk-lamp/light/desk_lamp/command', '{"state":"BRIGHT"}', [/debug .*Invalid state/]],
    ['desk-lamp', 'desk-lamp/light/desk_lamp/command', 'ON', [/debug .*JSON parse error/]],
    ['desk-lamp', 'homeassistant/status', 'online', [/homeassistant\/light\/desk-lamp/, /desk_lamp\/state/]],
  ]
  for (const [name, topic, payload, expected] of table)
    test(`${topic} ${payload}`, () => {
      const node = nodeOf(name)
      node.birth(momentAt(0))
      const lines = node.receive(topic, payload, momentAt(1)).map((message) => `${message.topic} ${message.payload}`)
      assert.equal(lines.length, expected.length, lines.join('\n'))
      for (const [at, pattern] of expected.entries()) assert.match(lines[at] ?? '', pattern)
    })

  test('a shutter takes its time, and stops where it was told', () => {
    const shutter = nodeOf('shellyswitch25-D0A11C')
    shutter.receive(`${SHUTTER}/roller/0/command/pos`, '50', momentAt(0))
    const said = Array.from({ length: 12 }, (_, tick) => shutter.tick(momentAt(tick + 1))).flat()
    assert.deepEqual(said.at(-1), { topic: `${SHUTTER}/roller/0/stop_reason`, payload: 'normal' })
    assert.equal(said.findLast(({ topic }) => topic.endsWith('/pos'))?.payload, '50')
  })

  test('a renamed device listens to its new name only', () => {
    const bridge = nodeOf('hall_light')
    bridge.receive('zigbee2mqtt/bridge/request/device/rename', '{"from":"hall_light","to":"lamp"}', momentAt(0))
    assert.match(bridge.receive('zigbee2mqtt/lamp/set', 'ON', momentAt(1))[0]?.payload ?? '', /"state":"ON"/)
    assert.match(bridge.receive('zigbee2mqtt/hall_light/set', 'ON', momentAt(1))[0]?.payload ?? '', /unknown/)
    assert.ok(bridge.guides.some(({ name }) => name === 'lamp'))
  })

  test('toggle_after switches back', () => {
    const relay = nodeOf(RELAY)
    const call = '{"id":1,"src":"me","method":"Switch.Set","params":{"id":0,"on":false,"toggle_after":3}}'
    relay.receive(`${RELAY}/rpc`, call, momentAt(0))
    assert.ok(!relay.tick(momentAt(2)).some(({ payload }) => payload.includes('"output":true')))
    assert.ok(relay.tick(momentAt(3)).some(({ payload }) => payload.includes('"output":true')))
  })
})
