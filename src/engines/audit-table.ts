import type { Kysely } from 'kysely'
import type { AuditEntry } from '../kernel/audit.ts'
import type { Migration, Store } from '../kernel/ports.ts'

interface Tables {
  audit: {
    at_ms: number
    request_id: string
    caller_id: string
    via: string
    address: string | null
    operation: string
    provider: string
    effect: string
    outcome: string
    duration_ms: number
  }
}

const MIGRATIONS: readonly Migration[] = [
  {
    name: '001-audit',
    async up(db) {
      await db.schema
        .createTable('audit')
        .addColumn('at_ms', 'bigint', (column) => column.notNull())
        .addColumn('request_id', 'text', (column) => column.notNull())
        .addColumn('caller_id', 'text', (column) => column.notNull())
        .addColumn('via', 'text', (column) => column.notNull())
        .addColumn('address', 'text')
        .addColumn('operation', 'text', (column) => column.notNull())
        .addColumn('provider', 'text', (column) => column.notNull())
        .addColumn('effect', 'text', (column) => column.notNull())
        .addColumn('outcome', 'text', (column) => column.notNull())
        .addColumn('duration_ms', 'double precision', (column) => column.notNull())
        .execute()
      // Not unique, nor is the request id: a caller may have chosen that one, and must not be able to hide a call
      // behind another. So an entry can stand twice if a connection breaks between its commit and the answer.
      await db.schema.createIndex('audit_at').on('audit').column('at_ms').execute()
    },
  },
]

export interface AuditTable {
  /** All of them or none. */
  insert(entries: readonly AuditEntry[]): Promise<void>
  /** Removes some of the entries before that time; whether there are more. */
  prune(beforeMs: number): Promise<boolean>
}

/** Rows of one statement: 10 parameters each, and SQLite takes 32,766 of them. */
const ROWS_AT_ONCE = 500
/** So many are gone within a few milliseconds, in which nothing else happens on SQLite. */
const PRUNED_AT_ONCE = 2000

export async function openAuditTable(store: Store): Promise<AuditTable> {
  await store.migrate('audit', MIGRATIONS)
  const db = store.as<Tables>()
  return {
    async insert(entries) {
      if (entries.length <= ROWS_AT_ONCE) return insertRows(db, entries)
      await db.transaction().execute(async (transaction) => {
        for (let at = 0; at < entries.length; at += ROWS_AT_ONCE)
          await insertRows(transaction, entries.slice(at, at + ROWS_AT_ONCE))
      })
    },
    async prune(beforeMs) {
      const old = db.selectFrom('audit').select('at_ms').where('at_ms', '<', beforeMs)
      const last = await old.orderBy('at_ms').offset(PRUNED_AT_ONCE).limit(1).executeTakeFirst()
      await db
        .deleteFrom('audit')
        .where('at_ms', last ? '<=' : '<', last?.at_ms ?? beforeMs)
        .execute()
      return last !== undefined
    },
  }
}

async function insertRows(db: Kysely<Tables>, entries: readonly AuditEntry[]): Promise<void> {
  await db.insertInto('audit').values(entries.map(rowOf)).execute()
}

function rowOf(entry: AuditEntry): Tables['audit'] {
  return {
    at_ms: entry.atMs,
    request_id: storable(entry.requestId),
    caller_id: storable(entry.callerId),
    via: entry.via,
    address: entry.address === undefined ? null : storable(entry.address),
    operation: entry.operation,
    provider: entry.provider,
    effect: entry.effect,
    outcome: entry.outcome,
    duration_ms: entry.durationMs,
  }
}

const LONGEST_TEXT = 200

/** What comes from outside must not keep its entry out: PostgreSQL refuses NUL and half a surrogate pair. */
const storable = (text: string) => text.slice(0, LONGEST_TEXT).replaceAll('\0', '').toWellFormed()
