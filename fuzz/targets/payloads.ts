import { deepEqual, equal, ok } from 'node:assert/strict'
import { deflateSync, gzipSync } from 'node:zlib'
import * as fc from 'fast-check'
import { createDecoder, decode } from '../../src/services/mqtt/decode/decode.ts'
import { readFields } from '../../src/services/mqtt/decode/wire.ts'
import { createHomeView } from '../../src/services/mqtt/families/home-view.ts'
import { readTemplate } from '../../src/services/mqtt/families/ha-template.ts'
import { describeDevice } from '../../src/services/mqtt/families/wording.ts'
import { redactJson } from '../../src/services/mqtt/guard/redact-json.ts'
import { createRedactor } from '../../src/services/mqtt/guard/redaction.ts'
import { decodePayload, encodePayload, previewPayload } from '../../src/services/mqtt/payload.ts'
import { createSchema, mergeSchemas, renderSchema, schemaId } from '../../src/services/mqtt/schema/statistics.ts'
import type { Target } from '../target.ts'
import { faultOr, joined, jsonOf, partsOf } from '../expect.ts'

/** Messages of real devices' forms, `topic␞payload`. */
const DEVICES = [
  joined([
    'zigbee2mqtt/bridge/devices',
    '[{"ieee_address":"0x00158d","friendly_name":"lamp","type":"Router","definition":{"model":"X","vendor":"Y","exposes":[{"type":"light","features":[{"name":"state","property":"state","type":"binary","value_on":"ON","value_off":"OFF"}]}]}}]',
  ]),
  joined(['zigbee2mqtt/lamp', '{"state":"ON","brightness":254,"linkquality":80,"last_seen":"2026-06-01T10:00:00Z"}']),
  joined(['zigbee2mqtt/lamp/availability', '{"state":"offline"}']),
  joined([
    'tasmota/discovery/DC4F22/config',
    '{"ip":"192.0.2.9","dn":"Plug","fn":["Plug"],"hn":"plug","mac":"DC4F22","md":"Sonoff","ft":"%prefix%/%topic%/","t":"plug","tp":["cmnd","stat","tele"],"rl":[1,0],"sw":"14.1"}',
  ]),
  joined(['tele/plug/SENSOR', '{"Time":"2026-06-01T10:00:00","ENERGY":{"Power":12,"Total":3.5},"TempUnit":"C"}']),
  joined(['tele/plug/LWT', 'Online']),
  joined(['shellies/shelly1-ABC/relay/0', 'on']),
  joined(['shellies/announce', '{"id":"shelly1-ABC","model":"SHSW-1","mac":"ABC","ip":"192.0.2.8","fw_ver":"1"}']),
  joined([
    'plus1/events/rpc',
    '{"src":"shellyplus1-abc","dst":"plus1/events","method":"NotifyStatus","params":{"ts":1780000000.1,"switch:0":{"id":0,"output":true,"apower":1.5}}}',
  ]),
  joined([
    'homie/5/dev/$description',
    '{"homie":"5.0","version":1,"name":"Dev","nodes":{"n":{"properties":{"p":{"datatype":"float","unit":"°C"}}}}}',
  ]),
  joined([
    'homeassistant/sensor/x/config',
    '{"~":"a/b","name":"T","stat_t":"~/t","val_tpl":"{{ value_json.t | round(1) }}","dev":{"ids":["x"],"name":"Box"},"uniq_id":"u","unit_of_meas":"°C"}',
  ]),
  joined(['a/b/t', '{"t":21.55}']),
]

const varint = (value: number): number[] => (value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(value >>> 7)])
const field = (number: number, bytes: Uint8Array) => [...varint((number << 3) | 2), ...varint(bytes.length), ...bytes]
const metric = (name: string, datatype: number, value: readonly number[]) =>
  Buffer.from([...field(1, Buffer.from(name)), 0x10, 5, 0x20, datatype, ...value])
const SPARKPLUG = Buffer.from([
  0x08,
  1,
  0x18,
  2,
  ...field(2, metric('temperature', 9, [0x65, 0, 0, 0x20, 0x41])),
  ...field(2, metric('on', 11, [0x70, 1])),
])

