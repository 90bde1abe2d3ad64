import type { Kysely } from 'kysely'
import type { Migration, Store } from '../../kernel/ports.ts'

/** A token as it is kept: what it is for, never the token itself. */
export interface TokenRow {
  id: string
  name: string
  /** SHA-256 of the token, hex. */
  hash: string
  /** JSON array of scopes. */
  scopes: string
  /** The id of the caller that made it. */
  created_by: string
  /** Wall-clock milliseconds; `expires_at` null: never. */
  created_at: number
  expires_at: number | null
  /** Whole days since 1970; null: never used. */
  last_used_day: number | null
}

interface Tables {
  tokens: TokenRow
}

const MIGRATIONS: readonly Migration[] = [
  {
    name: '001-tokens',
    async up(db) {
      await db.schema
        .createTable('tokens')
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('name', 'text', (column) => column.notNull().unique())
        .addColumn('hash', 'text', (column) => column.notNull().unique())
        .addColumn('scopes', 'text', (column) => column.notNull())
        .addColumn('created_by', 'text', (column) => column.notNull())
        .addColumn('created_at', 'bigint', (column) => column.notNull())
        .addColumn('expires_at', 'bigint')
        .addColumn('last_used_day', 'bigint')
        .execute()
    },
  },
]

export interface TokenTable {
  all(): Promise<TokenRow[]>
  /** Throws Fault `conflict` when the name is taken. */
  insert(row: TokenRow): Promise<void>
  remove(id: string): Promise<void>
  setLastUsedDay(id: string, day: number): Promise<void>
}

export async function openTokenTable(store: Store): Promise<TokenTable> {
  await store.migrate('tokens', MIGRATIONS)
  const db: Kysely<Tables> = store.as<Tables>()
  return {
    all: () => db.selectFrom('tokens').selectAll().orderBy('created_at').execute(),
    async insert(row) {
      await db.insertInto('tokens').values(row).execute()
    },
    async remove(id) {
      await db.deleteFrom('tokens').where('id', '=', id).execute()
    },
    async setLastUsedDay(id, day) {
      await db.updateTable('tokens').set({ last_used_day: day }).where('id', '=', id).execute()
    },
  }
}
