import { sql, type ExpressionBuilder, type ExpressionWrapper, type SqlBool } from 'kysely'
import { Fault } from '../../kernel/fault.ts'
import type { CountedBy, TrailCount, TrailEntry, TrailFilter, TrailPage } from '../../kernel/trail.ts'
import type { AuditTable, AuditTables } from './audit-table.ts'
import type { AuditRow } from './columns.ts'

/** Entries that are looked at by one statement: some milliseconds, in which nothing else happens on SQLite. */
const LOOKED_AT_ONCE = 5000
const MOST_GROUPS = 100
/** Groups are made in memory: addresses and callers come from outside. */
const MOST_KEYS = 20_000

/** A stretch of time; `to` does not belong to it. */
interface Stretch {
  readonly fromMs: number
  readonly toMs: number
}

/** Newest first, a stretch at a time, however few match. */
export async function search(
  table: AuditTable,
  filter: TrailFilter,
  { most, cursor }: { readonly most: number; readonly cursor?: string },
  signal: AbortSignal,
): Promise<TrailPage> {
  const begin = cursor === undefined ? undefined : placeOf(cursor)
  const entries: TrailEntry[] = []
  const toMs = Math.min(filter.toMs ?? Infinity, begin ? begin.atMs + 1 : Infinity)
  for await (const stretch of stretches(table, { ...filter, ...(toMs < Infinity && { toMs }) }, signal)) {
    const rows = await matching(table, filter, stretch)
      .selectAll()
      .orderBy('at_ms', 'desc')
      .orderBy('chain', 'desc')
      .orderBy('seq', 'desc')
      .limit(most + 1 + (begin?.skipped ?? 0))
      .execute()
    const left = begin ? withoutShown(rows, begin) : rows
    entries.push(...left.map(entryOf))
    if (entries.length > most)
      return { entries: entries.slice(0, most), cursor: cursorAfter(entries.slice(0, most), begin) }
  }
  return { entries }
}

export async function count(
  table: AuditTable,
  filter: TrailFilter,
  by: CountedBy | undefined,
  signal: AbortSignal,
): Promise<TrailCount> {
  let total = 0
  const groups = new Map<string, { count: number; failed: number }>()
  for await (const stretch of stretches(table, filter, signal)) {
    const rows = await matching(table, filter, stretch)
      .select([
        by === undefined ? sql<string>`''`.as('of') : sql<string>`coalesce(${sql.ref(COLUMN_OF[by])}, '')`.as('of'),
        'outcome',
        'effect',
        'details',
      ])
      .execute()
    for (const { of, outcome, effect, details } of rows) {
      const times = effect === 'event' ? countIn(details) : 1
      total += times
      const key = groups.has(of) || groups.size < MOST_KEYS ? of : '…'
      const group = groups.get(key) ?? { count: 0, failed: 0 }
      group.count += times
      if (outcome !== 'ok') group.failed += times
      groups.set(key, group)
    }
  }
  const sorted = [...groups].map(([of, group]) => ({ of, ...group })).sort((a, b) => b.count - a.count)
  return { count: total, groups: by === undefined ? [] : sorted.slice(0, MOST_GROUPS) }
}

const COLUMN_OF = {
  operation: 'operation',
  caller: 'caller_id',
  person: 'person',
  provider: 'provider',
  outcome: 'outcome',
  effect: 'effect',
  via: 'via',
  address: 'address',
} as const satisfies Record<CountedBy, keyof AuditRow>

/** What of the time in question has entries, newest first, each with not many more than are looked at at once. */
async function* stretches(
  { db }: AuditTable,
  { fromMs = 0, toMs }: TrailFilter,
  signal: AbortSignal,
): AsyncGenerator<Stretch> {
  const newest = await db.selectFrom('audit').select('at_ms').orderBy('at_ms', 'desc').limit(1).executeTakeFirst()
  for (let end = Math.min(toMs ?? Infinity, (newest?.at_ms ?? -1) + 1); end > fromMs;) {
    signal.throwIfAborted()
    const before = db.selectFrom('audit').select('at_ms').where('at_ms', '<', end).where('at_ms', '>=', fromMs)
    const far = await before.orderBy('at_ms', 'desc').offset(LOOKED_AT_ONCE).limit(1).executeTakeFirst()
    const begin = far?.at_ms ?? fromMs
    yield { fromMs: begin, toMs: end }
    end = begin
    if (far) await new Promise(setImmediate)
  }
}

const matching = ({ db }: AuditTable, filter: TrailFilter, { fromMs, toMs }: Stretch) =>
  db
    .selectFrom('audit')
    .where('at_ms', '>=', fromMs)
    .where('at_ms', '<', toMs)
    .where((is) => is.and(conditions(filter, is)))

