import type { Kysely, Transaction } from 'kysely'
import type { Migration, Store } from '../../kernel/ports.ts'

/** How the credentials of our own logins begin; those of the authorization server's grants do not. */
export const LOGIN_PREFIX = 'login-'

/** A login as it is kept. Times are wall-clock milliseconds. */
export interface LoginRow {
  credential: string
  subject: string
  client: string
  /** JSON array of grants. */
  scopes: string
  /** SHA-256, hex, of the halves of its refresh token: one stays, the other changes with each use. */
  family_hash: string
  secret_hash: string
  created_at: number
  used_at: number
}

export const scopesOf = ({ scopes }: LoginRow) => JSON.parse(scopes) as string[]

/** A credential whose access tokens are refused until the last of them has run out. */
export interface EndedRow {
  credential: string
  ends_at: number
}

export interface KeyRow {
  kid: string
  /** The private JWK, sealed. */
  sealed: string
  created_at: number
  /** When another took its place; null: it signs. */
  retired_at: number | null
}

export interface LoginTables {
  logins: LoginRow
  ended_logins: EndedRow
  signing_keys: KeyRow
}

const MIGRATIONS: readonly Migration[] = [
  {
    name: '001-logins',
    async up(db) {
      await db.schema
        .createTable('logins')
        .addColumn('credential', 'text', (column) => column.primaryKey())
        .addColumn('subject', 'text', (column) => column.notNull())
        .addColumn('client', 'text', (column) => column.notNull())
        .addColumn('scopes', 'text', (column) => column.notNull())
        .addColumn('family_hash', 'text', (column) => column.notNull().unique())
        .addColumn('secret_hash', 'text', (column) => column.notNull())
        .addColumn('created_at', 'bigint', (column) => column.notNull())
        .addColumn('used_at', 'bigint', (column) => column.notNull())
        .execute()
      await db.schema
        .createTable('ended_logins')
        .addColumn('credential', 'text', (column) => column.primaryKey())
        .addColumn('ends_at', 'bigint', (column) => column.notNull())
        .execute()
      await db.schema
        .createTable('signing_keys')
        .addColumn('kid', 'text', (column) => column.primaryKey())
        .addColumn('sealed', 'text', (column) => column.notNull())
        .addColumn('created_at', 'bigint', (column) => column.notNull())
        .addColumn('retired_at', 'bigint')
        .execute()
    },
  },
]

/** The tables, and what other hubs on the same database did to them. */
export interface LoginDb {
  readonly tables: Kysely<LoginTables>
  /** As one step, which all hubs take note of before this resolves, or soon after. */
  change<T>(work: (db: Transaction<LoginTables>) => Promise<T>): Promise<T>
}

export const migrateLogins = (store: Store): Promise<void> => store.migrate('logins', MIGRATIONS)
