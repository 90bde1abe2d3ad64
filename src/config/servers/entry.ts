import type { z } from 'zod'
import { pathText } from '../../kernel/issues.ts'
import type { Complaint } from '../explain.ts'
import { demandOf } from '../explain.ts'
import { isObject } from '../layers.ts'
import { keysOf } from '../shape.ts'
import { EntrySchema, ExtrasSchema, type Entry, type Extras } from './schema.ts'
import { explained, unknownKeys } from './unknown-keys.ts'

/** One server as the file has it, sorted into what all clients know and what is ours. */
export interface ReadEntry {
  readonly entry: Entry
  readonly extras: Extras
  /** Where a key of ours stands: below `alicia`, or beside the others. */
  pathOf(path: readonly PropertyKey[]): readonly PropertyKey[]
  readonly warnings: readonly Complaint[]
}

export type EntryResult = ReadEntry | { readonly wrong: readonly Complaint[]; readonly warnings: readonly Complaint[] }

const OURS = keysOf(ExtrasSchema)
const KNOWN = [...keysOf(EntrySchema), ...OURS, 'alicia']

/** Checks one server against the schemas; `path` is where it stands in the file. */
export function readEntry(raw: unknown, path: readonly PropertyKey[]): EntryResult {
  if (!isObject(raw)) return { wrong: [{ path, text: `${pathText(path)} must be an object: {…}` }], warnings: [] }
  const { alicia = {}, ...flat } = raw
  if (!isObject(alicia))
    return {
      wrong: [{ path: [...path, 'alicia'], text: `${pathText([...path, 'alicia'])} must be an object: {…}` }],
      warnings: [],
    }
  const beside = Object.fromEntries(Object.entries(flat).filter(([key]) => OURS.includes(key)))
  const standard = Object.fromEntries(Object.entries(flat).filter(([key]) => !OURS.includes(key)))
  const ours = { ...beside, ...alicia }
  const pathOf = (below: readonly PropertyKey[]) =>
    Object.hasOwn(alicia, below[0] ?? '') ? ['alicia', ...below] : below
  const entry = EntrySchema.safeParse(standard)
  const extras = ExtrasSchema.safeParse(ours)
  const warnings = [
    ...unknownKeys(EntrySchema, standard).map((unknown) =>
      unknown.path.length === 1 ? { ...unknown, text: explained(String(unknown.path[0]), KNOWN) } : unknown,
    ),
    ...unknownKeys(ExtrasSchema, ours).map((unknown) => ({ ...unknown, path: pathOf(unknown.path) })),
    ...Object.keys(beside)
      .filter((key) => Object.hasOwn(alicia, key))
      .map((key) => ({ path: [key], text: 'stands in alicia too, and that one counts' })),
  ].map((warning) => complaint([...path, ...warning.path], warning.text))
  if (entry.success && extras.success) return { entry: entry.data, extras: extras.data, pathOf, warnings }
  const wrong = [
    ...issuesOf(EntrySchema, standard, entry),
    ...issuesOf(ExtrasSchema, ours, extras).map((issue) => ({ ...issue, path: pathOf(issue.path) })),
  ].map((issue) => complaint([...path, ...issue.path], issue.text))
  return { wrong, warnings }
}

/** What a schema has against a value: `path` below the value, `text` without the key. */
export function issuesOf(schema: z.ZodType, given: unknown, parsed: z.ZodSafeParseResult<unknown>): Complaint[] {
  return (parsed.error?.issues ?? []).map((issue) => ({ path: issue.path, text: demandOf(issue, given, schema) }))
}

const complaint = (path: readonly PropertyKey[], text: string): Complaint => ({
  path,
  text: `${pathText(path)} ${text}`,
})
