import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { createDecoder } from './decode.ts'

/** Protobuf by hand: one field with its number, wire type and content. */
const varint = (value: bigint): number[] =>
  value < 128n ? [Number(value)] : [Number(value & 127n) | 128, ...varint(value >> 7n)]
const int = (number: number, value: number | bigint) => [
  ...varint(BigInt(number) << 3n),
  ...varint(BigInt.asUintN(64, BigInt(value))),
]
const bytes = (number: number, content: Iterable<number>) => {
  const list = [...content]
  return [...varint((BigInt(number) << 3n) | 2n), ...varint(BigInt(list.length)), ...list]
}
const text = (number: number, value: string) => bytes(number, Buffer.from(value))
const float = (number: number, value: number) => {
  const bits = Buffer.alloc(4)
  bits.writeFloatLE(value)
  return [(number << 3) | 5, ...bits]
}
const double = (number: number, value: number) => {
  const bits = Buffer.alloc(8)
  bits.writeDoubleLE(value)
  return [(number << 3) | 1, ...bits]
}
const metric = (...fields: number[][]) => bytes(2, fields.flat())
const payload = (...fields: number[][]) => Buffer.from(fields.flat())

const BIRTH = 'spBv1.0/home/NBIRTH/edge'
const DATA = 'spBv1.0/home/NDATA/edge'
const metricsOf = (value: unknown) => (value as { metrics: Record<string, unknown> }).metrics

suite('Sparkplug B', () => {
  const values: readonly (readonly [datatype: number, field: number[], value: unknown])[] = [
    [1, int(10, 0xff), -1],
    [2, int(10, 0x8000), -32_768],
    [3, int(10, 0xffff_ffff), -1],
    [4, int(11, -5n), -5],
    [4, int(11, 2n ** 62n), '4611686018427387904'],
    [5, int(10, 255), 255],
    [8, int(11, 2n ** 64n - 1n), '18446744073709551615'],
    [9, float(12, 21.1), 21.1],
    [9, float(12, Number.NaN), 'NaN'],
    [10, double(13, 0.1), 0.1],
    [11, int(14, 1), true],
    [12, text(15, 'ON'), 'ON'],
    [13, int(11, 1_772_352_000_000), 1_772_352_000_000],
    [17, bytes(16, [1, 2, 3]), { type: 'Bytes', bytes: 3 }],
    [16, bytes(17, [1]), { type: 'DataSet', bytes: 1 }],
  ]
  for (const [datatype, field, value] of values)
    test(`datatype ${datatype} reads ${JSON.stringify(value)}`, () => {
      const decoded = createDecoder().decode(BIRTH, payload(metric(text(1, 'm'), int(4, datatype), field)))
      assert.deepEqual(
        [decoded.format, metricsOf(decoded.value), decoded.note],
        ['sparkplug-b', { m: value }, undefined],
      )
    })

  const announce = (...metrics: number[][]) => payload(int(1, 1000), int(3, 0), ...metrics)
  const born = announce(metric(text(1, 'temp'), int(2, 1), int(4, 3), int(10, 20)))

  test('aliases and datatypes are learned at BIRTH', () => {
    const { decode } = createDecoder()
    decode(BIRTH, born)
    const { value, note } = decode(DATA, payload(int(1, 2000), metric(int(2, 1), int(10, 0xffff_fffb)), int(3, 1)))
    assert.deepEqual(value, { timestamp: 2000, seq: 1, metrics: { temp: -5 } })
    assert.equal(note, undefined)
  })

  test('is_null is null, not a missing value', () => {
    const { decode } = createDecoder()
    decode(BIRTH, born)
    assert.deepEqual(metricsOf(decode(DATA, payload(metric(int(2, 1), int(7, 1)))).value), { temp: null })
  })

  const unknown: readonly (readonly [why: string, births: readonly (readonly [string, Buffer])[], says: RegExp])[] = [
    ['without a BIRTH', [], /alias 1: no BIRTH/],
    ['of another edge node', [['spBv1.0/home/NBIRTH/other', born]], /alias 1: no BIRTH/],
    [
      'from before the last NBIRTH',
      [
        [BIRTH, born],
        [BIRTH, announce()],
      ],
      /alias 1: no BIRTH/,
    ],
    [
      'claimed by two metrics',
      [
        [BIRTH, born],
        ['spBv1.0/home/DBIRTH/edge/d', announce(metric(text(1, 'rpm'), int(2, 1), int(4, 3), int(10, 1)))],
      ],
      /alias 1: no BIRTH/,
    ],
    [
      'of another datatype',
      [[BIRTH, announce(metric(text(1, 'name'), int(2, 1), int(4, 12), text(15, 'x')))]],
      /not of the datatype/,
    ],
  ]
  for (const [why, births, says] of unknown)
    test(`an alias ${why} is honestly unknown`, () => {
      const { decode } = createDecoder()
      for (const [topic, birth] of births) decode(topic, birth)
      const { value, note } = decode(DATA, payload(metric(int(2, 1), int(10, 7))))
      assert.deepEqual(Object.values(metricsOf(value)), [null])
      assert.match(note ?? '', says)
    })

  test('only under spBv1.0/, and only what is one', () => {
    const { decode } = createDecoder()
    assert.equal(decode('other/NBIRTH/edge', born).format, 'binary')
    assert.equal(decode('spBv1.0/home/XBIRTH/edge', born).format, 'binary')
    assert.equal(decode('spBv1.0/STATE/host', Buffer.from('{"online":true}')).format, 'json')
    const { format, note } = decode(DATA, Buffer.from('55.49'))
    assert.deepEqual([format, note], ['number', 'not a Sparkplug B payload'])
  })

  test('a node with endless aliases does not grow for ever: the oldest edge nodes are forgotten', () => {
    const { decode } = createDecoder()
    decode(BIRTH, born)
    for (let node = 0; node < 60; node++) {
      const metrics = Array.from({ length: 1000 }, (_, index) => metric(text(1, `m${index}`), int(2, index), int(4, 3)))
      decode(`spBv1.0/g/NBIRTH/n${node}`, payload(...metrics))
    }
    assert.match(decode(DATA, payload(metric(int(2, 1), int(10, 7)))).note ?? '', /no BIRTH/)
    assert.equal(decode('spBv1.0/g/NDATA/n59', payload(metric(int(2, 1), int(10, 7)))).note, undefined)
  })
})