type Is = ExpressionBuilder<AuditTables, 'audit'>

const SEARCHED = [
  'operation',
  'provider',
  'caller_id',
  'caller_name',
  'person',
  'address',
  'request_id',
  'trace_id',
  'details',
] as const

function conditions(filter: TrailFilter, is: Is): ExpressionWrapper<AuditTables, 'audit', SqlBool>[] {
  const { caller, person, operation, provider, effect, outcome, address, requestId, text } = filter
  const made: ExpressionWrapper<AuditTables, 'audit', SqlBool>[] = []
  if (caller !== undefined) made.push(is.or([is('caller_id', '=', caller), is('caller_name', '=', caller)]))
  // What is no call, a login for one, has nobody but the person themselves.
  if (person !== undefined) made.push(is.or([is('person', '=', person), is('caller_id', '=', person)]))
  if (operation?.endsWith('*')) made.push(is('operation', 'like', pattern(`${literal(operation.slice(0, -1))}%`)))
  else if (operation !== undefined) made.push(is('operation', '=', operation))
  if (provider !== undefined) made.push(is('provider', '=', provider))
  if (effect !== undefined) made.push(is('effect', '=', effect))
  if (outcome === 'failed') made.push(is('outcome', '!=', 'ok'))
  else if (outcome !== undefined) made.push(is('outcome', '=', outcome))
  if (address !== undefined) made.push(is('address', '=', address))
  if (requestId !== undefined)
    made.push(
      is.or([is('request_id', '=', requestId), contains(is, 'details', `"within":${JSON.stringify(requestId)}`)]),
    )
  if (text !== undefined) made.push(is.or(SEARCHED.map((column) => contains(is, column, text))))
  return made
}

const contains = (is: Is, column: keyof AuditRow, text: string) =>
  is(sql`lower(${sql.ref(column)})`, 'like', pattern(`%${literal(text.toLowerCase())}%`))

/** The text as a part of a pattern that means just that text. */
const literal = (text: string): string => text.replaceAll(/[\\%_]/g, String.raw`\$&`)

const pattern = (text: string) => sql<string>`${text} escape '\\'`

function countIn(details: string | null): number {
  if (details === null) return 1
  try {
    const { count } = JSON.parse(details) as { count?: unknown }
    return typeof count === 'number' ? count : 1
  } catch {
    return 1
  }
}

interface Place {
  readonly atMs: number
  /** Of that moment, how many entries were shown. */
  readonly skipped: number
}

const CURSOR = /^(\d{1,15})\.(\d{1,9})$/

function placeOf(cursor: string): Place {
  const [, atMs, skipped] = CURSOR.exec(cursor) ?? []
  if (atMs === undefined || skipped === undefined)
    throw new Fault('invalid_input', 'The cursor is none that a search gave.', { hint: 'Begin anew without one.' })
  return { atMs: Number(atMs), skipped: Number(skipped) }
}

/** What is of the moment at which the last page ended, and was on it, comes first. */
function withoutShown(rows: readonly AuditRow[], { atMs, skipped }: Place): readonly AuditRow[] {
  const same = rows.filter((row) => row.at_ms === atMs).length
  return rows.slice(Math.min(same, skipped))
}

function cursorAfter(shown: readonly TrailEntry[], begin: Place | undefined): string {
  const atMs = shown.at(-1)?.atMs ?? 0
  const here = shown.filter((entry) => entry.atMs === atMs).length
  return `${atMs}.${here + (begin?.atMs === atMs ? begin.skipped : 0)}`
}

export function entryOf(row: AuditRow): TrailEntry {
  return {
    atMs: row.at_ms,
    requestId: row.request_id,
    callerId: row.caller_id,
    ...(row.caller_name !== null && { callerName: row.caller_name }),
    ...(row.person !== null && { person: row.person }),
    ...(row.credential !== null && { credential: row.credential }),
    ...(row.role !== null && { role: row.role }),
    via: row.via,
    ...(row.address !== null && { address: row.address }),
    operation: row.operation,
    provider: row.provider,
    effect: row.effect,
    outcome: row.outcome,
    durationMs: row.duration_ms,
    ...(row.trace_id !== null && { traceId: row.trace_id }),
    ...detailsOf(row.details),
    ...(row.chain !== null && row.seq !== null && { chain: row.chain, seq: row.seq }),
  }
}

/** Whoever changed it wrote what they liked: reading must not fail for that. */
function detailsOf(text: string | null): Pick<TrailEntry, 'details'> {
  if (text === null) return {}
  try {
    const details: unknown = JSON.parse(text)
    return typeof details === 'object' && details !== null ? { details } : {}
  } catch {
    return {}
  }
}
