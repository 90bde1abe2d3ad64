import type { Kysely, Transaction } from 'kysely'
import type { Clock } from '../../kernel/clock.ts'
import { Fault } from '../../kernel/fault.ts'
import type { Migration } from '../../kernel/ports.ts'

/** Which steps of whose tables have run in this database. */
export interface MigrationTables {
  migrations: { owner: string; name: string; applied_at: number }
}

export interface MigrateOptions {
  owner: string
  migrations: readonly Migration[]
  clock: Clock
  /** Taken at the start of each transaction and let go at its end: two hubs may start on one database at once. */
  lock?: (db: Transaction<MigrationTables>) => Promise<unknown>
}

/**
 * Runs the steps that have not run yet, each in a transaction of its own together with the note that it ran.
 * Throws Fault `storage_failed` when the database knows steps that this program does not: a newer one wrote it.
 */
export async function migrate(anyDb: Kysely<unknown>, options: MigrateOptions): Promise<void> {
  const { owner, migrations, clock, lock } = options
  const names = migrations.map(({ name }) => name)
  if (new Set(names).size < names.length) throw new TypeError(`Two migrations of ${owner} have the same name.`)
  const db = anyDb as Kysely<MigrationTables>
  const locked = <T>(work: (db: Transaction<MigrationTables>) => Promise<T>): Promise<T> =>
    db.transaction().execute(async (transaction) => {
      await lock?.(transaction)
      return work(transaction)
    })

  await locked(createTable)
  for (const step of migrations) {
    await locked(async (transaction) => {
      const applied = await appliedTo(transaction, owner)
      refuseUnknown(owner, applied, names)
      if (applied.includes(step.name)) return
      // The step knows its own tables only.
      await step.up(transaction as unknown as Kysely<unknown>)
      await transaction.insertInto('migrations').values({ owner, name: step.name, applied_at: clock.now() }).execute()
    })
  }
}

async function createTable(db: Kysely<MigrationTables>): Promise<void> {
  await db.schema
    .createTable('migrations')
    .ifNotExists()
    .addColumn('owner', 'text', (column) => column.notNull())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('applied_at', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('migrations_pk', ['owner', 'name'])
    .execute()
}

async function appliedTo(db: Kysely<MigrationTables>, owner: string): Promise<string[]> {
  const rows = await db.selectFrom('migrations').select('name').where('owner', '=', owner).execute()
  return rows.map(({ name }) => name)
}

function refuseUnknown(owner: string, applied: readonly string[], known: readonly string[]): void {
  const unknown = applied.filter((name) => !known.includes(name))
  if (unknown.length === 0) return
  throw new Fault('storage_failed', `The database is newer than this program: ${owner} has ${unknown.join(', ')}.`, {
    hint: 'Run the version of Alicia that wrote it or a newer one, or another data folder or database.',
  })
}
