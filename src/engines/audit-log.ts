import type { Audit, AuditEntry } from '../kernel/audit.ts'
import type { Clock } from '../kernel/clock.ts'
import { Fault } from '../kernel/fault.ts'
import type { Log } from '../kernel/log.ts'
import type { Store } from '../kernel/ports.ts'
import type { StatusReport } from '../kernel/status.ts'
import { startPruning } from './audit-pruning.ts'
import { openAuditTable } from './audit-table.ts'

/** The audit on the store. Entries are gathered and written many at a time. */
export interface AuditLog extends Audit {
  /**
   * Resolves once the entry is committed: at most 100 ms later for a read; what changed something is written on the
   * next turn of the event loop, with all that gathered. While the database is away it is kept for later; then the
   * promise of a write rejects at once (its caller must not wait for the database), that of a read stays open.
   */
  record(entry: AuditEntry): Promise<void>
  /** Entries lost since the start: the database was away for longer than memory lasts, or refused them. */
  lost(): number
  report(): StatusReport
  /** Writes what is left. Call it before the store closes. */
  close(): Promise<void>
}

export interface AuditLogOptions {
  store: Store
  clock: Clock
  log: Log
  /** Entries older than this are removed, at the start and once a day. */
  retentionDays: number
}

const READS_WAIT_MS = 100
/** About 5 MB of entries. */
const MOST_WAITING = 10_000
/** The share that goes when there are more: one at a time would move the whole queue for each. */
const DROPPED_AT_ONCE = 1000
const FIRST_RETRY_MS = 1000
const LONGEST_RETRY_MS = 30_000

/** What is gathered for the next commit. All reads share a promise, and all writes: a call costs no promise of its own. */
interface Batch {
  reads: AuditEntry[]
  writes: AuditEntry[]
  readsKept: PromiseWithResolvers<void>
  writesKept: PromiseWithResolvers<void>
}

type State =
  | { is: 'idle' }
  | { is: 'gathering'; hurried: boolean; cancel: () => void }
  | { is: 'writing' }
  | { is: 'away'; sinceMs: number; fault: Fault; retryMs: number; cancel: () => void }
  | { is: 'closed' }

/** Throws Fault `storage_failed` or `unavailable`. */
export async function openAuditLog({ store, clock, log, retentionDays }: AuditLogOptions): Promise<AuditLog> {
  const table = await openAuditTable(store)
  const stopPruning = startPruning(table, { clock, log, retentionDays })
  const sinceMs = clock.now()
  let state: State = { is: 'idle' }
  let batch = emptyBatch()
  let away: Extract<State, { is: 'away' }> | undefined
  let writing = Promise.resolve()
  let lostCount = 0

  const lose = (count: number) => {
    if (lostCount === 0) log.error('the audit loses entries', { count })
    lostCount += count
  }

  /** The oldest reads go first: what changed something is what an audit is for. */
  const makeRoom = () => {
    if (batch.reads.length + batch.writes.length <= MOST_WAITING) return
    const from = batch.reads.length > 0 ? batch.reads : batch.writes
    lose(from.splice(0, DROPPED_AT_ONCE).length)
  }

  const gather = () => {
    if (batch.writes.length > 0) {
      const immediate = setImmediate(flush)
      state = { is: 'gathering', hurried: true, cancel: () => clearImmediate(immediate) }
    } else if (batch.reads.length > 0) {
      state = { is: 'gathering', hurried: false, cancel: clock.after(READS_WAIT_MS, flush) }
    } else state = { is: 'idle' }
  }

  const flush = () => {
    if (state.is === 'gathering' || state.is === 'away') state.cancel()
    const full = batch
    batch = emptyBatch()
    state = { is: 'writing' }
    writing = write(full)
  }

  const write = async (full: Batch) => {
    try {
      await table.insert([...full.writes, ...full.reads])
      full.writesKept.resolve()
      full.readsKept.resolve()
      if (away) log.info('the audit is written again', { lost: lostCount })
      away = undefined
      gather()
    } catch (error) {
      if (isPassing(error)) postpone(full, error)
      else refuse(full, error)
    }
  }

  /** The database is away: everything waits, except the callers of writes. */
  const postpone = (full: Batch, fault: Fault) => {
    full.writesKept.reject(fault)
    batch.writesKept.reject(fault)
    full.readsKept.resolve(batch.readsKept.promise)
    batch = {
      reads: [...full.reads, ...batch.reads],
      writes: [...full.writes, ...batch.writes],
      readsKept: batch.readsKept,
      writesKept: quietly(),
    }
    makeRoom()
    if (!away) log.warn('the audit cannot be written; it is kept in memory', { error: fault })
    const retryMs = away ? Math.min(away.retryMs * 2, LONGEST_RETRY_MS) : FIRST_RETRY_MS
    const since = away?.sinceMs ?? clock.now()
    away = { is: 'away', sinceMs: since, fault, retryMs, cancel: clock.after(retryMs, flush) }
    state = away
  }

  /** A defect: these entries would fail for ever, and hold up all that come after. */
  const refuse = (full: Batch, error: unknown) => {
    log.error('the database refuses entries of the audit', { error })
    lose(full.writes.length + full.reads.length)
    full.writesKept.reject(error)
    full.readsKept.reject(error)
    gather()
  }

  return {
    record(entry) {
      if (state.is === 'closed') return Promise.reject(new Fault('stopping', 'The audit is closed.'))
      const isRead = entry.effect === 'read'
      const list = isRead ? batch.reads : batch.writes
      list.push(entry)
      makeRoom()
      if (state.is === 'idle') gather()
      else if (state.is === 'gathering' && !isRead && !state.hurried) {
        state.cancel()
        gather()
      }
      // Also while a retry runs: against a host that does not answer it can take most of a minute.
      if (away && !isRead) return Promise.reject(away.fault)
      return isRead ? batch.readsKept.promise : batch.writesKept.promise
    },
    lost: () => lostCount,
    report: () =>
      away
        ? { status: 'degraded', sinceMs: away.sinceMs, reason: away.fault.message }
        : { status: 'available', sinceMs },
    async close() {
      await stopPruning()
      await writing
      if (batch.reads.length + batch.writes.length > 0) flush()
      await writing
      if (state.is === 'away') state.cancel()
      state = { is: 'closed' }
      const { reads, writes, readsKept } = batch
      batch = emptyBatch()
      if (reads.length + writes.length === 0) return
      lose(reads.length + writes.length)
      log.error('the audit ends with entries that could not be written', { lost: lostCount })
      readsKept.reject(away?.fault)
    },
  }
}

const emptyBatch = (): Batch => ({ reads: [], writes: [], readsKept: quietly(), writesKept: quietly() })

/** A promise that may be rejected though nobody listens. */
function quietly(): PromiseWithResolvers<void> {
  const kept = Promise.withResolvers<void>()
  kept.promise.catch(() => undefined)
  return kept
}

/** Whether the same entries may be taken later. */
const isPassing = (error: unknown): error is Fault =>
  error instanceof Fault && ['storage_failed', 'unavailable', 'timeout'].includes(error.code)
