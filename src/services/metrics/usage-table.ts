import type { Migration, Store } from '../../kernel/ports.ts'

/** How often somebody used an operation on one day (UTC, `2026-01-31`). */
export interface UsageRow {
  readonly day: string
  readonly caller_id: string
  readonly caller: string
  readonly operation: string
  readonly provider: string
  readonly calls: number
  readonly errors: number
  readonly total_ms: number
}

interface Tables {
  metrics_usage: UsageRow
}

const MIGRATIONS: readonly Migration[] = [
  {
    name: '001-usage',
    async up(db) {
      await db.schema
        .createTable('metrics_usage')
        .addColumn('day', 'text', (column) => column.notNull())
        .addColumn('caller_id', 'text', (column) => column.notNull())
        .addColumn('caller', 'text', (column) => column.notNull())
        .addColumn('operation', 'text', (column) => column.notNull())
        .addColumn('provider', 'text', (column) => column.notNull())
        .addColumn('calls', 'bigint', (column) => column.notNull())
        .addColumn('errors', 'bigint', (column) => column.notNull())
        .addColumn('total_ms', 'double precision', (column) => column.notNull())
        .addPrimaryKeyConstraint('metrics_usage_pk', ['day', 'caller_id', 'operation'])
        .execute()
    },
  },
]

export interface UsageTable {
  /** Adds to what is there, all or nothing. */
  add(rows: readonly UsageRow[]): Promise<void>
  since(day: string): Promise<UsageRow[]>
  countOf(day: string): Promise<number>
  removeBefore(day: string): Promise<void>
}

/** Throws Fault `storage_failed`. */
export async function openUsageTable(store: Store): Promise<UsageTable> {
  await store.migrate('metrics.usage', MIGRATIONS)
  const db = store.as<Tables>()
  return {
    async add(rows) {
      await db.transaction().execute(async (transaction) => {
        for (const row of rows)
          await transaction
            .insertInto('metrics_usage')
            .values(row)
            .onConflict((conflict) =>
              conflict.columns(['day', 'caller_id', 'operation']).doUpdateSet((expression) => ({
                calls: expression('metrics_usage.calls', '+', row.calls),
                errors: expression('metrics_usage.errors', '+', row.errors),
                total_ms: expression('metrics_usage.total_ms', '+', row.total_ms),
              })),
            )
            .execute()
      })
    },
    since: (day) => db.selectFrom('metrics_usage').selectAll().where('day', '>=', day).execute(),
    async countOf(day) {
      const rows = db.selectFrom('metrics_usage').where('day', '=', day)
      const { count } = await rows.select((all) => all.fn.countAll().as('count')).executeTakeFirstOrThrow()
      return Number(count)
    },
    async removeBefore(day) {
      await db.deleteFrom('metrics_usage').where('day', '<', day).execute()
    },
  }
}
