import type { Kysely } from 'kysely'
import type { Migration, Store } from '../../kernel/ports.ts'
import type { Status } from '../../kernel/status.ts'

/** Something to remember of how well a part of the hub did; any part, by its name. Times are wall-clock milliseconds. */
export type HealthEntry =
  | {
      readonly kind: 'status'
      readonly name: string
      readonly atMs: number
      readonly status: Status
      readonly reason?: string
    }
  | { readonly kind: 'latency'; readonly name: string; readonly atMs: number; readonly latencyMs: number }

interface Row {
  name: string
  at_ms: number
  /** Order within one millisecond. */
  seq: number
  status: string | null
  reason: string | null
  latency_ms: number | null
}

interface Tables {
  health_history: Row
}

const MIGRATIONS: readonly Migration[] = [
  {
    name: '001-history',
    async up(db) {
      await db.schema
        .createTable('health_history')
        .addColumn('name', 'text', (column) => column.notNull())
        .addColumn('at_ms', 'bigint', (column) => column.notNull())
        .addColumn('seq', 'bigint', (column) => column.notNull())
        .addColumn('status', 'text')
        .addColumn('reason', 'text')
        .addColumn('latency_ms', 'double precision')
        .execute()
      const index = db.schema.createIndex('health_history_name_at').on('health_history')
      await index.columns(['name', 'at_ms', 'seq']).execute()
    },
  },
]

/** Which entries: of one name, from a time on, of one kind or of both. */
export interface HealthQuery {
  readonly name: string
  readonly sinceMs?: number
  readonly kind?: HealthEntry['kind']
  /** At most so many, the latest ones. */
  readonly limit: number
}

export interface HistoryTable {
  insert(entries: readonly HealthEntry[]): Promise<void>
  /** Newest first. */
  find(query: HealthQuery): Promise<HealthEntry[]>
  /** Removes what is older than that time, and of each name all but the latest `mostRows`. */
  prune(beforeMs: number, mostRows: number): Promise<void>
}

/** Rows of one statement: 6 parameters each, and SQLite takes 32,766 of them. */
const ROWS_AT_ONCE = 500
const LONGEST_REASON = 1000

export async function openHistoryTable(store: Store): Promise<HistoryTable> {
  await store.migrate('health.history', MIGRATIONS)
  const db = store.as<Tables>()
  let seq = 0
  return {
    async insert(entries) {
      const rows = entries.map((entry) => rowOf(entry, seq++))
      await db.transaction().execute(async (transaction) => {
        for (let at = 0; at < rows.length; at += ROWS_AT_ONCE)
          await transaction
            .insertInto('health_history')
            .values(rows.slice(at, at + ROWS_AT_ONCE))
            .execute()
      })
    },
    async find({ name, sinceMs = 0, kind, limit }) {
      let query = db.selectFrom('health_history').selectAll().where('name', '=', name).where('at_ms', '>=', sinceMs)
      if (kind !== undefined) query = query.where('latency_ms', kind === 'latency' ? 'is not' : 'is', null)
      const rows = await query.orderBy('at_ms', 'desc').orderBy('seq', 'desc').limit(limit).execute()
      return rows.map(entryOf)
    },
    async prune(beforeMs, mostRows) {
      // Name by name: a statement that takes long would keep everything else from SQLite.
      for (const { name } of await db.selectFrom('health_history').select('name').distinct().execute()) {
        await db.deleteFrom('health_history').where('name', '=', name).where('at_ms', '<', beforeMs).execute()
        await keepLatest(db, name, mostRows)
      }
    },
  }
}

/** Rows of the same millisecond as the last that must go may go with it. */
async function keepLatest(db: Kysely<Tables>, name: string, mostRows: number): Promise<void> {
  const own = db.selectFrom('health_history').select('at_ms').where('name', '=', name)
  const first = await own.orderBy('at_ms', 'desc').offset(mostRows).limit(1).executeTakeFirst()
  if (!first) return
  await db.deleteFrom('health_history').where('name', '=', name).where('at_ms', '<=', first.at_ms).execute()
}

function rowOf(entry: HealthEntry, seq: number): Row {
  const { name, atMs } = entry
  const isStatus = entry.kind === 'status'
  return {
    name: storable(name),
    at_ms: Math.trunc(atMs),
    seq,
    status: isStatus ? entry.status : null,
    reason: isStatus && entry.reason !== undefined ? storable(entry.reason.slice(0, LONGEST_REASON)) : null,
    latency_ms: isStatus ? null : entry.latencyMs,
  }
}

function entryOf({ name, at_ms: atMs, status, reason, latency_ms: latencyMs }: Row): HealthEntry {
  if (latencyMs !== null) return { kind: 'latency', name, atMs, latencyMs }
  return { kind: 'status', name, atMs, status: status as Status, ...(reason !== null && { reason }) }
}

/** A reason quotes what a server said: PostgreSQL refuses NUL and half a surrogate pair. */
const storable = (text: string) => text.replaceAll('\0', '').toWellFormed()
