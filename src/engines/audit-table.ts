import { CompiledQuery } from 'kysely'
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

/**
 * Rows of one statement: 10 parameters each, of which SQLite takes 32,766. Few sizes, so that each statement's text is
 * made once and kept ready by the store: building it for each batch costs three times what the writing does.
 */
const ROWS_AT_ONCE = [80, 8, 1] as const

/** So many are gone within a few milliseconds, in which nothing else happens on SQLite. */
const PRUNED_AT_ONCE = 2000

export async function openAuditTable(store: Store): Promise<AuditTable> {
  await store.migrate('audit', MIGRATIONS)
  const db = store.as<Tables>()
  return {
    async insert(entries) {
      const [first, ...more] = inserts(store.dialect, entries)
      if (first === undefined) return
      if (more.length === 0) return void (await db.executeQuery(first))
      await db.transaction().execute(async (transaction) => {
        for (const insert of [first, ...more]) await transaction.executeQuery(insert)
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

const COLUMNS = [
  'at_ms',
  'request_id',
  'caller_id',
  'via',
  'address',
  'operation',
  'provider',
  'effect',
  'outcome',
  'duration_ms',
] as const satisfies readonly (keyof Tables['audit'])[]

/** The statements that insert all entries. */
function* inserts(dialect: Store['dialect'], entries: readonly AuditEntry[]): Generator<CompiledQuery> {
  for (let at = 0; at < entries.length;) {
    const rows = ROWS_AT_ONCE.find((size) => size <= entries.length - at) ?? 1
    const values = entries.slice(at, at + rows).flatMap(valuesOf)
    yield CompiledQuery.raw(statement(dialect, rows), values)
    at += rows
  }
}

const statements = new Map<string, string>()

function statement(dialect: Store['dialect'], rows: number): string {
  const key = `${dialect} ${rows}`
  const known = statements.get(key)
  if (known !== undefined) return known
  const place = (number: number) => (dialect === 'postgres' ? `$${number + 1}` : '?')
  const row = (index: number) => `(${COLUMNS.map((_, at) => place(index * COLUMNS.length + at)).join(',')})`
  const made = `insert into audit (${COLUMNS.join(',')}) values ${Array.from({ length: rows }, (_, index) => row(index)).join(',')}`
  statements.set(key, made)
  return made
}

/** In the order of the columns. */
const valuesOf = (entry: AuditEntry): unknown[] => [
  entry.atMs,
  storable(entry.requestId),
  storable(entry.callerId),
  entry.via,
  entry.address === undefined ? null : storable(entry.address),
  entry.operation,
  entry.provider,
  entry.effect,
  entry.outcome,
  entry.durationMs,
]

const LONGEST_TEXT = 200

/** What comes from outside must not keep its entry out: PostgreSQL refuses NUL and half a surrogate pair. */
function storable(text: string): string {
  if (text.length <= LONGEST_TEXT && text.isWellFormed() && !text.includes('\0')) return text
  return text.slice(0, LONGEST_TEXT).replaceAll('\0', '').toWellFormed()
}
