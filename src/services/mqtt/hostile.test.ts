import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import type { IPublishPacket } from 'mqtt'
import type { Clock } from '../../kernel/clock.ts'
import { publishPacket } from '../../testing/mqtt-connection.ts'
import { createCollector } from './collector.ts'
import { createDecoder } from './decode/decode.ts'
import { createHomeView } from './families/home-view.ts'
import { createRedactor } from './guard/redaction.ts'
import { createLiveIndex } from './index/live-index.ts'
import { messageOf, payloadOf } from './message.ts'
import { errorSign } from './sample/error-sign.ts'
import { createSampler } from './sample/sampler.ts'
import { createSchema, renderSchema } from './schema/statistics.ts'

/** A wall clock that jumps to and fro by days, as one does that finds its time server late. */
function jumpyClock(): Clock {
  let calls = 0
  return {
    now: () => Date.UTC(2026, 0, 1) + (JUMPS_MS[calls++ % JUMPS_MS.length] ?? 0),
    monotonic: () => calls,
    after: () => () => undefined,
  }
}

const JUMPS_MS = [0, 86_400_000, -31 * 86_400_000]

const INDEX_BYTES = 4 * 1024 * 1024
const SAMPLE_BYTES = 1024 * 1024
const RESULT_BYTES = 16_384

/** All that ever looks at a message, one after the other; what each may hold is asserted at the end. */
function everything() {
  const clock = jumpyClock()
  const redactor = createRedactor([{ topic: 'home/#', path: 'a.*.b' }])
  const decoder = createDecoder()
  const home = createHomeView({ maxDevices: 50 })
  const index = createLiveIndex({ clock, maxTopics: 100, maxBytes: INDEX_BYTES })
  const sampler = createSampler({ clock, maxMessages: 50, maxPayloadBytes: RESULT_BYTES, maxBytes: SAMPLE_BYTES })
  const collector = createCollector({ maxMessages: 1000, maxBytes: 1024 * 1024 }, clock)
  const schema = createSchema()
  return {
    take(packet: IPublishPacket) {
      const { topic, retain: retained } = packet
      const { payload } = redactor.payload(topic, payloadOf(packet))
      const clean: IPublishPacket = { ...packet, payload }
      const decoded = decoder.decode(topic, payload)
      home.see({ topic, payload, retained, atMs: clock.now() }, decoded)
      errorSign(topic, decoded)
      schema.add(decoded, clock.now())
      for (const sink of [index, sampler, collector]) sink.accept(clean)
      messageOf({ packet: clean, atMs: clock.now() }, RESULT_BYTES)
    },
    check() {
      sampler.finish()
      assert.ok(index.size() <= 100)
      assert.ok(index.bytes() <= INDEX_BYTES)
      assert.ok(home.devices().length <= 50)
      const long = sampler.best(50).filter(({ bytes }) => bytes > 2 * RESULT_BYTES + 65_535)
      assert.ok(long.length <= 1, 'only the last message is kept whole')
      assert.ok(JSON.stringify(renderSchema(schema)).length < 1_000_000)
      for (const device of home.devices()) assert.ok(device.text.length < 10_000)
    },
  }
}

const MEGABYTE = 1_000_000
const levels = (count: number, name = 'l') => Array.from({ length: count }, () => name).join('/')
const laughs = `<!DOCTYPE l [<!ENTITY a "ha">${Array.from({ length: 20 }, (_, n) => `<!ENTITY a${n} "${'&a;'.repeat(10)}">`).join('')}]><l>&a19;</l>`

const TOPICS: readonly (readonly [string, string])[] = [
  ['65,535 bytes', 'x'.repeat(65_535)],
  ['1,000 levels', levels(1000)],
  ['65,535 empty levels', '/'.repeat(65_535)],
  ['1,000 levels of Zigbee2MQTT', `zigbee2mqtt/${levels(1000)}/availability`],
  ['1,000 levels of discovery', `homeassistant/sensor/${levels(1000)}/config`],
  ['NUL', 'a\0b/\0'],
  ['replaced invalid UTF-8', 'a\ufffd/\ufffd'],
  ['control characters', 'a\u001b[31m/\u202e\r\n'],
  ['names of prototypes', '__proto__/constructor/hasOwnProperty'],
  ['wildcards', '+/#'],
  ['nothing', ''],
]

const PAYLOADS: readonly (readonly [string, string | Buffer])[] = [
  ['NULs', Buffer.alloc(MEGABYTE)],
  ['invalid UTF-8', Buffer.from([0x7b, 0x22, 0xc3, 0x28, 0xff, 0x22, 0x7d])],
  ['deep arrays', '['.repeat(MEGABYTE)],
  ['deep objects, closed', `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`],
  ['deep secrets', `${'{"password":'.repeat(50_000)}1${'}'.repeat(50_000)}`],
  ['one member 50,000 times', `{${'"a":1,'.repeat(50_000)}"a":2}`],
  ['20,000 members', `{${Array.from({ length: 20_000 }, (_, n) => `"m${n}":${n}`).join(',')}}`],
  ['members of prototypes', '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}'],
  ['numbers beyond any', `{"a":1e999,"b":-1e999,"c":${'9'.repeat(10_000)}}`],
  ['a string that is not closed', `{"a":"${'\\'.repeat(MEGABYTE)}`],
  ['an XML bomb', laughs],
  ['deep XML', '<a>'.repeat(300_000)],
  ['XML attributes', `<a ${'b="c" '.repeat(100_000)}>`],
  ['an XML comment that is not closed', `<a><!--${'-'.repeat(MEGABYTE)}`],
  ['a compressed bomb', gzipSync(Buffer.alloc(100 * MEGABYTE))],
  ['a bomb in a bomb', gzipSync(gzipSync(Buffer.alloc(10 * MEGABYTE)))],
  ['one line of CSV', ','.repeat(MEGABYTE)],
  ['CSV of quotes', '"'.repeat(MEGABYTE)],
  ['settings', 'a=b;'.repeat(250_000)],
  ['JSON lines', '{}\n'.repeat(100_000)],
  ['17 megabytes of text', Buffer.alloc(17 * MEGABYTE, 'password ')],
  ['spaces', ' '.repeat(MEGABYTE)],
  ['surrogates', '"\\ud800\\udc00\\ud800"'],
]

