import type { Kysely, Transaction } from 'kysely'
import type { Clock } from './clock.ts'
import type { Log } from './log.ts'
import type { Migration, Store } from './ports.ts'

/** A copy in memory of what the database holds, for what every call asks. */
export interface SharedCopy {
  /**
   * Changes the database and then the copy, one change after the other. Resolves when both are done; what `write` throws
   * changes neither.
   */
  change<Tables, T>(write: (db: Transaction<Tables>) => Promise<T>): Promise<T>
  /** Waits for what is running. */
  stop(): Promise<void>
}

export interface SharedCopyOptions {
  readonly store: Store
  /** What is copied; the same in every hub. */
  readonly topic: string
  readonly clock: Clock
  readonly log: Log
  /** Reads everything anew and takes the copy's place. */
  readonly load: () => Promise<void>
}

/** Hubs on one database see each other's changes within that time and what it takes to read them, milliseconds. */
export const LOOK_EVERY_MS = 1000

interface Tables {
  shared_copies: { topic: string; changes: number }
}

const MIGRATIONS: readonly Migration[] = [
  {
    name: '001-changes',
    async up(db) {
      await db.schema
        .createTable('shared_copies')
        .addColumn('topic', 'text', (column) => column.primaryKey())
        .addColumn('changes', 'bigint', (column) => column.notNull())
        .execute()
    },
  },
]

/** Loads the copy, and again whenever another hub changed what it holds: only PostgreSQL has other hubs. */
export async function openSharedCopy({ store, topic, clock, log, load }: SharedCopyOptions): Promise<SharedCopy> {
  await store.migrate('shared_copies', MIGRATIONS)
  const isShared = store.dialect === 'postgres'
  let seen = await changesOf(store, topic)
  await load()
  let last: Promise<unknown> = Promise.resolve()
  let isStopped = false
  /** The database took a change, and reading it anew failed. */
  let isOld = false
  let cancel = () => {}

  const alone = <T>(task: () => Promise<T>): Promise<T> => {
    const run = last.then(task, task)
    last = run.catch(() => undefined)
    return run
  }

  /** Counts first: what changes in between is read now and once more. */
  const loadAll = async () => {
    isOld = true
    const changes = await changesOf(store, topic)
    await load()
    seen = changes
    isOld = false
  }

  const lookLater = () => {
    cancel()
    if (isStopped || !(isShared || isOld)) return
    cancel = clock.after(LOOK_EVERY_MS, () => {
      // A database that is away says so in its own status, and in the log.
      alone(look).then(lookLater, (error: unknown) => {
        log.debug('what is shared with other hubs could not be read', { topic, error })
        lookLater()
      })
    })
  }

  const look = async () => {
    if (isStopped || (!isOld && (await changesOf(store, topic)) === seen)) return
    await loadAll()
  }

  lookLater()
  return {
    change: <Own, T>(write: (db: Transaction<Own>) => Promise<T>) =>
      alone(async () => {
        const result = await store
          .as<Own>()
          .transaction()
          .execute(async (db) => {
            const written = await write(db)
            await count(db as unknown as Kysely<Tables>, topic)
            return written
          })
        await loadAll().catch((error: unknown) => {
          log.error('a change was kept, and takes effect once it can be read', { topic, error })
          lookLater()
        })
        return result
      }),
    async stop() {
      isStopped = true
      cancel()
      await last
    },
  }
}

async function changesOf(store: Store, topic: string): Promise<number> {
  const row = await store
    .as<Tables>()
    .selectFrom('shared_copies')
    .select('changes')
    .where('topic', '=', topic)
    .executeTakeFirst()
  return row?.changes ?? 0
}

async function count(db: Kysely<Tables>, topic: string): Promise<void> {
  await db
    .insertInto('shared_copies')
    .values({ topic, changes: 1 })
    .onConflict((conflict) =>
      conflict.column('topic').doUpdateSet((row) => ({ changes: row('shared_copies.changes', '+', 1) })),
    )
    .execute()
}
