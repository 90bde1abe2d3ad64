import type { Audit, AuditEntry } from '../../kernel/audit.ts'
import type { Clock } from '../../kernel/clock.ts'
import { Fault } from '../../kernel/fault.ts'
import type { Log } from '../../kernel/log.ts'
import type { Store } from '../../kernel/ports.ts'
import type { StatusReport } from '../../kernel/status.ts'
import { openAuditTable, type AuditTable } from './audit-table.ts'
import { emptyBatch, quietly, textsIn, type Batch } from './batch.ts'
import { ChainSigner, type ChainKeys, type Head, type Link } from './chain.ts'
import { createFloodGuard } from './flood.ts'
import { openHeadFile, type HeadText } from './head-file.ts'
import { openOwnChain } from './own-chain.ts'
import { gapOf, lossOf } from './own-entries.ts'
import { startPruning } from './pruning.ts'
import type { WriterThread } from './writer-thread.ts'

/** The audit on the store: a chain of entries, which are gathered and written many at a time. */
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
  readonly table: AuditTable
  readonly signer: ChainSigner
  /** Where the hub's own chains end, the one in use first. */
  heads(): readonly Head[]
  /** Told of entries once they are committed; returns what ends that. */
  onCommit(listener: (links: readonly Link[]) => void): () => void
  /** Writes what is left. Call it before the store closes. */
  close(): Promise<void>
}

export interface AuditLogOptions {
  store: Store
  clock: Clock
  log: Log
  keys: ChainKeys
  /** Writes large batches. Absent: all is written on this thread. */
  thread?: WriterThread
  /** Keeps where the chain ends, outside the database. Absent: nothing does. */
  headFile?: HeadText
  /** Entries older than this are removed, at the start and every hour. */
  retentionDays: number
  /** The oldest entries are removed when there are more than about this many bytes of them. Absent: no matter how many. */
  mostBytes?: number
}

const READS_WAIT_MS = 100
/** About 5 MB of entries. */
const MOST_WAITING = 10_000
/** Entries of a batch from which on a thread of its own is worth it: a thousand calls a second. */
const LARGE = 100
/** The share that goes when there are more: one at a time would move the whole queue for each. */
const DROPPED_AT_ONCE = 1000
const FIRST_RETRY_MS = 1000
const LONGEST_RETRY_MS = 30_000

/** Linked, and refused by a database that is away. */
interface Unwritten {
  readonly links: readonly Link[]
  readonly readsKept: PromiseWithResolvers<void>
}

type State =
  | { is: 'idle' }
  | { is: 'gathering'; hurried: boolean; cancel: () => void }
  | { is: 'writing' }
  | { is: 'away'; sinceMs: number; fault: Fault; retryMs: number; cancel: () => void }
  | { is: 'closed' }

