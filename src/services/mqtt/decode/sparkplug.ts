import type { Decoded } from './format.ts'
import type { Aliases } from './sparkplug-aliases.ts'
import { isValueField, metricValue } from './sparkplug-datatypes.ts'
import { integerOf, readFields, type WireField } from './wire.ts'

/** Where a Sparkplug B message comes from: `spBv1.0/<group>/<type>/<edge node>[/<device>]`. */
interface Origin {
  readonly type: string
  readonly edgeNode: string
  readonly device: string
}

const TYPES = new Set(['NBIRTH', 'NDEATH', 'NDATA', 'NCMD', 'DBIRTH', 'DDEATH', 'DDATA', 'DCMD'])

/** The origin that a topic names, or undefined for topics that are no Sparkplug B payload's (`STATE` is JSON). */
export function sparkplugOrigin(topic: string): Origin | undefined {
  if (!topic.startsWith('spBv1.0/')) return undefined
  const [, group = '', type = '', node = '', device = '', more] = topic.split('/', 6)
  if (!TYPES.has(type) || node === '' || more !== undefined) return undefined
  return { type, edgeNode: `${group}/${node}`, device }
}

/** Reads a payload (Sparkplug B 3.0 §6.4) and learns from BIRTHs. Undefined when the bytes are no such message. */
export function readSparkplug(origin: Origin, bytes: Buffer, aliases: Aliases): Decoded | undefined {
  const fields = readFields(bytes)
  if (!fields || fields.some(({ number }) => number > 5)) return undefined
  if (origin.type === 'NBIRTH') aliases.reset(origin.edgeNode)
  const unknown: string[] = []
  const metrics: [string, unknown][] = []
  for (const field of fields.filter(({ number }) => number === 2)) {
    const inner = field.wire === 'bytes' ? readFields(field.bytes) : undefined
    if (!inner) return undefined
    const { key, value, problem } = readMetric(inner, origin, aliases)
    metrics.push([key, value])
    if (problem !== undefined) unknown.push(problem)
  }
  const timestamp = bitsOf(fields, 1)
  const seq = bitsOf(fields, 3)
  return {
    format: 'sparkplug-b',
    value: {
      ...(timestamp !== undefined && { timestamp: integerOf(timestamp) }),
      ...(seq !== undefined && { seq: integerOf(seq) }),
      metrics: Object.fromEntries(metrics),
    },
    confidence: 'certain',
    ...(unknown.length > 0 && { note: notesOf(unknown) }),
  }
}

interface Metric {
  readonly key: string
  readonly value: unknown
  readonly problem?: string
}

function readMetric(fields: readonly WireField[], origin: Origin, aliases: Aliases): Metric {
  const { edgeNode, device } = origin
  const alias = bitsOf(fields, 2)
  const ownName = textOf(fields, 1)
  const ownType = bitsOf(fields, 4)
  const born = ownName === undefined ? byAlias(aliases, edgeNode, alias) : aliases.byName(edgeNode, device, ownName)
  const name = ownName ?? born?.name
  const datatype = ownType === undefined ? born?.datatype : Number(ownType)
  const key = name ?? (alias === undefined ? 'unnamed' : `alias ${alias}`)
  if (name !== undefined && origin.type.endsWith('BIRTH')) aliases.learn(edgeNode, { name, datatype, alias, device })
  if (name === undefined)
    return { key, value: null, problem: `${key}: no BIRTH seen that names it, so its value means nothing yet` }
  if (bitsOf(fields, 7) === 1n) return { key, value: null }
  const field = fields.findLast(isValueField)
  if (!field) return { key, value: null, problem: `${key}: has no value` }
  const read = metricValue(field, datatype)
  return read ? { key, ...read } : { key, value: null, problem: `${key}: its value is not of the datatype announced` }
}

const byAlias = (aliases: Aliases, edgeNode: string, alias: bigint | undefined) =>
  alias === undefined ? undefined : aliases.byAlias(edgeNode, alias)

function bitsOf(fields: readonly WireField[], number: number): bigint | undefined {
  const field = fields.findLast((field) => field.number === number)
  return field === undefined || field.wire === 'bytes' ? undefined : field.bits
}

function textOf(fields: readonly WireField[], number: number): string | undefined {
  const field = fields.findLast((field) => field.number === number)
  return field?.wire === 'bytes' ? field.bytes.toString('utf8') : undefined
}

const notesOf = (problems: readonly string[]) =>
  problems.length <= 3
    ? problems.join('; ')
    : `${problems.slice(0, 3).join('; ')}; and ${problems.length - 3} more like these`
