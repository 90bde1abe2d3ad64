import { Fault, type FaultCode } from '../fault.ts'
import { RelayedError } from '../mcp/relayed.ts'

/** What says that the other side is not well. Everything else is an answer, or the caller's own doing. */
const BLAMED: ReadonlySet<FaultCode> = new Set([
  'internal',
  'storage_failed',
  'timeout',
  'unavailable',
  'upstream_failed',
])

/** Callers may set a time limit of their own: a shorter one than this, passed, says nothing about who was asked. */
const IMPATIENT_MS = 1000

/** What the end of a call says about who was asked: it failed; it answered, if only to refuse; nothing at all. */
export type Verdict = 'failure' | 'answer' | 'nothing'

export function verdictOf(error: unknown, afterMs: number): Verdict {
  if (error instanceof RelayedError) return 'answer'
  if (!(error instanceof Fault)) return 'failure'
  if (error.code === 'cancelled' || error.code === 'stopping') return 'nothing'
  if (error.code === 'timeout' && afterMs < IMPATIENT_MS) return 'nothing'
  return BLAMED.has(error.code) ? 'failure' : 'answer'
}

const unsent = new WeakSet<Fault>()

/** Marks a fault of a call of which nothing reached the other side: whatever its effect, it may be tried elsewhere. */
export function notSent<F extends Fault>(fault: F): F {
  unsent.add(fault)
  return fault
}

export const wasNotSent = (error: unknown): boolean => error instanceof Fault && unsent.has(error)

const cutOff = new WeakSet<Fault>()

/** Marks the fault of calls whose connection broke while they ran: each may have been done, or not. */
export function brokenWhileRunning<F extends Fault>(fault: F): F {
  cutOff.add(fault)
  return fault
}

/**
 * The fault for the caller of a call that must not simply be made again, where it may have been done: not `unavailable`, which
 * invites to do just that.
 */
export function inDoubt(error: unknown): unknown {
  if (!(error instanceof Fault) || !cutOff.has(error)) return error
  return new Fault('upstream_failed', `${error.message} It may have been done, or not; nobody else was asked.`, {
    hint: 'Look whether it took effect before you call it again.',
    ...(error.details && { details: error.details }),
    cause: error,
  })
}
