import type { z } from 'zod'
import { pathText } from '../kernel/issues.ts'
import { nearest } from '../kernel/nearest.ts'
import { ConfigSchema } from './schema.ts'
import { flagKey, SETTINGS } from './settings.ts'
import { keysOf, leavesOf, schemaAt } from './shape.ts'

/** A complaint about one key, in words. */
export interface Complaint {
  readonly path: readonly PropertyKey[]
  readonly text: string
}

/** The schema's complaints, with what was meant. Names keys and permitted values, never the value that was given. */
export function explain(issue: z.core.$ZodIssue, given: unknown): Complaint[] {
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => ({ path: [...issue.path, key], text: unknownKey(issue.path, key) }))
  return [{ path: issue.path, text: `${pathText(issue.path) || 'the file'} ${demandOf(issue, given, ConfigSchema)}` }]
}

/** What `schema` wants where `given` has something else: `must be a number`. */
export const demandOf = (issue: z.core.$ZodIssue, given: unknown, schema: z.ZodType): string =>
  demand(issue, valueAt(given, issue.path), schema)

function unknownKey(parent: readonly PropertyKey[], key: string): string {
  const sibling = nearest(key, keysOf(schemaAt(ConfigSchema, parent)))
  const meant = sibling === undefined ? elsewhere(key) : pathText([...parent, sibling])
  return `${pathText([...parent, key])} is unknown${didYouMean(meant)}`
}

/** The name may be right and the place wrong (`timeoutSeconds` on top), or be that of the flag (`mqttPort`). */
function elsewhere(key: string): string | undefined {
  const places = new Map<string, string>()
  for (const path of leavesOf(ConfigSchema)) places.set(path.split('.').at(-1) ?? path, path).set(path, path)
  for (const { key: path, flag } of SETTINGS) if (flag !== undefined) places.set(flagKey(flag), path)
  return places.get(nearest(key, places.keys()) ?? '')
}

export const didYouMean = (meant: string | undefined): string =>
  meant === undefined ? '' : ` (did you mean ${meant}?)`

function demand(issue: z.core.$ZodIssue, given: unknown, schema: z.ZodType): string {
  switch (issue.code) {
    case 'invalid_type':
      return given === undefined ? 'is missing' : `must be ${kindText(issue, schema)}`
    case 'invalid_value':
      return choice(issue.values.map(String), given)
    case 'too_small':
      return `must ${amount(issue.origin)} at least ${issue.minimum}${unitOf(issue.origin)}`
    case 'too_big':
      return `must ${amount(issue.origin)} at most ${issue.maximum}${unitOf(issue.origin)}`
    case 'invalid_key':
      return `is a name that cannot be: it ${issue.issues[0]?.message ?? 'has another form'}`
    default:
      return issue.message
  }
}

const KINDS: Readonly<Record<string, string>> = {
  int: 'a whole number',
  number: 'a number',
  string: 'text',
  boolean: 'true or false',
  array: 'a list: […]',
  object: 'an object: {…}',
  record: 'an object: {…}',
}

/** Text where an integer belongs is complained about as text where a number belongs. */
function kindText({ expected, path }: z.core.$ZodIssueInvalidType, schema: z.ZodType): string {
  const { format } = (schemaAt(schema, path)?.def ?? {}) as { format?: string }
  return KINDS[format === 'safeint' ? 'int' : expected] ?? expected
}

const amount = (origin: string) => (origin === 'string' || origin === 'array' ? 'have' : 'be')

const unitOf = (origin: string) => (origin === 'string' ? ' characters' : origin === 'array' ? ' entries' : '')

function choice(values: readonly string[], given: unknown): string {
  const meant = typeof given === 'string' ? nearest(given, values) : undefined
  return `must be one of ${values.join(', ')}${didYouMean(meant)}`
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (current, step) =>
      typeof current === 'object' && current !== null ? (current as Record<PropertyKey, unknown>)[step] : undefined,
    value,
  )
}
