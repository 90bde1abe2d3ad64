import type { Migration } from '../../kernel/ports.ts'

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
  /** Whose it is; null: nobody's in particular. */
  person: string | null
  /** Wall-clock milliseconds; `expires_at` null: never. */
  created_at: number
  expires_at: number | null
  /** Whole days since 1970; null: never used. */
  last_used_day: number | null
}

export interface TokenTables {
  tokens: TokenRow
}

export const MIGRATIONS: readonly Migration[] = [
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
  {
    name: '002-person',
    async up(db) {
      await db.schema.alterTable('tokens').addColumn('person', 'text').execute()
    },
  },
]
