import { clockTime } from '../../kernel/clock-time.ts'
import { Fault } from '../../kernel/fault.ts'
import type { StatusReport } from '../../kernel/status.ts'
import type { LifeState } from './state.ts'

/** A start takes seconds: asking more often than that gains nothing. */
const STARTING_RETRY_MS = 1000

export interface Unavailability {
  readonly name: string
  readonly state: LifeState
  readonly report: StatusReport
  /** What it needs is down. */
  readonly isBlocked: boolean
  /** Nobody starts this one any more; another one may be about to take its place. */
  readonly isOver: boolean
  /** Who waited had asked for a start. */
  readonly isForStart: boolean
  readonly nowMs: number
}

/** What a call gets that cannot be served: who, since when, why, when it is tried again, what to do. */
export function unavailableFault({ name, state, report, isBlocked, isOver, isForStart, nowMs }: Unavailability): Fault {
  const { hint, retryAfterMs } = isOver ? SOON : isBlocked ? blockedProspect(name) : prospect(name, state, nowMs)
  const { sinceMs, reason = 'no reason is known' } = report
  const why = isBlocked ? `because ${reason}` : `since ${clockTime(sinceMs, nowMs)}: ${reason}`
  return new Fault('unavailable', `${name} is unavailable ${why}.`, {
    hint,
    ...(retryAfterMs !== undefined && { retryAfterMs }),
    ...(isForStart && !isOver && { retryable: false as const }),
    details: { server: name, state: state.is, since: new Date(sinceMs).toISOString() },
  })
}

interface Prospect {
  readonly hint: string
  readonly retryAfterMs?: number
}

const SOON: Prospect = { hint: 'Try again in a moment.', retryAfterMs: STARTING_RETRY_MS }

const blockedProspect = (name: string): Prospect => ({ hint: `${name} is back by itself when what it needs is back.` })

function prospect(name: string, state: LifeState, nowMs: number): Prospect {
  switch (state.is) {
    case 'backing_off': {
      const waitMs = Math.max(state.nextAtMs - nowMs, 0)
      const when = `It is started again in ${Math.ceil(waitMs / 1000)} s; try then.`
      return { hint: joined(state.hint, when), retryAfterMs: waitMs }
    }
    case 'failed': {
      const logs = `alicia logs ${name} shows what it said, alicia restart ${name} tries again`
      return { hint: joined(state.hint, `After ${state.attempts} attempts it is left alone: ${logs}.`) }
    }
    case 'needs_login':
      return { hint: state.hint ?? `Somebody has to log in once: alicia login ${name}.` }
    case 'stopped':
      return { hint: `It stays so until somebody starts it: alicia restart ${name}.` }
    case 'starting':
    case 'ready':
    case 'degraded':
      return SOON
  }
}

const joined = (first: string | undefined, second: string) => (first === undefined ? second : `${first} ${second}`)
