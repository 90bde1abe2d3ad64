import { Fault } from '../../kernel/fault.ts'
import { nearest } from '../../kernel/nearest.ts'
import type { JsonSchema } from '../../kernel/tool.ts'

/** Of one operation: its name, for messages, and the schema its input must fit. */
export interface Target {
  readonly name: string
  readonly inputSchema: JsonSchema
}

/**
 * The input of a call from its words: one JSON object, or `key=value` (text made into what the schema wants) and
 * `key:=json`. Both forms mix: words after an object change its keys. Throws Fault `invalid_input`, naming the key.
 */
export function inputOf(words: readonly string[], target: Target): Record<string, unknown> {
  const entries = words.flatMap((word) =>
    word.trimStart().startsWith('{') ? Object.entries(objectOf(word, target.name)) : [pairOf(word, target)],
  )
  // The later one counts; one called `__proto__` is a key like any other.
  return Object.fromEntries(entries)
}

export function objectOf(text: string, name: string): object {
  const value = jsonOf(text, `The input of ${name}`)
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value
  throw new Fault('invalid_input', `The input of ${name} must be a JSON object.`)
}

function jsonOf(text: string, what: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    // V8's message quotes the text, which may hold a password.
    throw new Fault('invalid_input', `${what} is not valid JSON.`, {
      hint: "In a shell, put it into single quotes: '{…}'.",
      cause: error,
    })
  }
}

function pairOf(word: string, target: Target): [key: string, value: unknown] {
  const match = /^([^=:]+)(:?=)(.*)$/s.exec(word)
  const properties = propertiesOf(target.inputSchema)
  if (!match) {
    const example = Object.keys(properties)[0] ?? 'key'
    throw new Fault('invalid_input', `${target.name}: an argument is neither JSON nor key=value.`, {
      hint: `Write ${example}=value, ${example}:=json or one JSON object.`,
    })
  }
  const [, key = '', sign, text = ''] = match
  const schema = Object.hasOwn(properties, key) ? properties[key] : othersOf(target.inputSchema)
  if (schema === undefined) throw unknownKey(key, target, Object.keys(properties))
  if (sign === ':=') return [key, jsonOf(text, `${key} of ${target.name}`)]
  return [key, coerce(text, resolve(schema, target.inputSchema), target.inputSchema)]
}

/** An empty schema is that of an operation of which nothing is known here: the hub will say what it takes. */
const othersOf = (schema: JsonSchema): JsonSchema | undefined => (Object.keys(schema).length === 0 ? {} : undefined)

function unknownKey(key: string, { name }: Target, known: readonly string[]): Fault {
  const meant = nearest(key, known)
  const hint = known.length === 0 ? 'It takes no arguments.' : `It takes: ${known.join(', ')}.`
  return new Fault(
    'invalid_input',
    `${name} has no argument ${key.slice(0, 100)}${meant ? `; did you mean ${meant}?` : '.'}`,
    {
      hint,
    },
  )
}

function propertiesOf({ properties }: JsonSchema): Readonly<Record<string, JsonSchema>> {
  return (properties ?? {}) as Record<string, JsonSchema>
}

/**
 * Text as the schema wants it. Where text itself is permitted it stays text, so that `payload=42` is what was typed;
 * what fits nothing stays too: the hub knows best how to refuse it.
 */
function coerce(text: string, schema: JsonSchema, root: JsonSchema): unknown {
  const types = typesOf(schema, root)
  if (types.has('string') || types.size === 0) return text
  if ((types.has('number') || types.has('integer')) && /^-?(\d|\.\d)/.test(text) && Number.isFinite(Number(text)))
    return Number(text)
  const literal = LITERALS.get(text)
  if (literal !== undefined && types.has(literal === null ? 'null' : 'boolean')) return literal
  if (types.has('object') && text.startsWith('{')) return jsonOf(text, 'The value')
  if (types.has('array')) return listOf(text, schema, root)
  return text
}

const LITERALS: ReadonlyMap<string, boolean | null> = new Map([
  ['true', true],
  ['false', false],
  ['null', null],
])

/** `[…]` is JSON; anything else are entries separated by commas. */
function listOf(text: string, schema: JsonSchema, root: JsonSchema): unknown {
  if (text.startsWith('[')) return jsonOf(text, 'The value')
  if (text === '') return []
  const items = resolve((schema['items'] ?? {}) as JsonSchema, root)
  return text.split(',').map((part) => coerce(part.trim(), items, root))
}

/** Every JSON type the schema lets through, through its alternatives. */
function typesOf(schema: JsonSchema, root: JsonSchema, seen = new Set<JsonSchema>()): Set<string> {
  // A schema may be one of its own alternatives (any JSON value is).
  if (seen.has(schema)) return new Set()
  seen.add(schema)
  const { type, enum: values, const: only, anyOf, oneOf, format } = schema
  const types = new Set([type].flat().filter((name) => typeof name === 'string'))
  // A date is text, but not any text: a number beside it is meant as one.
  if (format !== undefined && types.delete('string')) types.add('formatted string')
  if (type === undefined)
    for (const value of [values, only].flat())
      if (value !== undefined) types.add(value === null ? 'null' : typeof value)
  for (const alternative of [anyOf, oneOf].flat()) {
    if (alternative === undefined) continue
    for (const name of typesOf(resolve(alternative as JsonSchema, root), root, seen)) types.add(name)
  }
  return types
}

/** Follows `#/$defs/…`; anything that cannot be followed permits everything. */
function resolve(schema: JsonSchema, root: JsonSchema): JsonSchema {
  const { $ref } = schema
  if (typeof $ref !== 'string') return schema
  const target = $ref
    .split('/')
    .slice(1)
    .reduce<unknown>((at, step) => (at as Record<string, unknown> | undefined)?.[step], root)
  return (target ?? {}) as JsonSchema
}
