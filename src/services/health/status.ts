import type { Status } from '../../kernel/status.ts'

/** From the best to the worst. */
const ORDER: readonly Status[] = ['available', 'unknown', 'degraded', 'unavailable']

/** The worst of some statuses; with none, all is well. A part that is down does not take down the hub: `degraded`. */
export function worst(statuses: readonly Status[]): Status {
  const rank = Math.max(0, ...statuses.map((status) => ORDER.indexOf(status)))
  const status = ORDER[rank] ?? 'unknown'
  return status === 'unavailable' ? 'degraded' : status
}
