import type { Caller } from './caller.ts'
import type { Entry } from './registry.ts'
import { boundsFor, mayUse, type Bound } from './scope.ts'
import type { Touch } from './tool.ts'

/** What the bounds of grants mean in this hub and home. */
export interface Boundaries {
  /** Whether the operation can be within the bound at all; the rest shows when its input is known. */
  mayHold(bound: Bound, entry: Entry): boolean
  /** Whether all that the call touches lies within the bound. */
  holds(bound: Bound, entry: Entry, touched: readonly Touch[] | undefined): boolean
  /** Topic filters of what lies within the bound, for whoever has it and asked for something else. Absent: none are known. */
  topicsOf?(bound: Bound): readonly string[]
}

/** Where nothing is known of bounds, whoever has some gets nothing. */
export const NO_BOUNDARIES: Boundaries = { mayHold: () => false, holds: () => false }

/** Whether these grants let somebody call it at all, within whatever bounds. */
export function mayReach(grants: readonly string[], entry: Entry, boundaries: Boundaries): boolean {
  const { scope } = entry.tool
  return (
    mayUse(grants, scope) ||
    boundsFor(grants, scope ?? '').some((bounds) => bounds.every((bound) => boundaries.mayHold(bound, entry)))
  )
}

/** Whether what this call touches lies within these grants. */
export function isWithin(
  grants: readonly string[],
  entry: Entry,
  touched: readonly Touch[] | undefined,
  boundaries: Boundaries,
): boolean {
  return boundsFor(grants, entry.tool.scope ?? '').some((bounds) =>
    bounds.every((bound) => boundaries.holds(bound, entry, touched)),
  )
}

/** Which entries a list shows to whom: those that could be called with what the caller has, or can get by asking for more. */
export interface Sight {
  sees(caller: Caller, entry: Entry): boolean
  /** The same with what the caller has, and nothing more: for news, which nobody asks for. */
  hears(caller: Caller, entry: Entry): boolean
  /** The same for all who see the same: lists are made once for each. Empty: they see everything. */
  keyOf(caller: Caller): string
}

/** Absent boundaries: grants with bounds show nothing. */
export function createSight(boundaries = NO_BOUNDARIES): Sight {
  const grantsOf = ({ attainable, scopes }: Caller) => attainable ?? scopes
  return {
    sees: (caller, entry) => mayReach(grantsOf(caller), entry, boundaries),
    hears: (caller, entry) => mayReach(caller.scopes, entry, boundaries),
    keyOf(caller) {
      const grants = grantsOf(caller)
      // The space keeps somebody without any grant apart from those who see everything.
      return grants.includes('*') ? '' : ` ${[...grants].sort().join(' ')}`
    },
  }
}