/** Throws Fault `storage_failed` or `unavailable`. */
export async function openAuditLog(options: AuditLogOptions): Promise<AuditLog> {
  const { store, clock, log, keys, thread, headFile, retentionDays, mostBytes = Infinity } = options
  const table = await openAuditTable(store)
  const signer = new ChainSigner(keys)
  const file = openHeadFile({ clock, log, ...(headFile && { file: headFile }) })
  const chain = await openOwnChain({ table, signer, file, clock, log })
  const stopPruning = startPruning(table, { signer, clock, log, retentionDays, mostBytes })
  const listeners = new Set<(links: readonly Link[]) => void>()
  const sinceMs = clock.now()
  let state: State = { is: 'idle' }
  let batch = emptyBatch()
  /** The memory of the batch before, for the next one. */
  let spare: Pick<Batch, 'reads' | 'writes'> | undefined
  let unwritten: Unwritten | undefined
  let away: Extract<State, { is: 'away' }> | undefined
  let writing = Promise.resolve()
  let lostCount = 0
  let unsaid = 0

  const lose = (count: number) => {
    if (lostCount === 0) log.error('the audit loses entries', { count })
    lostCount += count
    unsaid += count
  }

  /** The oldest reads go first: what changed something is what an audit is for. */
  const makeRoom = () => {
    if (batch.reads.size + batch.writes.size + (unwritten?.links.length ?? 0) <= MOST_WAITING) return
    const from = batch.reads.size > 0 ? batch.reads : batch.writes
    lose(from.drop(DROPPED_AT_ONCE))
  }

  const gather = () => {
    if (batch.writes.size > 0) {
      const immediate = setImmediate(flush)
      state = { is: 'gathering', hurried: true, cancel: () => clearImmediate(immediate) }
    } else if (batch.reads.size > 0) {
      state = { is: 'gathering', hurried: false, cancel: clock.after(READS_WAIT_MS, flush) }
    } else state = { is: 'idle' }
  }

  const flush = () => {
    if (state.is === 'gathering' || state.is === 'away') state.cancel()
    const full = batch
    batch = emptyBatch(spare)
    spare = undefined
    state = { is: 'writing' }
    writing = write(full)
  }

  /** What could not be written before stays as it was linked: it may be there, though nobody heard of it. */
  const linked = (full: Batch): Link[] => {
    const earlier = unwritten?.links ?? []
    return [...earlier, ...chain.link(textsIn(full), earlier.at(-1) ?? chain.head)]
  }

  /** Resolves with false where it is to be done here: should it be there already, the chain finds it. */
  const isWrittenApart = async ({ writes, reads }: Batch): Promise<boolean> => {
    const [key] = keys()
    if (!thread || thread.isResting || !key || writes.size + reads.size < LARGE) return false
    // What was linked already, or is to be shown to somebody, is at hand here alone.
    if (unwritten || listeners.size > 0) return false
    try {
      const gathered = [writes.shared(), reads.shared()]
      chain.advance(await thread.write({ head: chain.head, key, gathered }))
      return true
    } catch (error) {
      log.warn('the thread that writes the audit failed; it is written without', { error })
      return false
    }
  }

  const write = async (full: Batch) => {
    const told = unsaid
    if (told > 0) full.writes.add(lossOf(told, clock.now()))
    let links: readonly Link[] = []
    try {
      const before = chain.head
      if (!(await isWrittenApart(full))) {
        links = linked(full)
        await chain.write(links)
        // Somebody who follows since it began.
      } else if (listeners.size > 0) links = chain.link(textsIn(full), before)
      unsaid -= told
      full.writesKept.resolve()
      full.readsKept.resolve()
      unwritten?.readsKept.resolve()
      unwritten = undefined
      if (away) log.info('the audit is written again', { lost: lostCount })
      away = undefined
      if (links.length > 0) for (const listener of listeners) listener(links)
      gather()
    } catch (error) {
      if (isPassing(error)) postpone(full, { links, told }, error)
      else refuse(full, links, error)
    }
    full.reads.clear()
    full.writes.clear()
    spare = full
  }

  /** The database is away: everything waits, except the callers of writes. */
  const postpone = (full: Batch, { links, told }: { links: readonly Link[]; told: number }, fault: Fault) => {
    full.writesKept.reject(fault)
    batch.writesKept.reject(fault)
    batch = { ...batch, writesKept: quietly() }
    const readsKept = unwritten?.readsKept ?? full.readsKept
    if (readsKept !== full.readsKept) full.readsKept.resolve(readsKept.promise)
    // That loss is among the links now; more may have been lost since they were made.
    unsaid -= told
    unwritten = { links, readsKept }
    makeRoom()
    if (!away) log.warn('the audit cannot be written; it is kept in memory', { error: fault })
    const retryMs = away ? Math.min(away.retryMs * 2, LONGEST_RETRY_MS) : FIRST_RETRY_MS
    const since = away?.sinceMs ?? clock.now()
    away = { is: 'away', sinceMs: since, fault, retryMs, cancel: clock.after(retryMs, flush) }
    state = away
  }

  /** A defect: these entries would fail for ever, and hold up all that come after. */
  const refuse = (full: Batch, links: readonly Link[], error: unknown) => {
    log.error('the database refuses entries of the audit', { error })
    lose(links.length)
    full.writesKept.reject(error)
    full.readsKept.reject(error)
    unwritten?.readsKept.reject(error)
    unwritten = undefined
    gather()
  }

  const add = (entry: AuditEntry): Promise<void> => {
    if (state.is === 'closed') return Promise.reject(new Fault('stopping', 'The audit is closed.'))
    const isRead = entry.effect === 'read'
    const list = isRead ? batch.reads : batch.writes
    list.add(entry)
    makeRoom()
    if (state.is === 'idle') gather()
    else if (state.is === 'gathering' && !isRead && !state.hurried) {
      state.cancel()
      gather()
    }
    // Also while a retry runs: against a host that does not answer it can take most of a minute.
    if (away && !isRead) return Promise.reject(away.fault)
    return isRead ? batch.readsKept.promise : batch.writesKept.promise
  }
  const guard = createFloodGuard(clock, (entry) => void add(entry).catch(() => undefined))
  if (chain.missing) void add(gapOf(chain.missing, clock.now())).catch(() => undefined)

  return {
    // What is only counted need not be waited for.
    record: (entry) => (guard.takes(entry) ? add(entry) : COUNTED),
    table,
    signer,
    heads: () => file.heads(),
    onCommit(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    lost: () => lostCount,
    report: () =>
      away
        ? { status: 'degraded', sinceMs: away.sinceMs, reason: away.fault.message }
        : { status: 'available', sinceMs },
    async close() {
      await stopPruning()
      guard.close()
      await writing
      if (batch.reads.size + batch.writes.size > 0 || unwritten) flush()
      await writing
      if (state.is === 'gathering' || state.is === 'away') state.cancel()
      state = { is: 'closed' }
      await thread?.close()
      const { reads, writes, readsKept, writesKept } = batch
      const left = reads.size + writes.size + (unwritten?.links.length ?? 0)
      batch = emptyBatch()
      if (left > 0) {
        lose(left)
        log.error('the audit ends with entries that could not be written', { lost: lostCount })
        readsKept.reject(away?.fault)
        writesKept.reject(away?.fault)
        unwritten?.readsKept.reject(away?.fault)
      }
      await file.close()
    },
  }
}

const COUNTED = Promise.resolve()

/** Whether the same entries may be taken later. */
const isPassing = (error: unknown): error is Fault =>
  error instanceof Fault && ['storage_failed', 'unavailable', 'timeout'].includes(error.code)
