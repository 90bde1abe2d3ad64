import type { Audit, AuditDetails, AuditEntry } from './audit.ts'
import type { Clock } from './clock.ts'
import type { FaultCode } from './fault.ts'
import type { Call } from './call.ts'
import type { Log } from './log.ts'
import type { Metrics } from './metrics.ts'
import type { Redact } from './redact.ts'
import type { Entry } from './registry.ts'
import type { Span } from './trace.ts'

/** A call that was let in and runs. */
export interface Started {
  readonly call: Call
  readonly entry: Entry
  readonly requestId: string
  /** Wall-clock milliseconds, and those of the monotonic clock. */
  readonly atMs: number
  readonly startMs: number
  readonly span: Span | undefined
}

export interface Recorder {
  /** What is left of a call when it is over. What changed something resolves when it is on record; a read need not wait. */
  close(started: Started, outcome: 'ok' | FaultCode, approvedBy?: string): Promise<void> | undefined
}

/** Which calls have their arguments on record, and what is left of them. */
export interface ArgumentKeeping {
  readonly of: 'none' | 'writes' | 'all'
  readonly redact: Redact
}

export interface RecorderOptions {
  readonly keepArguments?: ArgumentKeeping
  readonly audit: Audit
  readonly metrics: Metrics
  readonly clock: Clock
  readonly log: Log
}

/** Counts calls that are over, and has the audit write them down. */
export function createRecorder({ audit, metrics, clock, log, keepArguments }: RecorderOptions): Recorder {
  let noted: Promise<void> | undefined

  /** Apart from the call, so that what waits for the disk holds the entry alone and not the whole call. */
  async function record(entry: AuditEntry): Promise<void> {
    try {
      await audit.record(entry)
    } catch (error) {
      log.error('the audit could not be written', { requestId: entry.requestId, error })
    }
  }

  /**
   * Nobody waits for this one. Entries that are written together share a promise, which is listened to once: a listener
   * for each call would be most of what is alive at any time, and be copied by every collection.
   */
  function note(entry: AuditEntry): void {
    const kept = audit.record(entry)
    if (kept === noted) return
    noted = kept
    kept.catch((error: unknown) => log.error('the audit could not be written', { requestId: entry.requestId, error }))
  }

  return {
    close(started, outcome, approvedBy) {
      const { call, entry, atMs, startMs, span } = started
      const durationMs = clock.monotonic() - startMs
      metrics.running(-1)
      metrics.called(entry, outcome, durationMs, call.caller)
      span?.end(outcome)
      count(entry, outcome !== 'ok', durationMs, atMs + durationMs)
      const details = detailsOf(started, keepArguments, approvedBy)
      const { tool } = entry
      const written = entryOf(started, outcome, durationMs, details)
      if (tool.effect !== 'read') return record(written)
      note(written)
      return undefined
    },
  }
}

function count({ statistics }: Entry, failed: boolean, durationMs: number, atMs: number): void {
  statistics.calls++
  if (failed) statistics.errors++
  statistics.lastMs = durationMs
  statistics.lastAtMs = atMs
}

function entryOf(
  { call, entry, requestId, atMs, span }: Started,
  outcome: 'ok' | FaultCode,
  durationMs: number,
  details: AuditDetails | undefined,
): AuditEntry {
  const { caller } = call
  const traceId = traceIdOf(span?.traceparent ?? call.trace)
  return {
    requestId,
    atMs,
    callerId: caller.id,
    callerName: caller.name,
    person: caller.person,
    credential: caller.credential,
    role: caller.role,
    via: caller.via,
    address: caller.address,
    operation: entry.tool.name,
    provider: entry.provider.id,
    effect: entry.tool.effect,
    outcome,
    durationMs,
    traceId,
    details,
  }
}

/** Most calls have none. The arguments are those that the caller sent: what was refused for them shows why. */
function detailsOf(
  { call, entry }: Started,
  keeping: ArgumentKeeping | undefined,
  approvedBy: string | undefined,
): AuditDetails | undefined {
  const { tool } = entry
  const isKept = keeping !== undefined && (keeping.of === 'all' || (keeping.of === 'writes' && tool.effect !== 'read'))
  if (!isKept && approvedBy === undefined && call.within === undefined) return undefined
  return {
    ...(call.within !== undefined && { within: call.within }),
    ...(approvedBy !== undefined && { approvedBy }),
    ...(isKept && call.input !== undefined && { arguments: keeping.redact(call.input, tool) }),
  }
}

/** W3C Trace Context, 3.2: version, trace, parent, flags. */
const TRACEPARENT = /^[0-9a-f]{2}-([0-9a-f]{32})-/

const traceIdOf = (traceparent: string | undefined): string | undefined =>
  traceparent === undefined ? undefined : TRACEPARENT.exec(traceparent)?.[1]