const PAYLOADS: readonly (string | Uint8Array)[] = [
  '{"t":21.5,"id":12345678901234567890}',
  '{"a":1,"a":2}',
  '{"x":1}\n{"x":2}\n',
  '42',
  'true',
  '21.50',
  '',
  'temp=21.5 hum=40',
  'a,b\n1,2\n3,4',
  '1;2;3',
  '<?xml version="1.0"?><a b="c"><d>1</d><d>&lt;&#65;</d></a>',
  'SGVsbG8gd29ybGQhIQ==',
  'plain text',
  Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0]),
  gzipSync('{"a":1}'),
  deflateSync('text'),
  SPARKPLUG,
  Buffer.from([0xff, 0xfe, 0]),
  '\ufeff{"a":1}',
  '{"__proto__":{"a":1}}',
]
const payload = fc.oneof(
  fc.json(),
  fc.json().map((text) => gzipSync(text)),
  fc
    .array(fc.tuple(fc.stringMatching(/^[a-z]{1,4}$/), fc.double({ noNaN: true })))
    .map((pairs) => pairs.map((pair) => pair.join('=')).join(' ')),
  fc
    .array(fc.array(fc.integer(), { minLength: 2, maxLength: 2 }))
    .map((rows) => ['a,b', ...rows.map((row) => row.join(','))].join('\n')),
  fc.uint8Array({ maxLength: 200 }),
)

const decoder = () =>
  createDecoder({
    protobuf: [
      {
        topic: 'proto/#',
        fields: {
          1: { name: 'id', type: 'int32' },
          2: {
            name: 'parts',
            type: 'message',
            repeated: true,
            fields: { 1: { name: 'x', type: 'double', repeated: true } },
          },
          3: { name: '__proto__', type: 'string' },
        },
      },
    ],
  })

const SECRET = 'k3yMaterial0987654321'
/** Each `§` is a secret. */
const HOLDERS = [
  '{"password":"§"}',
  '{"wifi":{"psk":"§"}}',
  '{"a":"password=§"}',
  'password: §',
  'Password1 = "§ §"',
  '<password>§</password>',
  'mqtt://user:§@host',
  '{"list":[{"api_key":["§",{"x":"§"}]}]}',
  '{"pass\\u0077ord":"§"}',
  '{"token":"§',
  '{"a":"{\\"token\\":\\"§\\"}"}',
]
const redactor = createRedactor([{ topic: 'own/#', path: 'a.b' }])

const START_MS = Date.UTC(2026, 5, 1)

