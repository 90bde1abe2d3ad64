import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import { createCompoundSchema, type Schema as GensonSchema } from 'genson-js'
import { decode } from '../decode/decode.ts'
import type { Decoded } from '../decode/format.ts'
import {
  createSchema,
  mergeSchemas,
  renderSchema,
  schemaConfidence,
  schemaId,
  type SchemaStatistics,
} from './statistics.ts'
import { MOST_PATHS, prune } from './tree.ts'

const json = (value: unknown): Decoded => ({ format: 'json', value, confidence: 'certain' })
const schemaOf = (values: readonly unknown[]): SchemaStatistics => {
  const schema = createSchema()
  for (const value of values) schema.add(json(value))
  return schema
}
const rendered = (...values: unknown[]) => renderSchema(schemaOf(values))
const repeat = <T>(times: number, make: (index: number) => T) =>
  Array.from({ length: times }, (_, index) => make(index))
/** The keywords of one member. */
const member = (name: string, values: readonly unknown[]) =>
  (rendered(...values.map((value) => ({ [name]: value })))['properties'] as Record<string, unknown>)[name]

suite('schemas', () => {
  test('members: required, optional with their presence, null, nested', () => {
    assert.deepEqual(rendered({ a: 1, b: { c: 'x' } }, { a: 2.5, b: null }, { a: 3, b: { c: 'y' }, d: true }), {
      type: 'object',
      properties: {
        a: { type: 'number', minimum: 1, maximum: 3 },
        b: {
          type: ['object', 'null'],
          properties: { c: { type: 'string', minLength: 1, maxLength: 1, examples: ['x', 'y'] } },
          required: ['c'],
          'x-nulls': 0.333,
        },
        d: { type: 'boolean', 'x-presence': 0.333 },
      },
      required: ['a', 'b'],
    })
  })

  const DAY = 86_400_000
  const time = (index: number) => new Date(1_772_352_000_000 + index * DAY).toISOString()
  const members: readonly (readonly [string, string, readonly unknown[], object])[] = [
    ['integers', 'n', [1, 2, -0], { type: 'integer', minimum: 0, maximum: 2 }],
    ['two words', 'state', repeat(9, (index) => (index % 2 ? 'ON' : 'OFF')), { type: 'string', enum: ['OFF', 'ON'] }],
    [
      'words and null',
      's',
      [null, 'a', 'a', 'a', 'a'],
      { type: ['string', 'null'], enum: ['a', null], 'x-nulls': 0.2 },
    ],
    [
      'too few for an enumeration',
      's',
      ['a', 'b'],
      { type: 'string', minLength: 1, maxLength: 1, examples: ['b', 'a'] },
    ],
    [
      'an id is never an enumeration',
      'device_id',
      repeat(9, () => 'x1'),
      { type: 'string', minLength: 2, maxLength: 2, examples: ['x1'] },
    ],
    [
      'a camel-case id',
      'userId',
      repeat(9, () => 'x1'),
      { type: 'string', minLength: 2, maxLength: 2, examples: ['x1'] },
    ],
    ['nor are numbers', 'n', repeat(9, () => 5), { type: 'integer', minimum: 5, maximum: 5 }],
    [
      'numbers as text',
      't',
      repeat(9, () => '55.49'),
      { type: 'string', minLength: 5, maxLength: 5, 'x-numeric': true, examples: ['55.49'] },
    ],
    ['times', 'at', [time(1)], { type: 'string', format: 'date-time', examples: ['2026-03-02T08:00:00.000Z'] }],
    [
      'times of Tasmota, without offset',
      'Time',
      ['2026-03-01T08:00:00'],
      { type: 'string', format: 'date-time', examples: ['2026-03-01T08:00:00'] },
    ],
    [
      'uuid',
      'u',
      ['0b0e6a3e-0f3c-4c8e-9d57-6a1f0a5d2a11'],
      { type: 'string', format: 'uuid', examples: ['0b0e6a3e-0f3c-4c8e-9d57-6a1f0a5d2a11'] },
    ],
    ['ipv4', 'ip', ['192.0.2.10'], { type: 'string', format: 'ipv4', examples: ['192.0.2.10'] }],
    ['a version is no address', 'v', ['1.2.3'], { type: 'string', minLength: 5, maxLength: 5, examples: ['1.2.3'] }],
    ['ipv6', 'ip', ['2001:db8::1'], { type: 'string', format: 'ipv6', examples: ['2001:db8::1'] }],
    ['mac', 'm', ['AA:BB:CC:00:11:22'], { type: 'string', format: 'mac', examples: ['AA:BB:CC:00:11:22'] }],
    ['uri', 'u', ['mqtt://a/b'], { type: 'string', format: 'uri', examples: ['mqtt://a/b'] }],
    ['email', 'e', ['a@example.org'], { type: 'string', format: 'email', examples: ['a@example.org'] }],
    ['hostname', 'h', ['esp-office.local'], { type: 'string', format: 'hostname', examples: ['esp-office.local'] }],
    [
      'a format holds only for all',
      'x',
      ['2026-03-01', 'never'],
      { type: 'string', maxLength: 10, examples: ['never', '2026-03-01'] },
    ],
    [
      'unix seconds',
      'ts',
      [1_772_352_000.11],
      { type: 'number', minimum: 1_772_352_000.11, maximum: 1_772_352_000.11, 'x-unix-time': 's' },
    ],
    [
      'unix milliseconds',
      'last_seen',
      [1_772_352_000_000],
      { type: 'integer', minimum: 1_772_352_000_000, maximum: 1_772_352_000_000, 'x-unix-time': 'ms' },
    ],
    [
      'a counter is no time',
      'total',
      [1_772_352_000],
      { type: 'integer', minimum: 1_772_352_000, maximum: 1_772_352_000 },
    ],
    [
      'lists',
      'l',
      [[1, 2], []],
      { type: 'array', items: { type: 'integer', minimum: 1, maximum: 2 }, minItems: 0, maxItems: 2 },
    ],
    [
      'several types',
      'x',
      [1, true, 'a'],
      { type: ['string', 'integer', 'boolean'], minimum: 1, maximum: 1, minLength: 1, maxLength: 1, examples: ['a'] },
    ],
  ]
  for (const [title, name, values, schema] of members)
    test(title, () => {
      const { examples, ...keywords } = member(name, values) as { examples?: string[] }
      const { examples: expected, ...rest } = schema as { examples?: string[] }
      assert.deepEqual(keywords, rest)
      assert.deepEqual(examples?.toSorted(), expected?.toSorted())
    })

  const maps: readonly (readonly [string, readonly unknown[], boolean])[] = [
    ['names that are ids', [Object.fromEntries(repeat(20, (index) => [`0x00158d00${index}`, { lqi: index }]))], true],
    [
      'names that seldom come again',
      repeat(40, (index) => ({ [`room ${'abcdefghij'[index % 10]}${'klmnop'[index % 6]}`]: index })),
      true,
    ],
    ['a record of a device', [Object.fromEntries('abcdefghijklmno'.split('').map((name) => [name, 1]))], false],
    [
      'values of several kinds',
      [Object.fromEntries(repeat(20, (index) => [`0x${index}`, index % 2 ? 'a' : 1]))],
      false,
    ],
  ]
  for (const [title, values, isMap] of maps)
    test(`${title}: ${isMap ? 'a map' : 'no map'}`, () => {
      const schema = rendered(...values)
      assert.equal('additionalProperties' in schema, isMap)
      assert.equal('properties' in schema, !isMap)
    })

  test('up to 32 different strings are counted one by one, also over a merge', () => {
    const words = (from: number, to: number) => schemaOf(repeat(to - from, (index) => `word ${from + index}`))
    const distinct = (schema: SchemaStatistics) => schema.tree.root.texts?.distinct?.size
    assert.deepEqual([distinct(words(0, 32)), distinct(words(0, 33))], [32, undefined])
    assert.equal(distinct(mergeSchemas(words(0, 20), words(10, 32))), 32)
    assert.equal(distinct(mergeSchemas(words(0, 20), words(20, 40))), undefined)
    assert.equal(distinct(schemaOf(['x'.repeat(1000)])), undefined)
  })

  test('what has no value has no schema', () => {
    const schema = createSchema()
    schema.add(decode('t', Buffer.from('89504e470d0a1a0a', 'hex')), 5)
    assert.deepEqual([renderSchema(schema), [...schema.formats], schema.firstMs], [{}, [['image/png', 1]], 5])
  })

  const confidences: readonly (readonly [string, readonly Decoded[], string, RegExp])[] = [
    ['one message', [json({ a: 1 })], 'Low', /^1 message;/],
    ['30 alike', repeat(30, (index) => json({ a: index })), 'High', /30 messages; about 0 in 100/],
    ['10 alike', repeat(10, (index) => json({ a: index })), 'Medium', /10 messages/],
    [
      'a new member each time',
      repeat(30, (index) => json({ [`k${index}`]: true })),
      'Low',
      /100 in 100 may bring something new/,
    ],
    ['several types', repeat(30, (index) => json({ a: index % 2 ? 'x' : 1 })), 'Medium', /1 of 2 places hold/],
    [
      'another format now and then',
      [...repeat(30, () => json({})), decode('t', Buffer.from([0]))],
      'Medium',
      /1 of another format/,
    ],
  ]
  for (const [title, messages, level, reason] of confidences)
    test(`${title}: ${level}`, () => {
      const schema = createSchema()
      for (const message of messages) schema.add(message)
      const confidence = schemaConfidence(schema)
      assert.equal(confidence.level, level, confidence.reason)
      assert.match(confidence.reason, reason)
    })

  test('the id names the structure, not the values', () => {
    const id = (...values: unknown[]) => schemaId(schemaOf(values))
    assert.equal(id({ a: 1, b: 'x' }), id({ b: 'y', a: 2.5 }, { a: 1, b: 'z' }))
    assert.notEqual(id({ a: 1 }), id({ a: '1' }))
    assert.notEqual(id({ a: 1 }), id({ b: 1 }))
    assert.match(id(1), /^[\da-f]{8}$/)
  })
})