suite('protobuf by mapping', () => {
  const mapping = {
    topic: 'pb/+',
    fields: {
      1: { name: 'id', type: 'uint32' as const },
      2: { name: 'delta', type: 'sint32' as const },
      3: { name: 'tags', type: 'string' as const, repeated: true },
      4: { name: 'levels', type: 'int32' as const, repeated: true },
      5: { name: 'at', type: 'message' as const, fields: { 1: { name: 'lat', type: 'double' as const } } },
      6: { name: 'on', type: 'bool' as const },
      7: { name: 'pi', type: 'float' as const },
      8: { name: 'low', type: 'int64' as const },
    },
  }
  const { decode } = createDecoder({ protobuf: [mapping] })

  test('reads what the mapping says', () => {
    const message = payload(
      int(1, 7),
      int(2, 3),
      text(3, 'a'),
      text(3, 'b'),
      bytes(4, [...varint(1n), ...varint(300n)]),
      bytes(5, double(1, 52.5)),
      int(6, 1),
      float(7, 3.14),
      int(8, -9n),
      int(99, 1),
    )
    assert.deepEqual(decode('pb/x', message), {
      format: 'protobuf',
      value: { id: 7, delta: -2, tags: ['a', 'b'], levels: [1, 300], at: { lat: 52.5 }, on: true, pi: 3.14, low: -9 },
      confidence: 'certain',
      note: 'fields without mapping: 99',
    })
  })

  const wrong: readonly (readonly [name: string, payload: Buffer])[] = [
    ['cut off', payload(text(3, 'hello')).subarray(0, 4)],
    ['of another wire type', payload(text(1, 'x'))],
    ['no protobuf', Buffer.from('Slaapkamer')],
  ]
  for (const [name, message] of wrong)
    test(`${name}: binary, and said so`, () => {
      const { format, value, note } = decode('pb/x', message)
      assert.deepEqual([format, value], ['binary', undefined])
      assert.match(note ?? '', /not the protobuf message/)
    })

  test('other topics are never read as protobuf', () =>
    assert.equal(decode('other', payload(int(1, 7))).format, 'binary'))
})
