import type { Migration, Store } from '../../kernel/ports.ts'

export const SEVERITIES = ['info', 'warning', 'critical'] as const
export type Severity = (typeof SEVERITIES)[number]

/** Something that somebody should look at. Times are wall-clock milliseconds. */
export interface Alert {
  readonly id: string
  /** What it is about, so that the same thing is not raised twice. */
  readonly key: string
  /** The service, server or metric. */
  readonly about: string
  readonly severity: Severity
  readonly message: string
  /** Who raised it: `health`, `metrics`, or a caller's name. */
  readonly by: string
  readonly raisedMs: number
  /** Absent while it lasts. */
  readonly resolvedMs?: number
}

interface Row {
  id: string
  key: string
  about: string
  severity: string
  message: string
  raised_by: string
  raised_ms: number
  resolved_ms: number | null
}

interface Tables {
  health_alerts: Row
}

const MIGRATIONS: readonly Migration[] = [
  {
    name: '001-alerts',
    async up(db) {
      await db.schema
        .createTable('health_alerts')
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('key', 'text', (column) => column.notNull())
        .addColumn('about', 'text', (column) => column.notNull())
        .addColumn('severity', 'text', (column) => column.notNull())
        .addColumn('message', 'text', (column) => column.notNull())
        .addColumn('raised_by', 'text', (column) => column.notNull())
        .addColumn('raised_ms', 'bigint', (column) => column.notNull())
        .addColumn('resolved_ms', 'bigint')
        .execute()
      await db.schema.createIndex('health_alerts_raised').on('health_alerts').column('raised_ms').execute()
    },
  },
]

export interface AlertTable {
  active(): Promise<Alert[]>
  /** Those that are over, the latest first. */
  past(limit: number): Promise<Alert[]>
  insert(alert: Alert): Promise<void>
  resolve(id: string, atMs: number): Promise<void>
  /** Removes those that were over by then. */
  prune(beforeMs: number): Promise<void>
}

/** Throws Fault `storage_failed` when its table cannot be made. */
export async function openAlertTable(store: Store): Promise<AlertTable> {
  await store.migrate('health.alerts', MIGRATIONS)
  const db = store.as<Tables>()
  const all = () => db.selectFrom('health_alerts').selectAll()
  return {
    active: async () => (await all().where('resolved_ms', 'is', null).orderBy('raised_ms').execute()).map(alertOf),
    async past(limit) {
      const rows = await all().where('resolved_ms', 'is not', null).orderBy('raised_ms', 'desc').limit(limit).execute()
      return rows.map(alertOf)
    },
    async insert({ id, key, about, severity, message, by, raisedMs }) {
      const texts = { key: storable(key), about: storable(about), message: storable(message), raised_by: storable(by) }
      await db
        .insertInto('health_alerts')
        .values({ id, ...texts, severity, raised_ms: Math.trunc(raisedMs), resolved_ms: null })
        .execute()
    },
    async resolve(id, atMs) {
      await db
        .updateTable('health_alerts')
        .set({ resolved_ms: Math.trunc(atMs) })
        .where('id', '=', id)
        .execute()
    },
    async prune(beforeMs) {
      await db.deleteFrom('health_alerts').where('resolved_ms', '<', beforeMs).execute()
    },
  }
}

const alertOf = ({ id, key, about, severity, message, raised_by, raised_ms, resolved_ms }: Row): Alert => ({
  id,
  key,
  about,
  severity: severity as Severity,
  message,
  by: raised_by,
  raisedMs: raised_ms,
  ...(resolved_ms !== null && { resolvedMs: resolved_ms }),
})

/** A reason quotes what a server said: PostgreSQL refuses NUL and half a surrogate pair. */
const storable = (text: string) => text.replaceAll('\0', '').toWellFormed()