/** What families take for their own, wrong in itself. */
const STORIES: readonly (readonly [string, readonly (readonly [string, string | Buffer])[]])[] = [
  [
    'a discovery config that refers to itself',
    [
      [
        'homeassistant/sensor/loop/config',
        '{"~":"~/~","stat_t":"~","dev":{"ids":["loop"],"via_device":"loop"},"availability":[{"topic":"~"},{"topic":"homeassistant/sensor/loop/config"}],"state_topic":"homeassistant/sensor/loop/config","value_template":"{{ value_json.value_template }}"}',
      ],
      ['homeassistant/sensor/loop/config', '{"~":"~/~","state_topic":"homeassistant/sensor/loop/config"}'],
    ],
  ],
  [
    'two devices that are each other’s parents',
    ['a', 'b'].map((id) => [
      `homeassistant/device/${id}/config`,
      JSON.stringify({
        dev: { ids: [id], via_device: id === 'a' ? 'b' : 'a' },
        cmps: { x: { p: 'sensor', stat_t: 'x' } },
      }),
    ]),
  ],
  [
    'Sparkplug with aliases that nobody gave',
    [
      ['spBv1.0/g/NDATA/n', Buffer.from('0a060a005802200a', 'hex')],
      ['spBv1.0/g/DDATA/n/d', Buffer.from([0x12, 0x04, 0x10, 0xff, 0xff, 0x7f])],
      ['spBv1.0/g/NBIRTH/n', Buffer.alloc(100_000, 0x12)],
      ['spBv1.0/g/NBIRTH/n', Buffer.from([0x12, 0xff, 0xff, 0xff, 0xff, 0x0f])],
      ['spBv1.0/g/NBIRTH/n', Buffer.alloc(10, 0xff)],
    ],
  ],
  [
    'a bridge that lists nonsense',
    [
      [
        'zigbee2mqtt/bridge/devices',
        '[null,1,"x",{"ieee_address":{}},{"friendly_name":["a"],"definition":{"exposes":[[[]],{"features":[{"features":null}]}]}}]',
      ],
      ['zigbee2mqtt/bridge/state', '{"state":{"state":{}}}'],
      ['zigbee2mqtt/bridge/devices', `[${'{"friendly_name":"same","ieee_address":"0x1"},'.repeat(20_000)}{}]`],
    ],
  ],
  [
    'Tasmota, Shelly and Homie out of their minds',
    [
      [
        'tasmota/discovery/AABB/config',
        '{"t":null,"ft":"%prefix%%prefix%%topic%","tp":[1,2,3],"fn":{"a":1},"sho":[[[]]]}',
      ],
      ['tele/x/STATE', '{"Time":"99999-99-99","Wifi":[],"POWER":{"POWER":{"POWER":1}}}'],
      ['shelly/rpc', '{"id":1e400,"src":[],"method":"NotifyStatus","params":{"switch:0":{"switch:0":null}}}'],
      ['shellies/announce', '{"id":null,"mac":7}'],
      [
        'homie/5/d/$description',
        '{"nodes":{"n":{"properties":{"p":{"format":"0:0:0:0","datatype":"float"}}}},"children":["d"],"parent":"d","root":"d"}',
      ],
      ['homie/5/d/n/p', 'NaN'],
    ],
  ],
  [
    'more devices and topics than anything may hold',
    Array.from({ length: 3000 }, (_, n) => [`tele/plug${n}/LWT`, n % 2 === 0 ? 'Online' : 'Offline'] as const),
  ],
]

/** Long enough for a slow machine, and far too short for anything that is not linear. */
const PATIENCE = { timeout: 60_000 }

suite('hostile messages are looked at by everything, in bounded time and memory', () => {
  for (const [name, topic] of TOPICS)
    test(`topic: ${name}`, PATIENCE, () => {
      const all = everything()
      for (const payload of ['on', '{"state":"ON","status":"FAULT"}', '', 'offline'])
        all.take(publishPacket(topic, payload))
      all.check()
    })

  for (const [name, payload] of PAYLOADS)
    test(`payload: ${name}`, PATIENCE, () => {
      const all = everything()
      for (const topic of [
        'home/x',
        'zigbee2mqtt/lamp',
        'homeassistant/light/l/config',
        'spBv1.0/g/NBIRTH/n',
        'tele/x/SENSOR',
      ])
        all.take(publishPacket(topic, payload))
      all.check()
      assert.equal(Object.hasOwn(Object.prototype, 'polluted'), false)
    })

  for (const [name, messages] of STORIES)
    test(`story: ${name}`, PATIENCE, () => {
      const all = everything()
      for (const round of [0, 1])
        for (const [topic, payload] of messages) all.take({ ...publishPacket(topic, payload), retain: round === 0 })
      all.check()
    })
})
