import type { Migration, Store } from '../../kernel/ports.ts'

/** Figures that an alert can be defined on. Those of calls are over the last minute. */
export const METRICS = [
  'cpu_percent',
  'memory_megabytes',
  'event_loop_delay_ms',
  'disk_free_percent',
  'calls_per_second',
  'error_percent',
  'p50_ms',
  'p95_ms',
  'p99_ms',
] as const
export type Metric = (typeof METRICS)[number]

/** When a metric is not as it should be. */
export interface Rule {
  readonly id: string
  readonly metric: Metric
  readonly operation?: string
  /** A service or MCP server. */
  readonly provider?: string
  readonly when: 'above' | 'below'
  readonly limit: number
  /** How long it must be so. */
  readonly forSeconds: number
}

interface Tables {
  metrics_rules: { id: string; rule: string }
}

const MIGRATIONS: readonly Migration[] = [
  {
    name: '001-rules',
    async up(db) {
      await db.schema
        .createTable('metrics_rules')
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('rule', 'text', (column) => column.notNull())
        .execute()
    },
  },
]

export interface RuleTable {
  all(): Promise<Rule[]>
  insert(rule: Rule): Promise<void>
  remove(id: string): Promise<void>
}

/** Throws Fault `storage_failed`. */
export async function openRuleTable(store: Store): Promise<RuleTable> {
  await store.migrate('metrics.rules', MIGRATIONS)
  const db = store.as<Tables>()
  return {
    all: async () =>
      (await db.selectFrom('metrics_rules').selectAll().execute()).map(({ rule }) => JSON.parse(rule) as Rule),
    async insert(rule) {
      await db
        .insertInto('metrics_rules')
        .values({ id: rule.id, rule: JSON.stringify(rule) })
        .execute()
    },
    async remove(id) {
      await db.deleteFrom('metrics_rules').where('id', '=', id).execute()
    },
  }
}
