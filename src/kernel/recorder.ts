import type { Audit, AuditEntry } from './audit.ts'
import type { Clock } from './clock.ts'
import type { FaultCode } from './fault.ts'
import type { Call } from './call.ts'
import type { Log } from './log.ts'
import type { Metrics } from './metrics.ts'
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
  close(started: Started, outcome: 'ok' | FaultCode): Promise<void> | undefined
}

export interface RecorderOptions {
  readonly audit: Audit
  readonly metrics: Metrics
  readonly clock: Clock
  readonly log: Log
}

/** Refusals that anybody can have without end and that say nothing of anybody: they would fill the disk. Metrics have them. */
const UNRECORDED: ReadonlySet<'ok' | FaultCode> = new Set(['unauthenticated', 'rate_limited'])

/** Counts calls that are over, and has the audit write them down. */
export function createRecorder({ audit, metrics, clock, log }: RecorderOptions): Recorder {
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
    close({ call, entry, requestId, atMs, startMs, span }, outcome) {
      const { tool, provider } = entry
      const { caller } = call
      const durationMs = clock.monotonic() - startMs
      metrics.running(-1)
      metrics.called(entry, outcome, durationMs, caller)
      span?.end(outcome)
      count(entry, outcome !== 'ok', durationMs, atMs + durationMs)
      if (UNRECORDED.has(outcome)) return undefined
      const written: AuditEntry = {
        requestId,
        atMs,
        callerId: caller.id,
        via: caller.via,
        ...(caller.address !== undefined && { address: caller.address }),
        operation: tool.name,
        provider: provider.id,
        effect: tool.effect,
        outcome,
        durationMs,
      }
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
