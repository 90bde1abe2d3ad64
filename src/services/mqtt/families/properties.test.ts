import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import { createChance } from '../../demo/chance.ts'
import { createHome } from '../../demo/home.ts'
import { worldAt } from '../../demo/world.ts'
import type { HomeMessage } from './heard.ts'
import { createHomeView } from './home-view.ts'
import { describeDevice } from './wording.ts'

const START_MS = Date.UTC(2026, 5, 1, 18)

const level = fc.oneof(
  fc.constantFrom(
    '',
    ...(
      'zigbee2mqtt bridge devices info availability set tele stat LWT SENSOR STATE tasmota discovery ' +
      'config shellies relay 0 events rpc status switch:0 online homeassistant sensor light device x ' +
      'homie 5 $state $description $unit announce spBv1.0 NBIRTH DBIRTH NDATA temperature state ' +
      '__proto__ constructor'
    ).split(' '),
  ),
  fc.string({ maxLength: 6 }),
)
const topic = fc.array(level, { minLength: 1, maxLength: 6 }).map((levels) => levels.join('/'))

const key = fc.oneof(
  fc.constantFrom(
    '',
    ...(
      'dev ids name stat_t avty avty_t val_tpl json_attr_t ~ cmps p t ft tp POWER ENERGY Temperature ' +
      'params method src result error switch:0 errors state ieee_address friendly_name definition ' +
      'exposes features property unit level message nodes properties parent homie last_seen action ' +
      '__proto__ constructor toString'
    ).split(' '),
  ),
  fc.string({ maxLength: 4 }),
)
const word = fc.constantFrom(
  'x',
  '~/y',
  'sensor',
  'NotifyStatus',
  '{{ value_json.x }}',
  '{{',
  '%prefix%/%topic%',
  'online',
)
const value = fc.letrec((tie) => ({
  any: fc.oneof(
    { depthSize: 'small' },
    fc.oneof(word, fc.string({ maxLength: 8 }), fc.double(), fc.boolean(), fc.constant(null)),
    fc.array(tie('any'), { maxLength: 4 }),
    fc.dictionary(key, tie('any'), { maxKeys: 6, noNullPrototype: false }),
  ),
})).any

const payload = fc.oneof(
  value.map((any) => Buffer.from(JSON.stringify(any) ?? '')),
  fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
  fc.constantFrom('online', 'Offline', '21.5', 'ON', '').map((text) => Buffer.from(text)),
)
const message = fc.record<HomeMessage>({
  topic,
  payload,
  retained: fc.boolean(),
  atMs: fc.oneof(
    fc.nat(1e6).map((ms) => START_MS + ms),
    fc.constantFrom(0, -1e15, 8e15),
  ),
})

/** A discovery configuration of anything, at the topics that configurations are read from. */
const announcement = fc
  .tuple(fc.constantFrom('sensor', 'light', 'cover', 'device', 'device_automation'), value, topic)
  .map(([platform, any, stateTopic]): HomeMessage => {
    const config = typeof any === 'object' && !Array.isArray(any) ? { ...any } : {}
    const payload = Buffer.from(JSON.stringify({ stat_t: stateTopic, cmps: { a: config }, ...config }))
    return { topic: `homeassistant/${platform}/x/config`, payload, retained: true, atMs: START_MS }
  })

