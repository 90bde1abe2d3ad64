import { z } from 'zod'
import { topicMatcher } from '../../../kernel/topic.ts'
import { TopicFilter } from '../topic.ts'
import { MAX_DEPTH, type Decoded } from './format.ts'
import { floatOf, integerOf, readFields, readVarint, type WireField } from './wire.ts'

const SCALARS = [
  'int32',
  'int64',
  'uint32',
  'uint64',
  'sint32',
  'sint64',
  'bool',
  'enum',
  'fixed32',
  'fixed64',
  'sfixed32',
  'sfixed64',
  'float',
  'double',
  'string',
  'bytes',
] as const
type Scalar = (typeof SCALARS)[number]

interface Field {
  name: string
  type: Scalar | 'message'
  repeated?: boolean | undefined
  fields?: Record<string, Field> | undefined
}

const Field: z.ZodType<Field> = z.object({
  name: z.string().min(1).max(100),
  type: z.enum([...SCALARS, 'message']),
  repeated: z.boolean().optional(),
  get fields() {
    return z.record(z.string(), Field).optional()
  },
})

const Fields = z.record(z.string().regex(/^[1-9]\d{0,8}$/), Field)

/**
 * Which topics carry which protobuf message. Checked behind a plain record: models are shown the input's schema, and
 * some of their makers refuse one that refers to itself.
 */
export const ProtobufMapping = z.object({
  topic: TopicFilter,
  fields: z
    .record(z.string(), z.unknown())
    .transform((raw, context) => {
      const parsed = Fields.safeParse(raw)
      if (parsed.success) return parsed.data
      for (const { code, path, message } of parsed.error.issues)
        context.addIssue({
          code: 'custom',
          path: [...path],
          message: code === 'invalid_key' ? 'must be the number of a field' : message,
        })
      return z.NEVER
    })
    .describe(
      'Field number → {name, type, repeated?, fields?}: types as in the .proto file, or message with its fields.',
    ),
})
export type ProtobufMapping = z.output<typeof ProtobufMapping>

/** Makes the reader for the topics that a mapping names; it gives undefined for all others. */
export function protobufReader(
  mappings: readonly ProtobufMapping[],
): (topic: string, bytes: Buffer) => Decoded | undefined {
  const readers = mappings.map(({ topic, fields }) => ({ matches: topicMatcher(topic), fields }))
  return (topic, bytes) => {
    const reader = readers.find(({ matches }) => matches(topic))
    if (!reader) return undefined
    const unmapped = new Set<number>()
    const value = readMessage(bytes, reader.fields, { depth: 0, unmapped })
    if (!value)
      return { format: 'binary', confidence: 'certain', note: 'not the protobuf message that the mapping says' }
    const note = unmapped.size > 0 && { note: `fields without mapping: ${[...unmapped].slice(0, 10).join(', ')}` }
    return { format: 'protobuf', value, confidence: 'certain', ...note }
  }
}

interface Reading {
  readonly depth: number
  readonly unmapped: Set<number>
}

function readMessage(bytes: Buffer, fields: Record<string, Field>, { depth, unmapped }: Reading) {
  const wire = depth > MAX_DEPTH ? undefined : readFields(bytes)
  if (!wire) return undefined
  const members = new Map<string, unknown>()
  for (const found of wire) {
    const field = fields[found.number]
    if (!field) {
      unmapped.add(found.number)
      continue
    }
    const values = readField(found, field, { depth: depth + 1, unmapped })
    if (!values) return undefined
    const before = members.get(field.name)
    if (field.repeated && Array.isArray(before)) for (const value of values) before.push(value)
    else if (field.repeated) members.set(field.name, values)
    // proto3: of a field that comes twice the last one counts.
    else members.set(field.name, values.at(-1))
  }
  return Object.fromEntries(members)
}

function readField(found: WireField, field: Field, reading: Reading): unknown[] | undefined {
  const { type } = field
  if (found.wire !== 'bytes') {
    const value = wireOf(type) === found.wire ? numberOf(found.bits, type) : undefined
    return value === undefined ? undefined : [value]
  }
  if (type === 'string') return [found.bytes.toString('utf8')]
  if (type === 'bytes') return [found.bytes.toString('base64')]
  if (type !== 'message') return field.repeated ? readPacked(found.bytes, type) : undefined
  const inner = readMessage(found.bytes, field.fields ?? {}, reading)
  return inner && [inner]
}

function readPacked(bytes: Buffer, type: Scalar): unknown[] | undefined {
  const values: unknown[] = []
  const wire = wireOf(type)
  const step = wire === 'fixed32' ? 4 : 8
  for (let at = 0; at < bytes.length;) {
    if (wire !== 'varint' && at + step > bytes.length) return undefined
    const read =
      wire === 'varint'
        ? readVarint(bytes, at)
        : { bits: step === 4 ? BigInt(bytes.readUInt32LE(at)) : bytes.readBigUInt64LE(at), end: at + step }
    if (!read) return undefined
    values.push(numberOf(read.bits, type))
    at = read.end
  }
  return values
}

const FIXED: Readonly<Record<string, 'fixed32' | 'fixed64' | 'bytes'>> = {
  fixed32: 'fixed32',
  sfixed32: 'fixed32',
  float: 'fixed32',
  fixed64: 'fixed64',
  sfixed64: 'fixed64',
  double: 'fixed64',
  string: 'bytes',
  bytes: 'bytes',
  message: 'bytes',
}
const wireOf = (type: Field['type']) => FIXED[type] ?? 'varint'

const numbers: Readonly<Record<string, (bits: bigint) => unknown>> = {
  // A negative int32 and enum is written with 64 bits.
  int32: (bits) => integerOf(BigInt.asIntN(32, bits)),
  enum: (bits) => integerOf(BigInt.asIntN(32, bits)),
  int64: (bits) => integerOf(BigInt.asIntN(64, bits)),
  uint32: (bits) => integerOf(BigInt.asUintN(32, bits)),
  uint64: integerOf,
  sint32: (bits) => integerOf(BigInt.asIntN(32, (bits >> 1n) ^ -(bits & 1n))),
  sint64: (bits) => integerOf(BigInt.asIntN(64, (bits >> 1n) ^ -(bits & 1n))),
  bool: (bits) => bits !== 0n,
  fixed32: integerOf,
  fixed64: integerOf,
  sfixed32: (bits) => integerOf(BigInt.asIntN(32, bits)),
  sfixed64: (bits) => integerOf(BigInt.asIntN(64, bits)),
  float: (bits) => floatOf(bits, 32),
  double: (bits) => floatOf(bits, 64),
}
const numberOf = (bits: bigint, type: Field['type']) => numbers[type]?.(bits)
