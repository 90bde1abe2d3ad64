import type { JsonSchema } from '../../src/kernel/tool.ts'
import { code } from './markdown.ts'

/** A field of an object schema, as a row of a table. */
export interface Field {
  readonly name: string
  readonly type: string
  readonly isRequired: boolean
  readonly standard: string
  readonly description: string
}

export function fieldsOf(schema: JsonSchema, root: JsonSchema = schema): Field[] {
  const object = follow(schema, root)
  const required = (object['required'] ?? []) as readonly string[]
  return Object.entries((object['properties'] ?? {}) as Record<string, JsonSchema>).map(([name, property]) => ({
    name,
    type: typeText(property, root),
    isRequired: required.includes(name),
    standard: 'default' in property ? JSON.stringify(property['default']) : '',
    description: descriptionOf(property),
  }))
}

export function descriptionOf({ description }: JsonSchema): string {
  return typeof description === 'string' ? description : ''
}

/** A type in one line: `integer 0…65535`, `string[]`, `"a" | "b"`. */
export function typeText(schema: JsonSchema, root: JsonSchema): string {
  const own = follow(schema, root)
  const { type, enum: values, const: only, anyOf, oneOf, format } = own
  const alternatives = (anyOf ?? oneOf) as readonly JsonSchema[] | undefined
  if (values !== undefined) return (values as unknown[]).map((value) => JSON.stringify(value)).join(' | ')
  if (only !== undefined) return JSON.stringify(only)
  // A schema that is its own alternative stands for any JSON value.
  if (own !== schema && alternatives) return 'any JSON'
  if (alternatives) return [...new Set(alternatives.map((alternative) => typeText(alternative, root)))].join(' | ')
  if (type === 'array') return `${bracketed(typeText((own['items'] ?? {}) as JsonSchema, root))}[]`
  if (type === 'integer' || type === 'number') return `${type}${rangeText(own)}`
  if (type === 'string' && typeof format === 'string') return `string (${format})`
  return typeof type === 'string' ? type : 'any JSON'
}

const bracketed = (text: string) => (text.includes(' ') ? `(${text})` : text)

/** Bounds that only say "a safe integer" say nothing. */
function rangeText({ minimum, maximum, exclusiveMinimum }: JsonSchema): string {
  const known = (bound: unknown) =>
    typeof bound === 'number' && Math.abs(bound) < Number.MAX_SAFE_INTEGER ? bound : undefined
  const from = known(minimum)
  const above = known(exclusiveMinimum)
  const to = known(maximum)
  if (above !== undefined) return ` > ${above}${to === undefined ? '' : `, ≤ ${to}`}`
  if (from !== undefined) return to === undefined ? ` ≥ ${from}` : ` ${from}…${to}`
  return to === undefined ? '' : ` ≤ ${to}`
}

function follow(schema: JsonSchema, root: JsonSchema): JsonSchema {
  const { $ref } = schema
  if (typeof $ref !== 'string') return schema
  const found = $ref
    .split('/')
    .slice(1)
    .reduce<unknown>((at, step) => (at as JsonSchema | undefined)?.[step], root)
  return (found ?? {}) as JsonSchema
}

/** The field's row: name, type, default or "required", description. */
export function fieldRow({ name, type, isRequired, standard, description }: Field): string[] {
  return [code(name), code(type), isRequired && standard === '' ? 'required' : code(standard), description]
}
