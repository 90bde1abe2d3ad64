import { CompiledQuery, type Kysely } from 'kysely'
import type { Store } from '../../kernel/ports.ts'
import type { Head, Link } from './chain.ts'
import { VALUE_COLUMNS, type AuditRow } from './columns.ts'
import { insertsOf } from './inserts.ts'
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

/** Throws Fault `storage_failed`. */
export async function openAuditTable(store: Store): Promise<AuditTable> {
  await store.migrate('audit', MIGRATIONS)
  const db = store.as<AuditTables>()
  return {
    db,
    isShared: store.dialect === 'postgres',
    async insert(links) {
      const queries = insertsOf(store.dialect, links).map(({ sql, parameters }) => CompiledQuery.raw(sql, parameters))
      const [first, ...more] = queries
      if (first === undefined) return
      if (more.length === 0) return void (await db.executeQuery(first))
      await db.transaction().execute(async (transaction) => {
        for (const query of queries) await transaction.executeQuery(query)
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