export const PAYLOAD_TARGETS: readonly Target[] = [
  {
    name: 'payload/decode',
    covers: ['decode', 'json', 'csv', 'key-value', 'xml', 'text', 'compressed', 'exact-number'].map(
      (file) => `src/services/mqtt/decode/${file}.ts`,
    ),
    seeds: PAYLOADS,
    generate: payload,
    tokens: ['<a>', '</a>', '<![CDATA[', ']]>', '&#x41;', '""', '","', '=', '\r\n', 'e308', '00000000000000000'],
    check(input) {
      const decoded = decode('some/topic', input)
      const text = JSON.stringify(decoded)
      ok(
        text.length <= 200 + 30 * Math.max(input.length, 50) || decoded.format === 'gzip' || decoded.format === 'zlib',
        `${text.length} characters of ${input.length} bytes`,
      )
      if (decoded.format === 'json' && decoded.note === undefined && decoded.value !== undefined)
        deepEqual(
          decoded.value,
          jsonOf(
            input
              .toString()
              .trim()
              .replace(/^\ufeff/, ''),
          )?.value,
        )
      if (decoded.format === 'empty') equal(input.length, 0)
    },
  },
  {
    name: 'payload/shown',
    covers: ['src/services/mqtt/payload.ts', 'src/services/mqtt/decode/text.ts'],
    seeds: PAYLOADS,
    generate: payload,
    check(input) {
      for (const most of [1, 7, 100_000]) {
        const shown = decodePayload(input, most)
        equal(shown.size, input.length)
        if (shown.encoding === 'text') ok(Buffer.byteLength(String(shown.payload)) <= most)
        if (shown.encoding === 'text' && !shown.cut) equal(String(shown.payload), input.toString())
        if (shown.encoding === 'base64')
          deepEqual(Buffer.from(String(shown.payload), 'base64'), input.subarray(0, most))
      }
      const line = previewPayload(input, input.length, 80)
      ok(line.length <= 80 && !/[\n\r\0]/.test(line), line)
    },
  },
  {
    name: 'payload/published',
    covers: ['src/services/mqtt/payload.ts'],
    seeds: [
      joined(['base64', '"aGk="']),
      joined(['auto', '{"base64":"aGk="}']),
      joined(['text', '5']),
      joined(['base64', '"a"']),
    ],
    generate: fc.tuple(fc.constantFrom('auto', 'text', 'json', 'base64'), fc.json()).map(joined),
    check(input) {
      const [encoding = '', text = ''] = partsOf(input, 2)
      const parsed = jsonOf(text)
      if (!parsed || !['auto', 'text', 'json', 'base64'].includes(encoding)) return
      const bytes = faultOr(() => encodePayload(parsed.value, encoding as 'auto'), 'invalid_input')
      if (bytes && encoding === 'json')
        deepEqual(JSON.parse(bytes.toString()), JSON.parse(JSON.stringify(parsed.value)))
      if (bytes && encoding === 'base64' && typeof parsed.value === 'string')
        equal(bytes.toString('base64'), parsed.value.replaceAll(/\s/g, ''))
    },
  },
  {
    name: 'payload/protobuf',
    covers: ['protobuf', 'wire', 'sparkplug', 'sparkplug-datatypes', 'sparkplug-aliases'].map(
      (file) => `src/services/mqtt/decode/${file}.ts`,
    ),
    seeds: [
      SPARKPLUG,
      Buffer.from(field(2, Buffer.from(field(1, Buffer.alloc(16))))),
      Buffer.from([0x08, 0x96, 0x01, 0x1a, 0x01, 0x61]),
    ],
    generate: fc
      .array(
        fc.tuple(
          fc.integer({ min: 1, max: 19 }),
          fc.constantFrom(0, 1, 2, 5),
          fc.uint8Array({ minLength: 8, maxLength: 8 }),
        ),
      )
      .map((fields) =>
        Buffer.from(
          fields.flatMap(([number, wire, bytes]) =>
            wire === 2
              ? field(number, bytes)
              : wire === 0
                ? [...varint(number << 3), ...varint(bytes[0] ?? 0)]
                : [...varint((number << 3) | wire), ...bytes.slice(0, wire === 1 ? 8 : 4)],
          ),
        ),
      ),
    check(input) {
      const own = decoder()
      for (const topic of ['proto/x', 'spBv1.0/g/NBIRTH/n', 'spBv1.0/g/NDATA/n', 'spBv1.0/g/DDATA/n/d']) {
        const decoded = own.decode(topic, input)
        JSON.stringify(decoded)
        if (decoded.format === 'protobuf') ok(readFields(input) !== undefined)
        if (decoded.format === 'sparkplug-b') ok((decoded.note ?? '').length < 4 * input.length + 1000)
      }
    },
  },
  {
    name: 'payload/families',
    covers: [
      'home-view',
      'device-table',
      'values',
      'heard',
      'plain',
      'declared',
      'recent-messages',
      'device-list',
      'wording',
      'vocabulary',
      'zigbee2mqtt',
      'zigbee-exposes',
      'tasmota',
      'tasmota-facts',
      'shelly-gen1',
      'shelly-gen2',
      'shelly-components',
      'homie',
      'sparkplug',
      'ha-discovery',
      'ha-config',
      'ha-components',
      'ha-availability',
      'ha-template',
    ].map((file) => `src/services/mqtt/families/${file}.ts`),
    seeds: [...DEVICES, DEVICES.join('\u001d'), DEVICES.toReversed().join('\u001d')],
    generate: fc.array(fc.constantFrom(...DEVICES), { maxLength: 12 }).map((all) => all.join('\u001d')),
    tokens: [
      '\u001d',
      'zigbee2mqtt/',
      'homeassistant/device/x/config',
      '"cmps":{"a":{"p":"sensor"}}',
      '"val_tpl":"{{ value_json.a }}"',
      '"exposes":[',
      '"features":[',
      '"__proto__":',
      'null',
      '"avty":[{"t":"a"}]',
      '"parent":"homie/5/dev"',
    ],
    longestBytes: 8192,
    check(input) {
      const view = createHomeView({ maxDevices: 10 })
      for (const [at, message] of input.toString().split('\u001d').slice(0, 60).entries()) {
        const [topic = '', text = ''] = partsOf(Buffer.from(message), 2)
        const reading = view.see({ topic, payload: Buffer.from(text), retained: at % 2 === 0, atMs: START_MS + at })
        if (reading) ok(reading.text.length < 20_000)
      }
      const devices = view.devices()
      ok(devices.length <= 10)
      for (const device of devices) ok(describeDevice(device, START_MS).length < 50_000)
      equal(new Set(devices.map(({ id }) => id)).size, devices.length)
    },
  },
  {
    name: 'payload/ha-template',
    covers: ['src/services/mqtt/families/ha-template.ts'],
    seeds: [
      '{{ value }}',
      "{{ value_json.a['b'][0] | round(1) | float(0) }}",
      '{{value_json["x"]|default("y")}}',
      '{% if %}',
      '{{ value_json.constructor }}',
    ],
    tokens: [
      '{{ ',
      ' }}',
      'value_json',
      '.a',
      "['b']",
      '[0]',
      ' | ',
      'round(2)',
      'int',
      'is_defined',
      '__proto__',
      '(',
      ')',
    ],
    check(input) {
      const template = readTemplate(input.toString())
      if (!template) return
      const value: unknown = JSON.parse('{"a":{"b":[1.25,"x"]},"__proto__":3}')
      const shown = template({ text: '12', value })
      ok(shown === undefined || shown === null || typeof shown !== 'function')
      if (typeof shown === 'object' && shown !== null) ok(JSON.stringify(value).includes(JSON.stringify(shown)))
    },
  },
  {
    name: 'payload/schema',
    covers: ['statistics', 'tree', 'texts', 'render', 'structure', 'map-like', 'string-format', 'confidence'].map(
      (file) => `src/services/mqtt/schema/${file}.ts`,
    ),
    seeds: [
      '{"a":1}\u001e{"a":null,"b":[1,"x"]}\u001e{"a":2.5}',
      '[[]]\u001e[{}]',
      '{"2026-01-01":1,"2026-01-02":2}',
      '"a"\u001e5',
      '{"__proto__":1}',
    ],
    generate: fc.array(fc.json({ maxDepth: 4 }), { maxLength: 5 }).map(joined),
    tokens: ['\u001e', '"__proto__":', '"2026-01-01T00:00:00Z"', '1e308', '-0', '[', '{"'],
    longestBytes: 8192,
    check(input) {
      const messages = partsOf(input, 3).map((text) => decode('a/b', Buffer.from(text)))
      const whole = createSchema()
      const parts = messages.map((message) => {
        const part = createSchema()
        part.add(message)
        whole.add(message)
        return part
      })
      const rendered = renderSchema(whole)
      const text = JSON.stringify(rendered)
      ok(text.length <= 1_000_000)
      // Parts make the same whole, in either order.
      const merged = parts.reduce(mergeSchemas)
      const turned = parts.toReversed().reduce(mergeSchemas)
      deepEqual(JSON.stringify(renderSchema(merged)).length, text.length)
      deepEqual([schemaId(merged), schemaId(turned)], [schemaId(whole), schemaId(whole)])
    },
  },
  {
    name: 'payload/redacted-secrets',
    covers: ['redaction', 'redact-json', 'redact-text', 'secret-names'].map(
      (file) => `src/services/mqtt/guard/${file}.ts`,
    ),
    seeds: HOLDERS.map((holder) => joined([holder, '§'])),
    generate: fc
      .tuple(
        fc.constantFrom(...HOLDERS),
        fc.oneof(
          fc.constantFrom('§', ' §', '[§]', '{"x":§}', 'log: §'),
          fc.json().map((json) => `[${json},§]`),
        ),
      )
      .map(joined),
    check(input) {
      const [holder = '', around = ''] = partsOf(input, 2)
      const text = around.replace('§', () => holder.replaceAll('§', SECRET))
      const once = redactor.payload('some/topic', Buffer.from(text))
      if (HOLDERS.includes(holder) && jsonOf(text) !== undefined)
        ok(!once.payload.toString().includes(SECRET), 'a secret is shown')
      const twice = redactor.payload('some/topic', once.payload)
      deepEqual(twice.payload.toString(), once.payload.toString())
    },
  },
  {
    name: 'payload/redacted-json',
    covers: ['src/services/mqtt/guard/redact-json.ts', 'src/services/mqtt/guard/redact-text.ts'],
    seeds: ['{"a":{"pin":1,"x":[1,2]}}', '{"pin":"a\\"b","c":1}', '[{"pin":[[1]]}]', '{"pin":tru', '"pin"'],
    generate: fc.json(),
    tokens: ['"pin":', '"\\u0070in":', '"', '\\', '[', '{'],
    check(input) {
      const text = input.toString()
      const isPin = (path: readonly string[]) => path.at(-1) === 'pin'
      const { text: clean, redacted } = redactJson(text, isPin)
      if (redacted === 0) equal(clean, text)
      const before = jsonOf(text)
      if (!before || /[=:]\s*[^\s]|pass|secret|key|token/i.test(text.replaceAll(/"\s*:/g, '"'))) return
      const after = jsonOf(clean)
      ok(after, `JSON became ${clean}`)
      deepEqual(
        after.value,
        JSON.parse(text, (key, value: unknown) => (key === 'pin' && !isEmpty(value) ? '[redacted]' : value)),
      )
    },
  },
]

/** Values that tell nothing stay. */
const isEmpty = (value: unknown): boolean =>
  ['true', 'false', 'null', '""', '[]', '{}', '"[redacted]"'].includes(JSON.stringify(value))
