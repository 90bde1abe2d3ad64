import type { Kysely } from 'kysely'
import type { Caller } from '../../kernel/caller.ts'
import type { Migration, Store } from '../../kernel/ports.ts'
import type { WaitingCall } from '../../kernel/waiting-call.ts'

/** What became of a call that waited: who said what, when, and what they were shown. */
export interface Decision {
  readonly call: WaitingCall
  readonly change: 'approved' | 'denied' | 'expired'
  /** Wall-clock milliseconds. */
  readonly atMs: number
  /** Nobody, where its time was up. */
  readonly by?: Pick<Caller, 'id' | 'name' | 'via' | 'address'>
  readonly reason?: string
  /** How long a yes holds, milliseconds; 0: for that call alone. */
  readonly forMs: number
}

interface Tables {
  /** `decision`: JSON. */
  approvals_decisions: { id: string; at_ms: number; decision: string }
}

const MIGRATIONS: readonly Migration[] = [
  {
    name: '001-decisions',
    async up(db) {
      await db.schema
        .createTable('approvals_decisions')
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('at_ms', 'bigint', (column) => column.notNull())
        .addColumn('decision', 'text', (column) => column.notNull())
        .execute()
      await db.schema.createIndex('approvals_decisions_at').on('approvals_decisions').column('at_ms').execute()
    },
  },
]

export interface DecisionTable {
  insert(decision: Decision): Promise<void>
  /** The latest first, from before a moment on. */
  latest(most: number, beforeMs: number): Promise<readonly Decision[]>
  /** Forgets those from before a moment. */
  prune(beforeMs: number): Promise<void>
}

/** Throws Fault `storage_failed`. */
export async function openDecisionTable(store: Store): Promise<DecisionTable> {
  await store.migrate('approvals.decisions', MIGRATIONS)
  const db: Kysely<Tables> = store.as<Tables>()
  return {
    async insert({ by, ...rest }) {
      const who = by && { id: by.id, name: by.name, via: by.via, address: by.address }
      const decision = JSON.stringify({ ...rest, by: who })
      await db
        .insertInto('approvals_decisions')
        .values({ id: crypto.randomUUID(), at_ms: rest.atMs, decision })
        .execute()
    },
    async latest(most, beforeMs) {
      const rows = await db
        .selectFrom('approvals_decisions')
        .select('decision')
        .where('at_ms', '<', beforeMs)
        .orderBy('at_ms', 'desc')
        .limit(most)
        .execute()
      return rows.map(({ decision }) => JSON.parse(decision) as Decision)
    },
    async prune(beforeMs) {
      await db.deleteFrom('approvals_decisions').where('at_ms', '<', beforeMs).execute()
    },
  }
}
