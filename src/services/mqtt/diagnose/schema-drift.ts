import type { Decoded } from '../decode/decode.ts'
import { createSchema, renderSchema, type SchemaStatistics } from '../schema/statistics.ts'

/** What changed in how the payloads of a topic are built: `temperature` appeared, disappeared or has another type. */
export interface Drift {
  readonly path: string
  readonly change: 'appeared' | 'disappeared' | 'type'
  readonly says: string
}

/** Compares the payloads of one topic before a moment with those after it. */
export interface DriftWatch {
  add(decoded: Decoded, isLater: boolean): void
  /** Undefined while there are too few to compare. */
  drift(): Drift[] | undefined
}

/** On each side: fewer do not show which members are always there. */
const LEAST_MESSAGES = 5
const DEEPEST = 6
const MOST_CHANGES = 10

export function createDriftWatch(): DriftWatch {
  // Made when needed: most topics of a home never get so far.
  let earlier: SchemaStatistics | undefined
  let later: SchemaStatistics | undefined
  return {
    add(decoded, isLater) {
      if (isLater) (later ??= createSchema()).add(decoded)
      else (earlier ??= createSchema()).add(decoded)
    },
    drift() {
      if (!earlier || !later) return undefined
      if (Math.min(earlier.messages, later.messages) < LEAST_MESSAGES) return undefined
      return changes(fieldsOf(renderSchema(earlier)), fieldsOf(renderSchema(later)))
    },
  }
}

interface Field {
  readonly types: ReadonlySet<string>
  readonly isRequired: boolean
}

function changes(before: ReadonlyMap<string, Field>, after: ReadonlyMap<string, Field>): Drift[] {
  const paths = new Set([...before.keys(), ...after.keys()])
  return [...paths].flatMap((path) => changeOf(path, before.get(path), after.get(path)) ?? []).slice(0, MOST_CHANGES)
}

/** What only some messages had is no change when it is missing. */
function changeOf(path: string, before: Field | undefined, after: Field | undefined): Drift | undefined {
  if (!before && after?.isRequired) return { path, change: 'appeared', says: `${path} is new.` }
  if (before?.isRequired && !after) return { path, change: 'disappeared', says: `${path} is gone.` }
  if (!before || !after || !before.types.isDisjointFrom(after.types)) return undefined
  if (before.types.size === 0 || after.types.size === 0) return undefined
  const [was, is] = [before, after].map(({ types }) => [...types].join(' or '))
  return { path, change: 'type', says: `${path} was ${was} and is ${is} now.` }
}

/** The members of a JSON Schema, by their paths. */
function fieldsOf(schema: unknown): Map<string, Field> {
  const fields = new Map<string, Field>()
  const walk = (node: unknown, path: string, place: { depth: number; isRequired: boolean }) => {
    const { type, properties, required } = membersOf(node)
    const types = new Set([type].flat().flatMap((name) => (typeof name === 'string' ? [family(name)] : [])))
    fields.set(path === '' ? 'payload' : path, { types, isRequired: place.isRequired })
    if (place.depth >= DEEPEST) return
    const needed = new Set(Array.isArray(required) ? required : [])
    for (const [name, member] of Object.entries(membersOf(properties)))
      walk(member, path === '' ? name : `${path}.${name}`, {
        depth: place.depth + 1,
        isRequired: place.isRequired && needed.has(name),
      })
  }
  walk(schema, '', { depth: 0, isRequired: true })
  return fields
}

/** A value that happens to be whole now and then has not changed its type. */
const family = (type: string) => (type === 'integer' ? 'number' : type)

const membersOf = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
