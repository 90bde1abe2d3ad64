import { floatOf, integerOf, type WireField } from './wire.ts'

/** Sparkplug B 3.0, tck-id-payloads-data-types: the number in `datatype` and what it means. */
const NAMES = [
  'Unknown',
  'Int8',
  'Int16',
  'Int32',
  'Int64',
  'UInt8',
  'UInt16',
  'UInt32',
  'UInt64',
  'Float',
  'Double',
  'Boolean',
  'String',
  'DateTime',
  'Text',
  'UUID',
  'DataSet',
  'Bytes',
  'File',
  'Template',
] as const

export const datatypeName = (datatype: number | undefined): string =>
  NAMES[datatype ?? 0] ?? (datatype !== undefined && datatype <= 34 ? 'Array' : 'Unknown')

/** Bits of the signed integers, which travel as their two's complement in an unsigned field. */
const SIGNED: Readonly<Record<string, number>> = { Int8: 8, Int16: 16, Int32: 32, Int64: 64 }

/** The field numbers of `Metric.value` and the datatypes that use each. */
const FIELDS: Readonly<Record<number, readonly string[]>> = {
  10: ['Int8', 'Int16', 'Int32', 'UInt8', 'UInt16', 'UInt32'],
  11: ['Int64', 'UInt32', 'UInt64', 'DateTime'],
  12: ['Float'],
  13: ['Double'],
  14: ['Boolean'],
  15: ['String', 'Text', 'UUID'],
  16: ['Bytes', 'File', 'Array'],
  17: ['DataSet'],
  18: ['Template'],
}

export const isValueField = (field: WireField) => field.number in FIELDS

/**
 * The value in a metric's value field, or undefined where the datatype says that it must be another one (a wrong
 * alias, mostly). Bytes, data sets and templates are only described.
 */
export function metricValue(field: WireField, datatype: number | undefined): { value: unknown } | undefined {
  const name = datatypeName(datatype)
  if (name !== 'Unknown' && !FIELDS[field.number]?.includes(name)) return undefined
  if (field.wire === 'bytes') return textValue(field, name)
  if (field.number === 12 && field.wire === 'fixed32') return { value: floatOf(field.bits, 32) }
  if (field.number === 13 && field.wire === 'fixed64') return { value: floatOf(field.bits, 64) }
  if (field.wire !== 'varint') return undefined
  if (field.number === 14) return { value: field.bits !== 0n }
  if (field.number !== 10 && field.number !== 11) return undefined
  const size = SIGNED[name]
  return { value: integerOf(size === undefined ? field.bits : BigInt.asIntN(size, field.bits)) }
}

function textValue(field: WireField & { wire: 'bytes' }, name: string): { value: unknown } | undefined {
  if (field.number === 15) return { value: field.bytes.toString('utf8') }
  return field.number >= 16 ? { value: { type: name, bytes: field.bytes.length } } : undefined
}
