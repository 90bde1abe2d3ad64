import { mayUse, type Caller } from '../../kernel/caller.ts'
import { boundsFor } from '../../kernel/scope.ts'
import type { Touch } from '../../kernel/tool.ts'

type Touches = readonly Touch[] | undefined

/**
 * The topics that a call reads or writes, for callers who are bound to a room. They are those of the hub's own broker: at
 * another one, such a caller has no session. Undefined, so refused, for a share of somebody's subscription: it would take
 * their messages away.
 */
export function touchesTopics(...filters: readonly string[]): Touches {
  if (filters.some((filter) => filter.startsWith('$share/'))) return undefined
  return filters.map((name) => ({ kind: 'topics', name }))
}

/** The caller's own sessions and nothing of the home. */
export const touchesNothing = (): Touches => []

/** Whether something this caller may do here is limited to a part of the home. */
export const isBound = ({ scopes }: Caller): boolean =>
  ['mqtt:connect', 'mqtt:read', 'mqtt:write'].some(
    (scope) => !mayUse(scopes, scope) && boundsFor(scopes, scope).length > 0,
  )
