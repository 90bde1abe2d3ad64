import type { Migration } from '../../kernel/ports.ts'

/** Somebody as they are kept. Times are wall-clock milliseconds. */
export interface PersonRow {
  id: string
  name: string
  role: string
  /** JSON array of grants; null: those of the role. */
  scopes: string | null
  /** PHC string; null: none. */
  password: string | null
  password_set_at: number | null
  disabled: number
  created_at: number
}

export interface PairingRow {
  id: string
  person: string
  /** SHA-256 of the code, hex. */
  hash: string
  /** JSON array of grants. */
  scopes: string
  created_by: string
  created_at: number
  expires_at: number
}

export interface PeopleTables {
  people: PersonRow
  people_pairings: PairingRow
}

export const MIGRATIONS: readonly Migration[] = [
  {
    name: '001-people',
    async up(db) {
      await db.schema
        .createTable('people')
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('name', 'text', (column) => column.notNull().unique())
        .addColumn('role', 'text', (column) => column.notNull())
        .addColumn('scopes', 'text')
        .addColumn('password', 'text')
        .addColumn('password_set_at', 'bigint')
        .addColumn('disabled', 'integer', (column) => column.notNull())
        .addColumn('created_at', 'bigint', (column) => column.notNull())
        .execute()
      await db.schema
        .createTable('people_pairings')
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('person', 'text', (column) => column.notNull())
        .addColumn('hash', 'text', (column) => column.notNull().unique())
        .addColumn('scopes', 'text', (column) => column.notNull())
        .addColumn('created_by', 'text', (column) => column.notNull())
        .addColumn('created_at', 'bigint', (column) => column.notNull())
        .addColumn('expires_at', 'bigint', (column) => column.notNull())
        .execute()
    },
  },
]
