import type { RestartPolicy } from '../../kernel/mcp/server-definition.ts'

/** Part of a delay that is left to chance, so that what died together does not come back together. */
const JITTER = 0.25

/**
 * Milliseconds before the next attempt, after so many in a row that failed: twice as long each time, up to the policy's
 * ceiling. `chance` is from 0 up to 1.
 */
export function backoffMs(policy: RestartPolicy, attempts: number, chance: number): number {
  const delayMs = Math.min(policy.firstDelayMs * 2 ** Math.max(attempts - 1, 0), policy.mostDelayMs)
  return Math.round(delayMs * (1 - JITTER * chance))
}

const SHORTEST_STEADY_MS = 1000
const LONGEST_STEADY_MS = 60_000
/** What ran several times as long as it was waited for is worth the wait. */
const STEADY_FACTOR = 5

/**
 * Milliseconds that a server must run, started at this attempt, for its end to be an incident of its own: attempts are
 * counted anew then. What is killed now and then comes back at once; what dies of itself waits longer each time.
 */
export function steadyMs(policy: RestartPolicy, attempt: number): number {
  const delayMs = backoffMs(policy, attempt, 0)
  return Math.min(Math.max(delayMs * STEADY_FACTOR, SHORTEST_STEADY_MS), LONGEST_STEADY_MS)
}
