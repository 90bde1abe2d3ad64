import type { Clock } from '../kernel/clock.ts'
import type { Log } from '../kernel/log.ts'
import type { AuditTable } from './audit-table.ts'

export interface PruningOptions {
  clock: Clock
  log: Log
  retentionDays: number
}

const DAY_MS = 86_400_000

/** Removes the entries that are too old, now and every day; returns what ends that. */
export function startPruning(table: AuditTable, { clock, log, retentionDays }: PruningOptions): () => Promise<void> {
  const stop = new AbortController()
  let running = Promise.resolve()
  let cancel = () => {}

  const prune = async () => {
    const beforeMs = clock.now() - retentionDays * DAY_MS
    try {
      while (!stop.signal.aborted && (await table.prune(beforeMs))) {
        // Between two slices others get their turn.
        await new Promise(setImmediate)
      }
    } catch (error) {
      log.warn('old entries of the audit could not be removed', { error })
    }
  }
  const daily = () => {
    running = running.then(prune)
    cancel = clock.after(DAY_MS, daily)
  }

  daily()
  return async () => {
    stop.abort()
    cancel()
    await running
  }
}
