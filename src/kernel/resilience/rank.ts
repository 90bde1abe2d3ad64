import type { GroupMember } from './member.ts'

/** How well a member suits, from the best. */
export type Rank = number
export const WELL = 0
const ON_TRIAL = 1
const FULL = 2
const EJECTED = 3
const DOWN = 4
export const WORST = 5
export const NEVER = 6

export function rankOf<C>(member: GroupMember<C>, isRepeatable: boolean): Rank {
  if (member.current() === undefined) return DOWN
  if (!member.breaker.admits()) return NEVER
  if (member.ejection.is === 'ejected') return EJECTED
  if (!member.bulkhead.hasRoom) return FULL
  // A trial may fail: it takes a call that another can answer then.
  return isRepeatable || member.breaker.state.is === 'closed' ? WELL : ON_TRIAL
}
