import type { Places } from '../../kernel/places.ts'
import { boundsFor, mayUse, type Bound } from '../../kernel/scope.ts'
import { filterCovers } from '../../kernel/topic.ts'
import { allow, APPROVALS, deny, EVERYTHING, type Account } from './access.ts'
import { isFilter } from './topic.ts'

export interface GrantHolder {
  /** What sessions belong to, see `Account`. */
  readonly account: string
  /** Its requests stand below `alicia/v1/as/<level>/`. */
  readonly level: string
  readonly scopes: readonly string[]
}

/**
 * What grants mean at the broker: `mqtt:read` is to subscribe, `mqtt:write` to publish; within a room or a device, exactly its
 * topics. What has no topics (an operation, a profile) gives none. Requests to the hub everybody may send: it decides about them.
 */
export function accountOfGrants({ account, level, scopes }: GrantHolder, places: Places): Account {
  const writes = filtersFor(scopes, 'mqtt:write', places)
  const reads = filtersFor(scopes, 'mqtt:read', places)
  return {
    name: account,
    send: [...allow(`alicia/v1/as/${level}/req/#`), ...deny('alicia/#'), ...allow(...(writes ?? ['#']))],
    receive: [
      ...(mayUse(scopes, 'approvals:read') ? [] : deny(APPROVALS)),
      ...allow(`alicia/v1/as/${level}/rep/#`, 'alicia/v1/svc/+/+/status'),
      // What there is to be called, and what happens, is not for who is kept to a room.
      ...(reads === undefined ? allow('alicia/v1/svc/#', 'alicia/v1/evt/#') : allow(APPROVALS)),
      ...deny('alicia/#'),
      ...allow(...(reads ?? EVERYTHING)),
    ],
  }
}

/** Undefined: everywhere. */
function filtersFor(scopes: readonly string[], wanted: string, places: Places): readonly string[] | undefined {
  if (mayUse(scopes, wanted)) return undefined
  const filters = boundsFor(scopes, wanted).flatMap((bounds) => filtersWithin(bounds, places))
  return [...new Set(filters)].filter(isFilter)
}

/** Several bounds hold together: what all of them have. */
function filtersWithin(bounds: readonly Bound[], places: Places): readonly string[] {
  const sets = bounds.map(({ kind, name }) => (kind === 'room' || kind === 'device' ? places.topicsOf(kind, name) : []))
  const [first = [], ...rest] = sets
  return rest.reduce((some, others) => some.flatMap((one) => others.flatMap((other) => narrower(one, other))), first)
}

/** The one that lies within the other. Two that merely overlap have no filter for what they share: they give nothing. */
function narrower(one: string, other: string): string[] {
  if (filterCovers(one, other)) return [other]
  return filterCovers(other, one) ? [one] : []
}
