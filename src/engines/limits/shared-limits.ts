import { sql, type Kysely } from 'kysely'
import type { CallLimits } from '../../kernel/call-limits.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Log } from '../../kernel/log.ts'
import type { Migration, Store } from '../../kernel/ports.ts'
import type { TokenBucket } from '../../kernel/token-bucket.ts'

export interface SharedLimitsOptions {
  readonly store: Pick<Store, 'migrate' | 'as'>
  readonly limits: Pick<CallLimits, 'tables'>
  readonly clock: Clock
  readonly log: Log
  /** Between settlements, milliseconds. */
  readonly everyMs?: number
}

export interface SharedLimits {
  /** Tells the others what was taken here, and learns what they took. Never rejects. */
  settle(): Promise<void>
  stop(): Promise<void>
}

const EVERY_MS = 1000
/** Buckets in one statement; what is more waits for the next. */
const MOST_AT_ONCE = 1000
/** Settlements until buckets are forgotten that are full again. */
const SWEEP_EVERY = 60

interface Tables {
  /** `since_ms`: from when on what was settled last counts. */
  call_budgets: { key: string; since_ms: number; full_at_ms: number }
}

const MIGRATIONS: readonly Migration[] = [
  {
    name: '001-budgets',
    async up(db) {
      await db.schema
        .createTable('call_budgets')
        .addColumn('key', 'text', (column) => column.primaryKey())
        .addColumn('since_ms', 'double precision', (column) => column.notNull())
        .addColumn('full_at_ms', 'double precision', (column) => column.notNull())
        .execute()
    },
  },
]

/** What is told of one bucket. */
interface Told {
  readonly key: string
  readonly bucket: TokenBucket
  readonly tokens: number
}

/**
 * One budget for all hubs on a PostgreSQL, without a round trip for any call: each takes from buckets of its own, and settles
 * about once a second with a row for each that was taken from. The row says when the bucket is full again, by the database's
 * clock; what a hub took moves that on, and what comes back delays its own bucket. So all hubs together can overdraw a bucket by
 * what each may take until its next settlement, at most a burst for each further hub, and callers pay it back by waiting. A hub
 * that cannot reach the database goes on alone, and settles when it is back.
 */
export async function shareLimits(options: SharedLimitsOptions): Promise<SharedLimits> {
  const { store, limits, clock, log, everyMs = EVERY_MS } = options
  await store.migrate('limits', MIGRATIONS)
  const db = store.as<Tables>()
  let isAlone = false
  let rounds = 0
  let cancel = () => {}
  let last: Promise<void> = Promise.resolve()

  const round = async (): Promise<void> => {
    try {
      const told = untold(limits)
      if (told.length > 0) await tell(db, told, clock)
      if (++rounds % SWEEP_EVERY === 0) await sweep(db)
      if (isAlone) log.info('limits are shared with other hubs again')
      isAlone = false
    } catch (error) {
      if (!isAlone) log.warn('limits are not shared with other hubs for now', { error })
      isAlone = true
    }
  }

  // One at a time: what is under way has not been learnt from.
  const settle = (): Promise<void> => (last = last.then(round))
  const settleLater = () => {
    cancel = clock.after(everyMs, () => void settle().then(() => isStopped || settleLater()))
  }
  let isStopped = false
  settleLater()
  return {
    settle,
    async stop() {
      isStopped = true
      cancel()
      await settle()
    },
  }
}

/** In the order of their keys: two hubs that lock rows in different orders would wait for each other. */
function untold({ tables }: Pick<CallLimits, 'tables'>): Told[] {
  const told: Told[] = []
  for (const [name, table] of tables())
    for (const [key, bucket] of table.entries())
      if (bucket.untold > 0) told.push({ key: `${name} ${key}`, bucket, tokens: bucket.untold })
  return told.slice(0, MOST_AT_ONCE).sort((a, b) => (a.key < b.key ? -1 : 1))
}

/** By the database's clock: those of the hubs may differ. */
const NOW_MS = sql<number>`(extract(epoch from statement_timestamp()) * 1000)::double precision`

/**
 * What was taken counts from when it was: a hub alone learns nothing new from its own takings, and an hour without the database
 * is no debt of an hour.
 */
async function tell(db: Kysely<Tables>, told: readonly Told[], clock: Clock): Promise<void> {
  const startMs = clock.monotonic()
  const keys = told.map(({ key }) => key)
  const takenMs = told.map(({ bucket, tokens }) => tokens * bucket.everyMs)
  const agoMs = told.map(({ bucket }) => startMs - bucket.untoldSinceMs)
  const { rows } = await sql<{ key: string; missing_ms: number }>`
    insert into call_budgets as known (key, since_ms, full_at_ms)
    select key, ${NOW_MS} - ago_ms, ${NOW_MS} - ago_ms + taken_ms
    from unnest(${keys}::text[], ${takenMs}::double precision[], ${agoMs}::double precision[])
      as told (key, taken_ms, ago_ms)
    on conflict (key) do update set
      since_ms = excluded.since_ms,
      full_at_ms = greatest(known.full_at_ms, excluded.since_ms) + excluded.full_at_ms - excluded.since_ms
    returning key, full_at_ms - ${NOW_MS} as missing_ms`.execute(db)
  const missing = new Map(rows.map((row) => [row.key, row.missing_ms]))
  for (const { key, bucket, tokens } of told) {
    bucket.untold -= tokens
    if (bucket.untold > 0) bucket.untoldSinceMs = startMs
    // What was taken meanwhile comes on top.
    bucket.delay(startMs + (missing.get(key) ?? 0) + bucket.untold * bucket.everyMs)
  }
}

const sweep = (db: Kysely<Tables>) => sql`delete from call_budgets where full_at_ms < ${NOW_MS} - 60000`.execute(db)