suite('families, whatever comes', () => {
  test('any bytes on any topic: no throw, and no more devices than allowed', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(message, announcement), { maxLength: 30 }), (messages) => {
        const view = createHomeView({ maxDevices: 10 })
        for (const each of messages) view.see(each)
        const devices = view.devices()
        assert.ok(devices.length <= 10)
        for (const device of devices) assert.equal(typeof describeDevice(device, START_MS), 'string')
      }),
      { numRuns: 300 },
    )
  })

  test('configurations that refer to themselves and to each other end', () => {
    const view = createHomeView()
    const config = (name: string, other: string) => ({
      topic: `homeassistant/sensor/${name}/config`,
      payload: Buffer.from(
        JSON.stringify({
          dev: { ids: name, via_device: other },
          stat_t: `homeassistant/sensor/${other}/config`,
          avty_t: `homeassistant/sensor/${name}/config`,
          json_attr_t: '~',
          '~': '~~',
        }),
      ),
      retained: true,
      atMs: START_MS,
    })
    for (const each of [config('a', 'b'), config('b', 'a'), config('a', 'a'), config('b', 'b'), config('a', 'b')])
      view.see(each)
    assert.deepEqual(
      view.devices().map(({ id }) => id),
      ['ha/a', 'ha/b'],
    )
    const children = ['x', 'y'].map((id) => ({
      topic: `homie/5/${id}/$description`,
      payload: Buffer.from(JSON.stringify({ homie: '5.0', parent: id === 'x' ? 'y' : 'x' })),
      retained: true,
      atMs: START_MS,
    }))
    for (const each of children) view.see(each)
    assert.equal(view.devices().length, 4)
  })

  test('deep JSON, thousands of members, topics of 65,535 bytes', () => {
    const view = createHomeView()
    const members = Object.fromEntries(Array.from({ length: 5000 }, (_, index) => [`m${index}`, index]))
    const hostile: readonly (readonly [string, string])[] = [
      ['zigbee2mqtt/deep', `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`],
      ['zigbee2mqtt/array', '['.repeat(200_000)],
      ['zigbee2mqtt/wide', JSON.stringify(members)],
      [`zigbee2mqtt/${'x'.repeat(65_000)}`, '{"state":"ON"}'],
      ['x/'.repeat(32_000), '{"temperature":1}'],
      [`shellies/a/${'b/'.repeat(1000)}`, '1'],
    ]
    for (const [topic, text] of hostile)
      view.see({ topic, payload: Buffer.from(text), retained: false, atMs: START_MS })
    const wide = view.devices().find(({ id }) => id === 'zigbee2mqtt/wide')
    assert.ok(wide && Object.keys(wide.facts).length <= 256)
  })

  test('devices, facts and announcements without end stay within bounds', () => {
    const view = createHomeView()
    const text = 'x'.repeat(300)
    const members = Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`m${index}`, text]))
    for (let number = 0; number < 1000; number++) {
      const payload = Buffer.from(JSON.stringify(members))
      view.see({ topic: `zigbee2mqtt/d${number}`, payload, retained: false, atMs: START_MS })
    }
    const devices = view.devices()
    const facts = devices.reduce((sum, device) => sum + Object.keys(device.facts).length, 0)
    assert.ok(facts >= 50_000 && facts <= 50_256, `${facts} facts`)
    assert.ok(devices.every((device) => Object.values(device.facts).every((fact) => String(fact).length <= 200)))
  })

  test('the same messages in any order end in the same devices', () => {
    const messages = tenMinutes()
    const inOrder = devicesOf(messages, 'time')
    assert.equal(inOrder.length, 12)
    fc.assert(
      fc.property(fc.shuffledSubarray(messages, { minLength: messages.length }), (shuffled) => {
        assert.deepEqual(devicesOf(shuffled, 'time'), inOrder)
      }),
      { numRuns: 15 },
    )
  })

  test('declarations anywhere among the states end in the same devices', () => {
    const isDeclaration = ({ topic }: HomeMessage) => /\/config$|bridge\/(?:devices|info)$|announce$/.test(topic)
    const messages = tenMinutes().slice(0, 200)
    const states = messages.filter((message) => !isDeclaration(message))
    const declarations = messages.filter(isDeclaration)
    const inOrder = devicesOf(messages, 'arrival')
    fc.assert(
      fc.property(fc.array(fc.nat(states.length), { minLength: 20, maxLength: 20 }), (places) => {
        const mixed = [...states]
        for (const [index, declaration] of declarations.entries()) mixed.splice(places[index % 20] ?? 0, 0, declaration)
        assert.deepEqual(devicesOf(mixed, 'arrival'), inOrder)
      }),
      { numRuns: 15 },
    )
  })

  test('a clock that jumps back does not hide what comes after', () => {
    const view = createHomeView()
    const say = (topic: string, text: string, atMs: number) =>
      view.see({ topic, payload: Buffer.from(text), retained: false, atMs })
    say('stat/plug/POWER', 'ON', START_MS)
    say('tele/plug/STATE', '{"POWER":"OFF"}', START_MS - 3_600_000)
    const [plug] = view.devices()
    assert.equal(plug && describeDevice(plug, START_MS - 3_599_000), 'plug: off, last seen 1 s ago')
  })
})

function devicesOf(messages: readonly HomeMessage[], order: 'arrival' | 'time') {
  const view = createHomeView({ order })
  for (const each of messages) view.see(each)
  return view.devices()
}

/** What the demo home says at its start and in ten minutes, each message at a moment of its own. */
function tenMinutes(): HomeMessage[] {
  const chance = createChance(7)
  const messages: HomeMessage[] = []
  const nodes = createHome(7)
  for (let tick = 0; tick <= 600; tick += 5) {
    const ms = START_MS + tick * 1000
    const now = { ms, localMs: ms, tick, world: worldAt(ms, chance) }
    for (const node of nodes)
      for (const { topic, payload, retain } of tick === 0 ? node.birth(now) : node.tick(now))
        // Live, as for who has listened from the beginning: the will of a device is not among them.
        messages.push({
          topic,
          payload: Buffer.from(payload),
          retained: retain === true && tick === 0,
          atMs: ms + (messages.length % 5000),
        })
  }
  return messages
}
