import { mayUse, type Caller } from './caller.ts'
import { systemClock, type Clock } from './clock.ts'
import { createCallLimits, type CallLimits, type CallLimitsOptions } from './call-limits.ts'
import { Fault } from './fault.ts'
import { isWithin, mayReach, NO_BOUNDARIES, type Boundaries } from './reach.ts'
import { boundsFor } from './scope.ts'
import type { CallStatistics, Entry } from './registry.ts'
import { RetryBudget } from './resilience/retry-budget.ts'
import type { Tool } from './tool.ts'

/** What a caller may do, how often, and for how long. */
export interface Policy {
  /** Throws Fault `unauthenticated` or `forbidden`. */
  authorize(caller: Caller, entry: Entry): void
  /** The same for grants with bounds, once it is known what the call touches. `input` was parsed. */
  confine(caller: Caller, entry: Entry, input: unknown): void
  /** Counts the call. Throws Fault `rate_limited`, which says when to come back. `nowMs`: on the monotonic clock. */
  limit(caller: Caller, tool: Tool, nowMs?: number): void
  /** What `limit` counts in. */
  readonly limits: CallLimits
  /** Milliseconds the call may take. A caller can shorten it, never lengthen it. */
  deadlineMs(tool: Tool, input: unknown, wantedMs?: number): number
  /** Milliseconds to wait before another attempt, or undefined: no more. It counts as one of the provider's retries. */
  retryAfterMs(entry: Entry, fault: Fault, attempt: number): number | undefined
}

export interface PolicyOptions extends Omit<CallLimitsOptions, 'clock'> {
  timeoutMs: number
  /** Absent: grants with bounds give nothing. */
  boundaries?: Boundaries
  clock?: Clock
}

/** Waits before the second and third attempt, milliseconds. */
const RETRY_WAITS_MS = [100, 400]

/** What asks to be left alone for longer is: its caller hears when to come back, instead of waiting for it unknowingly. */
const MOST_RETRY_WAIT_MS = 2000

export function createPolicy(options: PolicyOptions): Policy {
  const { timeoutMs, boundaries = NO_BOUNDARIES, clock = systemClock } = options
  const limits = createCallLimits({ ...options, clock })
  const budgets = createBudgets(clock)
  return {
    authorize(caller, entry) {
      if (!mayReach(caller.scopes, entry, boundaries)) throw lacking(caller, entry.tool)
      // That their lists do not have it is not enough: a model can name it to an operation that calls others.
      if (entry.tool.forModels === false && caller.via === 'mcp') throw notForModels(entry.tool)
    },
    confine(caller, entry, input) {
      const { tool } = entry
      if (mayUse(caller.scopes, tool.scope)) return
      if (!isWithin(caller.scopes, entry, tool.touches?.(input), boundaries))
        throw outOfBounds(caller, tool, boundaries)
    },
    limit: limits.take,
    limits,
    deadlineMs(tool, input, wantedMs) {
      const allowedMs = tool.timeoutMs?.(input) ?? timeoutMs
      return wantedMs === undefined ? allowedMs : Math.min(wantedMs, allowedMs)
    },
    retryAfterMs(entry, fault, attempt) {
      // A call that may have taken effect is repeated only where repeating it changes nothing.
      if (!entry.tool.idempotent || !fault.retryable || fault.code === 'stopping') return undefined
      const waitMs = Math.max(RETRY_WAITS_MS[attempt - 1] ?? Infinity, fault.retryAfterMs ?? 0)
      return waitMs <= MOST_RETRY_WAIT_MS && budgets(entry).spend() ? waitMs : undefined
    },
  }
}

function lacking(caller: Caller, { name, scope }: Tool): Fault {
  if (caller.id === 'anonymous')
    return new Fault('unauthenticated', `${name} needs an access token.`, {
      hint: 'Send it as "Authorization: Bearer <token>"; `alicia token` prints it.',
    })
  return new Fault('forbidden', `${caller.name} lacks the scope ${scope} that ${name} needs.`, {
    hint: 'Use a token that has this scope.',
    details: { scope },
  })
}

const notForModels = ({ name }: Tool) =>
  new Fault('forbidden', `${name} is not for models.`, {
    hint: 'A person calls it: on the command line of the hub (`alicia --help`), or by REST.',
  })

/** Of a house full of devices that is enough to go on with. */
const MOST_TOPICS = 20

function outOfBounds(caller: Caller, { name, scope }: Tool, boundaries: Boundaries): Fault {
  const grants = caller.scopes.filter((grant) => grant.includes('@'))
  const bounds = boundsFor(caller.scopes, scope ?? '').flat()
  const topics = [...new Set(bounds.flatMap((bound) => boundaries.topicsOf?.(bound) ?? []))].slice(0, MOST_TOPICS)
  return new Fault('forbidden', `${caller.name} may use ${name} only within bounds, and this is not within them.`, {
    // A model that is bound to a room can find out in no other way what is in there.
    hint: `It has: ${grants.join(', ')}.${topics.length > 0 ? ` Ask for topics in there: ${topics.join(', ')}.` : ''}`,
    // Asking for more helps only those who can get it without bounds.
    details: caller.attainable && mayUse(caller.attainable, scope) ? { scope } : { within: grants },
  })
}

/**
 * Each provider's retries, in proportion to its calls: an outage is not answered with a multiple of the load. The calls are
 * those the registry counts anyway, looked up when something failed: a call that succeeds costs nothing here.
 */
function createBudgets(clock: Clock): (entry: Entry) => RetryBudget {
  const budgets = new Map<string, RetryBudget>()
  const counted = new WeakMap<CallStatistics, number>()
  return ({ provider, statistics }) => {
    const budget = budgets.get(provider.id) ?? new RetryBudget(clock)
    budgets.set(provider.id, budget)
    budget.earn(statistics.calls - (counted.get(statistics) ?? 0))
    counted.set(statistics, statistics.calls)
    return budget
  }
}
