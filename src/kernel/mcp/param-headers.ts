import { isObject } from './message.ts'

/** Which member of a request's params its header `Mcp-Name` repeats (2026-07-28, Streamable HTTP, "Standard Request Headers"; tasks extension). */
export const NAMED_BY: Readonly<Record<string, 'name' | 'uri' | 'taskId'>> = {
  'tools/call': 'name',
  'prompts/get': 'name',
  'resources/read': 'uri',
  'tasks/get': 'taskId',
  'tasks/update': 'taskId',
  'tasks/cancel': 'taskId',
}

/** An argument that a tool's calls repeat as an HTTP header `Mcp-Param-<name>` (2026-07-28, Streamable HTTP, "Custom Headers from Tool Parameters"). */
export interface ParamHeader {
  /** As annotated; `Mcp-Param-` goes before it. */
  readonly name: string
  /** From the arguments' root to the value. */
  readonly path: readonly string[]
}

/** RFC 9110, 5.6.2. */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
const TYPES: ReadonlySet<unknown> = new Set(['string', 'integer', 'boolean'])
const ANNOTATION = 'x-mcp-header'

/**
 * The annotated arguments of a tool's input schema. Undefined: an annotation breaks a rule, and the tool with it must
 * not be offered to clients over HTTP.
 */
export function paramHeadersOf(inputSchema: unknown): readonly ParamHeader[] | undefined {
  const found = annotated(inputSchema, [])
  const names = new Set(found.map(({ name }) => name.toLowerCase()))
  if (names.size !== found.length || found.some(({ valid }) => !valid)) return undefined
  // One that stands where no chain of `properties` leads is as wrong as one that breaks a rule.
  if (count(inputSchema, 0) !== found.length) return undefined
  return found
}

interface Found extends ParamHeader {
  readonly valid: boolean
}

function annotated(schema: unknown, path: readonly string[]): Found[] {
  const properties = isObject(schema) ? schema['properties'] : undefined
  if (!isObject(properties)) return []
  return Object.entries(properties).flatMap(([key, property]) => {
    const here = [...path, key]
    return [...(isObject(property) ? own(property, here) : []), ...annotated(property, here)]
  })
}

function own(property: Readonly<Record<string, unknown>>, path: readonly string[]): Found[] {
  if (!(ANNOTATION in property)) return []
  const name = property[ANNOTATION]
  const valid = typeof name === 'string' && TOKEN.test(name) && TYPES.has(property['type'])
  return [{ name: String(name), path, valid }]
}

const DEEPEST = 64

function count(value: unknown, depth: number): number {
  if (depth > DEEPEST || typeof value !== 'object' || value === null) return 0
  const here = !Array.isArray(value) && ANNOTATION in value ? 1 : 0
  return Object.values(value).reduce<number>((sum, member) => sum + count(member, depth + 1), here)
}

/** The argument's value as its header says it before encoding; undefined: there is none, and so no header. */
export function paramValue(args: unknown, path: readonly string[]): string | undefined {
  let value = args
  for (const key of path) {
    if (!isObject(value) || !Object.hasOwn(value, key)) return undefined
    value = value[key]
  }
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? String(value)
    : undefined
}

/** Visible ASCII with single spaces inside passes as it is; all else, and what looks encoded already, in base64. */
export function encodeHeaderValue(value: string): string {
  const isPlain = /^[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?$/.test(value)
  const isSentinel = value.startsWith('=?base64?') && value.endsWith('?=')
  return isPlain && !isSentinel ? value : `=?base64?${Buffer.from(value).toString('base64')}?=`
}

/** A value that does not fit into a header comes as `=?base64?…?=`; undefined when that is malformed. */
export function decodeHeaderValue(value: string): string | undefined {
  if (!value.startsWith('=?base64?') || !value.endsWith('?=')) return value
  const encoded = value.slice('=?base64?'.length, -'?='.length)
  const bytes = Buffer.from(encoded, 'base64')
  return bytes.toString('base64') === encoded ? bytes.toString() : undefined
}