/** Everything a statistic knows, in a form that can be compared. */
const known = (schema: SchemaStatistics) => {
  prune(schema.tree)
  const { tree, messages, formats, notes, firstMs, lastMs } = schema
  return {
    root: tree.root,
    paths: tree.paths,
    messages,
    formats,
    notes,
    firstMs,
    lastMs,
    rendered: renderSchema(schema),
  }
}

const words = fc.oneof(
  fc.constantFrom('ON', 'OFF', '55.49', '2026-03-01', '192.0.2.1', '', 'x'.repeat(100)),
  fc.string({ maxLength: 8 }),
)
const { value: values } = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.oneof(words, fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true }), fc.boolean(), fc.constant(null)),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.oneof(fc.constantFrom('a', 'b', 'state', '__proto__', 'toString'), words), tie('value'), {
      maxKeys: 6,
    }),
  ),
}))
const message = fc.record({
  decoded: fc.oneof(
    values.map(json),
    fc.constantFrom(decode('t', Buffer.from('a=1 b=2')), decode('t', Buffer.alloc(0))),
  ),
  note: fc.option(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g'), { nil: undefined }),
  atMs: fc.option(fc.nat(1000), { nil: undefined }),
})
const samples = fc.array(message, { maxLength: 40 })
const filled = (messages: readonly { decoded: Decoded; note: string | undefined; atMs: number | undefined }[]) => {
  const schema = createSchema()
  for (const { decoded, note, atMs } of messages) schema.add({ ...decoded, ...(note !== undefined && { note }) }, atMs)
  return schema
}

suite('merging schemas', () => {
  test('is associative, commutative, and equals inference over the union; both sides stay as they are', () =>
    fc.assert(
      fc.property(samples, samples, samples, (a, b, c) => {
        const [x, y, z] = [filled(a), filled(b), filled(c)]
        const before = structuredClone(known(x))
        const union = known(filled([...a, ...b, ...c]))
        assert.deepEqual(known(mergeSchemas(mergeSchemas(x, y), z)), union)
        assert.deepEqual(known(mergeSchemas(x, mergeSchemas(y, z))), union)
        assert.deepEqual(known(mergeSchemas(z, mergeSchemas(y, x))), union)
        assert.deepEqual(known(x), before)
      }),
      { numRuns: 150 },
    ))

  const wide = (from: number, to: number, inner: number) =>
    repeat(Math.ceil((to - from) / 50), (block) => ({
      devices: Object.fromEntries(
        repeat(50, (index) => [
          `k${from + block * 50 + index}`,
          Object.fromEntries(repeat(inner, (n) => [`m${n}`, n])),
        ]),
      ),
    }))

  test('also where more paths come than are kept', () => {
    const parts = [wide(0, 3000, 2), wide(2000, 5000, 3), [{ state: 'ON', devices: { k1: { m0: 'text' } } }]] as const
    const [x, y, z] = parts.map(schemaOf)
    assert.ok(x && y && z)
    const union = known(schemaOf(parts.flat()))
    assert.ok(union.paths <= MOST_PATHS && union.root.members?.get('devices')?.partial)
    assert.ok(union.root.members.has('state'), 'a member of the message itself is kept')
    for (const merged of [
      mergeSchemas(mergeSchemas(x, y), z),
      mergeSchemas(z, mergeSchemas(y, x)),
      schemaOf(parts.toReversed().flat()),
      schemaOf(parts.flat().toReversed()),
    ])
      assert.deepEqual(known(merged), union)
  })

  test('memory stays bounded whatever comes', () => {
    const schema = createSchema()
    for (let index = 0; index < 300; index++)
      schema.add(
        json({ [`k${index}`]: Object.fromEntries(repeat(100, (n) => [`${index}-${n}`, { deep: [[{ n }]] }])) }),
      )
    assert.ok(schema.tree.paths <= 2 * MOST_PATHS)
    assert.ok(JSON.stringify(renderSchema(schema)).length < 1_000_000)
  })
})

/** Types and required members alone, of both sides. */
type Shape = { types: string[]; required: string[]; members: Record<string, Shape>; items?: Shape }

function gensonShape(schema: GensonSchema): Shape {
  const parts = schema.anyOf ?? [schema]
  const object = parts.find(({ type }) => [type].flat().includes('object' as never))
  const items = parts.find(({ items }) => items !== undefined)?.items
  return {
    types: parts.flatMap(({ type }) => type ?? []).sort(),
    required: (object?.required ?? []).toSorted(),
    members: Object.fromEntries(Object.entries(object?.properties ?? {}).map(([name, of]) => [name, gensonShape(of)])),
    ...(items && { items: gensonShape(items) }),
  }
}

function ownShape(schema: Record<string, unknown>): Shape {
  const {
    type = [],
    required = [],
    properties = {},
    items,
  } = schema as {
    type?: string | string[]
    required?: string[]
    properties?: Record<string, Record<string, unknown>>
    items?: Record<string, unknown>
  }
  return {
    types: [type].flat().sort(),
    required: required.toSorted(),
    members: Object.fromEntries(Object.entries(properties).map(([name, of]) => [name, ownShape(of)])),
    ...(items && { items: ownShape(items) }),
  }
}

suite('schemas beside genson-js', () => {
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.oneof(fc.constantFrom('ON', 'OFF'), fc.integer(), fc.constantFrom(0.5, 21.4), fc.boolean(), fc.constant(null)),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd', 'e'), tie('value'), { maxKeys: 5 }),
    ),
  }))
  test('agrees on types and required', () =>
    fc.assert(
      fc.property(fc.array(value, { minLength: 1, maxLength: 12 }), (values) => {
        assert.deepEqual(ownShape(rendered(...values)), gensonShape(createCompoundSchema(values)))
      }),
      { numRuns: 300 },
    ))
})
