import type { Clock } from '../../kernel/clock.ts'
import type { Log } from '../../kernel/log.ts'
import type { Store } from '../../kernel/ports.ts'
import { openHistoryTable, type HealthEntry } from './history-table.ts'

export interface HistoryOptions {
  readonly store: Store
  readonly clock: Clock
  readonly log: Log
  readonly retentionDays: number
}

/** How well every part of the hub did, over restarts of the hub. */
export interface HealthHistory {
  /** Kept within a second; a database that is away delays it and troubles nobody. */
  record(entry: HealthEntry): void
  /** The latest entries, newest first. */
  latest(name: string, limit: number, kind?: HealthEntry['kind']): Promise<HealthEntry[]>
  /** Entries from that time on, oldest first; of very many the latest 10,000. */
  since(name: string, sinceMs: number, kind?: HealthEntry['kind']): Promise<HealthEntry[]>
  /** Removes what is too old or too much; happens by itself every day. */
  prune(): Promise<void>
  /** Writes what waits. */
  close(): Promise<void>
}

const DAY_MS = 86_400_000
const GATHER_MS = 1000
const RETRY_MS = 10_000
/** Entries that wait while the database is away; of more, the oldest are lost. */
const MOST_WAITING = 5000
/** Of one name: a fortnight of a latency each minute. */
const MOST_ROWS = 20_000
const MOST_FOUND = 10_000

/** Throws Fault `storage_failed` when its table cannot be made. */
export async function openHealthHistory(options: HistoryOptions): Promise<HealthHistory> {
  const { store, clock, log, retentionDays } = options
  const table = await openHistoryTable(store)
  let waiting: HealthEntry[] = []
  let cancelFlush: (() => void) | undefined
  let cancelPrune = () => {}
  let isAway = false
  /** One write after the other, so that entries stay in order. */
  let lastWrite: Promise<void> = Promise.resolve()

  const flush = (): Promise<void> => (lastWrite = lastWrite.then(write))

  const write = async () => {
    cancelFlush?.()
    cancelFlush = undefined
    const batch = waiting
    waiting = []
    if (batch.length === 0) return
    try {
      await table.insert(batch)
      if (isAway) log.info('the history of health is written again')
      isAway = false
    } catch (error) {
      if (!isAway) log.warn('the history of health cannot be written; it waits in memory', { error })
      isAway = true
      waiting = [...batch, ...waiting].slice(-MOST_WAITING)
      flushIn(RETRY_MS)
    }
  }

  const flushIn = (ms: number) => {
    cancelFlush ??= clock.after(ms, () => void flush())
  }

  const prune = () => table.prune(clock.now() - retentionDays * DAY_MS, MOST_ROWS)

  /** At the start too: a hub that is started anew every day would never get to it. */
  const pruneDaily = () => {
    cancelPrune = clock.after(DAY_MS, pruneDaily)
    lastWrite = lastWrite.then(prune).catch((error: unknown) => log.warn('old health could not be removed', { error }))
  }
  pruneDaily()

  return {
    record(entry) {
      if (waiting.length >= MOST_WAITING) waiting.shift()
      waiting.push(entry)
      flushIn(GATHER_MS)
    },
    async latest(name, limit, kind) {
      await flush()
      return table.find({ name, limit, ...(kind !== undefined && { kind }) })
    },
    async since(name, sinceMs, kind) {
      await flush()
      const found = await table.find({ name, sinceMs, limit: MOST_FOUND, ...(kind !== undefined && { kind }) })
      return found.reverse()
    },
    prune,
    async close() {
      cancelPrune()
      await flush()
      cancelFlush?.()
    },
  }
}
