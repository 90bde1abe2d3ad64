import { isObject } from '../../kernel/mcp/message.ts'

/** Characters of a description of an argument. */
const LONGEST_DESCRIPTION = 160
/** Levels of a schema; what lies deeper is any value. */
const DEEPEST = 6

/** Members that tell a model nothing it needs for a call. */
const LEFT_OUT = new Set(['$schema', '$id', '$comment', 'title', 'examples'])

/** A schema of arguments with fewer tokens: a call that fits it fits the whole one, as far as it says. */
export function compactSchema(schema: unknown, depth = 0): unknown {
  if (Array.isArray(schema)) return schema.map((element) => compactSchema(element, depth))
  if (!isObject(schema)) return schema
  if (depth > DEEPEST) return {}
  const members = Object.entries(schema).flatMap(([key, value]) => {
    // Under `properties` keys are names of arguments, whatever they are called.
    if (key === 'properties' || key === '$defs' || key === 'definitions') return [[key, compactNamed(value, depth)]]
    if (LEFT_OUT.has(key) || (key === 'additionalProperties' && !isObject(value))) return []
    if (key === 'description') return typeof value === 'string' ? [[key, cut(value)]] : []
    if (key === 'enum' || key === 'const' || key === 'default' || key === 'required') return [[key, value]]
    return [[key, compactSchema(value, depth + 1)]]
  })
  return Object.fromEntries(members) as unknown
}

function compactNamed(value: unknown, depth: number): unknown {
  if (!isObject(value)) return value
  return Object.fromEntries(Object.entries(value).map(([name, schema]) => [name, compactSchema(schema, depth + 1)]))
}

const cut = (text: string): string =>
  text.length <= LONGEST_DESCRIPTION ? text : `${text.slice(0, LONGEST_DESCRIPTION - 1).trimEnd()}…`
