import type { SealedTexts } from '../../kernel/keys.ts'
import type { Migration, Store } from '../../kernel/ports.ts'

/** A session as it is stored; times are wall-clock milliseconds. */
export interface SessionRow {
  id: string
  caller_id: string
  name: string | null
  /** Without credentials; null for the hub's own broker. */
  address: string | null
  /** The connection's spec, sealed. */
  sealed: string
  created_ms: number
  used_ms: number
}

interface Tables {
  mqtt_sessions: SessionRow
}

const MIGRATIONS: readonly Migration[] = [
  {
    name: '1 sessions',
    async up(db) {
      await db.schema
        .createTable('mqtt_sessions')
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('caller_id', 'text', (column) => column.notNull())
        .addColumn('name', 'text')
        .addColumn('address', 'text')
        .addColumn('sealed', 'text', (column) => column.notNull())
        .addColumn('created_ms', 'bigint', (column) => column.notNull())
        .addColumn('used_ms', 'bigint', (column) => column.notNull())
        .execute()
      await db.schema.createIndex('mqtt_sessions_caller').on('mqtt_sessions').column('caller_id').execute()
    },
  },
]

/** The table of sessions. `sinceMs`: sessions last used before it count as gone already. */
export interface SessionRows {
  add(row: SessionRow): Promise<void>
  find(id: string, callerId: string, sinceMs: number): Promise<SessionRow | undefined>
  list(callerId: string, sinceMs: number): Promise<SessionRow[]>
  /** How many there are: of everybody, and of this caller. */
  count(callerId: string, sinceMs: number): Promise<{ all: number; own: number }>
  touch(id: string, usedMs: number): Promise<void>
  reseal(id: string, sealed: string): Promise<void>
  /** Whether it was there. */
  remove(id: string, callerId: string): Promise<boolean>
  /** Removes those last used before; returns their ids. */
  removeUnused(beforeMs: number): Promise<string[]>
  /** What they keep sealed, for whoever seals it anew. */
  readonly sealed: SealedTexts
}

/** What a session's secret is sealed for. */
export const sealContext = (id: string) => `mqtt session ${id}`

/** Creates the tables where they are missing. Throws Fault `storage_failed`. */
export async function openSessionRows(store: Store): Promise<SessionRows> {
  await store.migrate('mqtt', MIGRATIONS)
  const db = store.as<Tables>()
  const live = (sinceMs: number) => db.selectFrom('mqtt_sessions').where('used_ms', '>=', sinceMs)
  return {
    async add(row) {
      await db.insertInto('mqtt_sessions').values(row).execute()
    },
    find: (id, callerId, sinceMs) =>
      live(sinceMs).selectAll().where('id', '=', id).where('caller_id', '=', callerId).executeTakeFirst(),
    list: (callerId, sinceMs) =>
      live(sinceMs).selectAll().where('caller_id', '=', callerId).orderBy('created_ms').orderBy('id').execute(),
    async count(callerId, sinceMs) {
      const callers = await live(sinceMs).select('caller_id').execute()
      return { all: callers.length, own: callers.filter((row) => row.caller_id === callerId).length }
    },
    async touch(id, usedMs) {
      await db.updateTable('mqtt_sessions').set({ used_ms: usedMs }).where('id', '=', id).execute()
    },
    async reseal(id, sealed) {
      await db.updateTable('mqtt_sessions').set({ sealed }).where('id', '=', id).execute()
    },
    async remove(id, callerId) {
      const { numDeletedRows } = await db
        .deleteFrom('mqtt_sessions')
        .where('id', '=', id)
        .where('caller_id', '=', callerId)
        .executeTakeFirst()
      return Number(numDeletedRows) > 0
    },
    async removeUnused(beforeMs) {
      const rows = await db.selectFrom('mqtt_sessions').select('id').where('used_ms', '<', beforeMs).execute()
      if (rows.length > 0) await db.deleteFrom('mqtt_sessions').where('used_ms', '<', beforeMs).execute()
      return rows.map(({ id }) => id)
    },
    sealed: {
      what: 'MQTT sessions',
      async read(after, most) {
        const rows = await db
          .selectFrom('mqtt_sessions')
          .select(['id', 'sealed'])
          .$if(after !== undefined, (query) => query.where('id', '>', after ?? ''))
          .orderBy('id')
          .limit(most)
          .execute()
        return rows.map((row) => ({ ...row, context: sealContext(row.id) }))
      },
      async replace({ id, sealed: old }, sealed) {
        await db.updateTable('mqtt_sessions').set({ sealed }).where('id', '=', id).where('sealed', '=', old).execute()
      },
    },
  }
}
