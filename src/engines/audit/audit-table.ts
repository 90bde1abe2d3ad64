import { CompiledQuery, type Kysely } from 'kysely'
import type { Store } from '../../kernel/ports.ts'
import type { Head, Link } from './chain.ts'
import { COLUMNS, VALUE_COLUMNS, type AuditRow } from './columns.ts'
import { MIGRATIONS } from './migrations.ts'

/** Where what was pruned of a chain ended: the chain goes on from there. */
export interface AnchorRow {
  chain: string
  /** Wall-clock milliseconds. */
  started_ms: number
  /** 0: nothing was pruned yet. */
  pruned_seq: number
  pruned_bytes: number
  pruned_mac: string
  /** Wall-clock milliseconds. */
  pruned_ms: number
  /** Over all of it. */
  signature: string
}

export interface AuditTables {
  audit: AuditRow
  audit_chains: AnchorRow
}

export interface AuditTable {
  readonly db: Kysely<AuditTables>
  /** Whether other hubs may have chains here, whose keys they have alone. */
  readonly isShared: boolean
  /** All of them or none. Throws Fault `conflict` when there is an entry at one of their places. */
  insert(links: readonly Link[]): Promise<void>
  /** The last entry of a chain; undefined: it has none. */
  tail(chain: string): Promise<Head | undefined>
  addChain(row: AnchorRow): Promise<void>
  chains(): Promise<readonly AnchorRow[]>
}

/**
 * Rows of one statement: 20 parameters each, of which SQLite takes 32,766. Few sizes, so that each statement's text is
 * made once and kept ready by the store, which keeps none of over 2,000 characters: building it for each batch costs three times what
 * the writing does.
 */
const ROWS_AT_ONCE = [40, 8, 1] as const

/** Throws Fault `storage_failed`. */
export async function openAuditTable(store: Store): Promise<AuditTable> {
  await store.migrate('audit', MIGRATIONS)
  const db = store.as<AuditTables>()
  return {
    db,
    isShared: store.dialect === 'postgres',
    async insert(links) {
      const [first, ...more] = inserts(store.dialect, links)
      if (first === undefined) return
      if (more.length === 0) return void (await db.executeQuery(first))
      await db.transaction().execute(async (transaction) => {
        for (const insert of [first, ...more]) await transaction.executeQuery(insert)
      })
    },
    async tail(chain) {
      const last = db.selectFrom('audit').select(['seq', 'bytes', 'mac']).where('chain', '=', chain)
      const row = await last.orderBy('seq', 'desc').limit(1).executeTakeFirst()
      return row && { chain, seq: row.seq ?? 0, bytes: row.bytes ?? 0, mac: row.mac ?? '' }
    },
    async addChain(row) {
      await db
        .insertInto('audit_chains')
        .values(row)
        .onConflict((conflict) => conflict.column('chain').doNothing())
        .execute()
    },
    chains: () => db.selectFrom('audit_chains').selectAll().orderBy('started_ms').orderBy('chain').execute(),
  }
}

/** A row as the link it is; one that is older than the chain has no place. */
export const linkOf = (row: AuditRow): Link => ({
  chain: row.chain ?? '',
  seq: row.seq ?? 0,
  bytes: row.bytes ?? 0,
  mac: row.mac ?? '',
  values: VALUE_COLUMNS.map((column) => row[column]),
})

/** The statements that insert all links. */
function* inserts(dialect: Store['dialect'], links: readonly Link[]): Generator<CompiledQuery> {
  for (let at = 0; at < links.length;) {
    const rows = ROWS_AT_ONCE.find((size) => size <= links.length - at) ?? 1
    const parameters: unknown[] = []
    for (const { values, chain, seq, bytes, mac } of links.slice(at, at + rows))
      parameters.push(...values, chain, seq, bytes, mac)
    yield CompiledQuery.raw(statement(dialect, rows), parameters)
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
