import { sql, type Kysely, type Transaction } from 'kysely'
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
  /** One row: it grows with every change, so that other hubs on this database see that there was one. */
  login_revision: { id: number; revision: number }
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
      await db.schema
        .createTable('login_revision')
        .addColumn('id', 'integer', (column) => column.primaryKey())
        .addColumn('revision', 'bigint', (column) => column.notNull())
        .execute()
      await (db as Kysely<LoginTables>).insertInto('login_revision').values({ id: 1, revision: 0 }).execute()
    },
  },
]

export type LoginDb = Kysely<LoginTables>

export async function openLoginTables(store: Store): Promise<LoginDb> {
  await store.migrate('logins', MIGRATIONS)
  return store.as<LoginTables>()
}

/**
 * Changes something, as one step that other hubs notice. The revision is raised first: whoever else wants to change something waits
 * for its row, so that what is read in here is not changed under it.
 */
export function changing<T>(db: LoginDb, work: (db: Transaction<LoginTables>) => Promise<T>): Promise<T> {
  return db.transaction().execute(async (transaction) => {
    await transaction
      .updateTable('login_revision')
      .set({ revision: sql<number>`revision + 1` })
      .execute()
    return work(transaction)
  })
}

export async function revisionOf(db: LoginDb): Promise<number> {
  const row = await db.selectFrom('login_revision').select('revision').executeTakeFirst()
  return row?.revision ?? 0
}
