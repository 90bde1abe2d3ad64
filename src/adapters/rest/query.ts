import { Fault } from '../../kernel/fault.ts'
import { nearest } from '../../kernel/nearest.ts'
import type { JsonSchema, Tool } from '../../kernel/tool.ts'

/** Turns the texts that were given for one input into the JSON value they mean; a text that fits no type stays. */
export type Coerce = (texts: readonly string[]) => unknown

/** How each input of a tool reads from a query or a path. Made once a tool: a schema takes a millisecond to walk. */
export type Coercions = ReadonlyMap<string, Coerce>

export function coercionsOf({ inputSchema }: Pick<Tool, 'inputSchema'>): Coercions {
  const properties = (inputSchema['properties'] ?? {}) as Record<string, JsonSchema>
  return new Map(Object.entries(properties).map(([name, schema]) => [name, coerceTo(typesOf(schema, inputSchema))]))
}

/** The inputs of a query string (without `?`). Throws Fault `invalid_input` for a key the tool does not take. */
export function readQuery(query: string, tool: Pick<Tool, 'name'>, coercions: Coercions): Record<string, unknown> {
  const given = new Map<string, string[]>()
  for (const [key, text] of new URLSearchParams(query)) {
    const texts = given.get(key)
    if (texts) texts.push(text)
    else given.set(key, [text])
  }
  return Object.fromEntries(
    [...given].map(([key, texts]) => {
      const coerce = coercions.get(key)
      if (!coerce) throw unknownKey(key, tool, [...coercions.keys()])
      return [key, coerce(texts)]
    }),
  )
}

interface Types {
  /** JSON Schema's names of types. */
  readonly names: ReadonlySet<string>
  readonly items?: Types
}

/** What the schema may be, through references and alternatives. A reference back to itself adds nothing new. */
function typesOf(schema: JsonSchema, root: JsonSchema, seen: ReadonlySet<unknown> = new Set()): Types {
  if (seen.has(schema)) return { names: new Set() }
  const next = new Set([...seen, schema])
  const names = new Set([schema['type'] ?? []].flat() as string[])
  for (const value of valuesNamed(schema)) names.add(value === null ? 'null' : typeof value)
  let items = isSchema(schema['items']) ? typesOf(schema['items'], root, next) : undefined
  for (const part of partsOf(schema, root)) {
    const types = typesOf(part, root, next)
    for (const name of types.names) names.add(name)
    items ??= types.items
  }
  return { names, ...(items && { items }) }
}

const isSchema = (value: unknown): value is JsonSchema => typeof value === 'object' && value !== null

function valuesNamed(schema: JsonSchema): unknown[] {
  const listed = Array.isArray(schema['enum']) ? (schema['enum'] as unknown[]) : []
  return 'const' in schema ? [schema['const'], ...listed] : listed
}

function partsOf(schema: JsonSchema, root: JsonSchema): JsonSchema[] {
  const alternatives = [schema['anyOf'], schema['oneOf'], schema['allOf']].flatMap((parts) => parts ?? [])
  const referred = typeof schema['$ref'] === 'string' ? resolve(schema['$ref'], root) : undefined
  return [...alternatives, referred].filter(isSchema)
}

/** A reference within the document (RFC 6901). */
function resolve(reference: string, root: JsonSchema): unknown {
  const steps = reference.replace(/^#\/?/, '').split('/').filter(Boolean)
  return steps.reduce<unknown>((value, step) => {
    const key = step.replaceAll('~1', '/').replaceAll('~0', '~')
    return isSchema(value) ? value[key] : undefined
  }, root)
}

function coerceTo(types: Types): Coerce {
  const { names, items } = types
  const item = items ? coerceTo(items) : undefined
  const isList = names.has('array')
  return (texts) => {
    const [text = ''] = texts
    if (!isList) return texts.length === 1 ? single(text, names) : [...texts]
    // `?tags=a,b`, `?tags=a&tags=b` and `?tags=["a","b"]` are the same list.
    if (texts.length === 1 && text.startsWith('[')) return json(text)
    if (texts.length === 1 && names.has('string') && !text.includes(',')) return text
    const parts = texts.length === 1 ? text.split(',').filter((part) => part !== '') : texts
    return parts.map((part) => (item ? item([part]) : part))
  }
}

const NUMBER = /^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/

function single(text: string, names: ReadonlySet<string>): unknown {
  // Where a text is as good as a number, it stays the text it is: `?payload=007`.
  if (names.has('string')) return text
  if ((names.has('number') || names.has('integer')) && NUMBER.test(text)) return Number(text)
  if (names.has('boolean') && (text === 'true' || text === 'false')) return text === 'true'
  if (names.has('null') && text === 'null') return null
  return names.has('object') || names.size === 0 ? json(text) : text
}

/** The value the text spells, or the text: what is wrong with it is for the schema to say. */
function json(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

function unknownKey(key: string, { name }: Pick<Tool, 'name'>, known: readonly string[]): Fault {
  const shown = key.slice(0, 100)
  const meant = nearest(shown, known)
  const text = meant === undefined ? `${shown}: unknown` : `${shown}: unknown (did you mean ${meant}?)`
  return new Fault('invalid_input', `${name}: ${text}.`, {
    hint: known.length === 0 ? 'It takes no arguments.' : `It takes: ${known.join(', ')}.`,
    details: { issues: [{ path: shown, text }] },
  })
}
