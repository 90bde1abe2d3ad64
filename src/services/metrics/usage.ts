import type { Clock } from '../../kernel/clock.ts'
import type { Log } from '../../kernel/log.ts'
import type { Performance, UsageCount } from '../../kernel/performance.ts'
import type { UsageRow, UsageTable } from './usage-table.ts'

export interface UsageOptions {
  readonly performance: Pick<Performance, 'takeUsage'>
  readonly table: UsageTable
  readonly clock: Clock
  readonly log: Log
  readonly retentionDays: number
}

/** Who used what, by day, over restarts of the hub. */
export interface Usage {
  /** Of the latest days, today among them; what was counted so far is in it. */
  latest(days: number): Promise<readonly UsageRow[]>
  /** Writes what was counted. */
  close(): Promise<void>
}

const WRITE_MS = 60_000
const DAY_MS = 86_400_000
/** Rows of one day; beyond, operations are counted together. */
const MOST_ROWS = 5000
/** Counts that wait while the database is away; of more, the oldest are lost. */
const MOST_WAITING = 20_000

const OTHERS = 'others'

export function followUsage({ performance, table, clock, log, retentionDays }: UsageOptions): Usage {
  let waiting: UsageRow[] = []
  let prunedDay = ''
  let lastWrite: Promise<void> = Promise.resolve()

  const write = async () => {
    const day = dayOf(clock.now())
    const isFull = (await table.countOf(day)) >= MOST_ROWS
    waiting = [...waiting, ...performance.takeUsage().map((count) => rowOf(day, count, isFull))].slice(-MOST_WAITING)
    const batch = waiting
    if (batch.length > 0) await table.add(batch)
    waiting = waiting.slice(batch.length)
    if (prunedDay === day) return
    await table.removeBefore(dayOf(clock.now() - retentionDays * DAY_MS))
    prunedDay = day
  }

  /** One after the other, or two would write the same. */
  const flush = (): Promise<void> => {
    const done = lastWrite.then(write)
    lastWrite = done.catch((error: unknown) => log.warn('who used what could not be written; it waits', { error }))
    return done
  }

  const writeAgain = () => {
    void flush().catch(() => undefined)
    cancel = clock.after(WRITE_MS, writeAgain)
  }
  let cancel = clock.after(WRITE_MS, writeAgain)

  return {
    async latest(days) {
      await flush()
      return await table.since(dayOf(clock.now() - (days - 1) * DAY_MS))
    },
    async close() {
      cancel()
      await flush().catch(() => undefined)
    },
  }
}

const dayOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10)

function rowOf(
  day: string,
  { callerId, caller, operation, provider, calls, errors, totalMs }: UsageCount,
  isFull: boolean,
): UsageRow {
  const [name, of] = isFull ? [OTHERS, OTHERS] : [operation, provider]
  return { day, caller_id: callerId, caller, operation: name, provider: of, calls, errors, total_ms: totalMs }
}
