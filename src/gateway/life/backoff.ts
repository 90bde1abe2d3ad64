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
