import type { Log } from '../../kernel/log.ts'
import type { Store } from '../../kernel/ports.ts'
import type { EraMemory, EraVerdict } from '../connection/era.ts'

/** What the hub remembers of its upstreams over restarts: lists, approvals, eras. Small values, by server and key. */
export interface Memory {
  /** Everything known of one server is in memory after the start. */
  get(server: string, key: string): unknown
  /** Resolves when it would survive a crash. Throws Fault `storage_failed`. */
  set(server: string, key: string, value: unknown): Promise<void>
}

interface Tables {
  gateway_memory: { server: string; key: string; value: string }
}

/** Brings the table up to date and reads it. Throws Fault `storage_failed`. */
export async function openMemory(store: Store): Promise<Memory> {
  await store.migrate('gateway', [
    {
      name: '001-memory',
      async up(db) {
        await db.schema
          .createTable('gateway_memory')
          .addColumn('server', 'text', (column) => column.notNull())
          .addColumn('key', 'text', (column) => column.notNull())
          .addColumn('value', 'text', (column) => column.notNull())
          .addPrimaryKeyConstraint('gateway_memory_pk', ['server', 'key'])
          .execute()
      },
    },
  ])
  const db = store.as<Tables>()
  const known = new Map<string, unknown>()
  const place = (server: string, key: string) => `${server} ${key}`
  for (const { server, key, value } of await db.selectFrom('gateway_memory').selectAll().execute())
    known.set(place(server, key), JSON.parse(value))
  return {
    get: (server, key) => known.get(place(server, key)),
    async set(server, key, value) {
      known.set(place(server, key), value)
      const row = { server, key, value: JSON.stringify(value) }
      await db
        .insertInto('gateway_memory')
        .values(row)
        .onConflict((conflict) => conflict.columns(['server', 'key']).doUpdateSet({ value: row.value }))
        .execute()
    },
  }
}

/** The eras of servers, kept over restarts. What is not written down is found out again. */
export const eraMemory = (memory: Memory, log: Log): EraMemory => ({
  get: (key) => memory.get(ERAS, key) as EraVerdict | undefined,
  set(key, verdict) {
    memory.set(ERAS, key, verdict).catch((error: unknown) => log.warn('an era was not remembered', { error }))
  },
})

/** No server's id: those begin with a letter. */
const ERAS = '*eras'
