import type { Profiles } from '../kernel/mcp/profile.ts'
import type { Places } from '../kernel/places.ts'
import type { Boundaries } from '../kernel/reach.ts'
import type { Entry } from '../kernel/registry.ts'
import type { Bound } from '../kernel/scope.ts'
import type { Touch } from '../kernel/tool.ts'
import { filterCovers } from '../kernel/topic.ts'

export interface BoundariesOptions {
  readonly places: Places
  readonly profiles: Profiles
}

/**
 * What the bounds of grants mean: an operation by its full name; a profile, as long as there is one of that name; a room or a
 * device, where the operation says what it touches and all of it lies inside.
 */
export function createBoundaries({ places, profiles }: BoundariesOptions): Boundaries {
  const isOf = ({ kind, name }: Bound, entry: Entry): boolean =>
    kind === 'operation' ? entry.tool.name === name : isOfProfile(profiles, name, entry)

  const isInside = ({ kind, name }: Place, touch: Touch): boolean => {
    if (touch.kind === 'topics') return places.topicsOf(kind, name).some((filter) => filterCovers(filter, touch.name))
    if (touch.kind === kind) return touch.name === name
    return touch.kind === 'device' && places.roomOf(touch.name) === name
  }

  return {
    mayHold(bound, entry) {
      if (!isPlace(bound)) return isOf(bound, entry)
      if (entry.tool.passesOn) return true
      // A place that is not there (any more) has nothing in it, and a grant for it gives nothing.
      return entry.tool.touches !== undefined && places.topicsOf(bound.kind, bound.name).length > 0
    },
    holds(bound, entry, touched) {
      if (!isPlace(bound)) return isOf(bound, entry)
      if (entry.tool.passesOn) return true
      if (places.topicsOf(bound.kind, bound.name).length === 0) return false
      return touched?.every((touch) => isInside(bound, touch)) ?? false
    },
    topicsOf: (bound) => (isPlace(bound) ? places.topicsOf(bound.kind, bound.name) : []),
  }
}

type Place = Bound & { readonly kind: 'room' | 'device' }

const isPlace = (bound: Bound): bound is Place => bound.kind === 'room' || bound.kind === 'device'

/** Methods of MCP are a provider's and stand in no list of tools: whoever may use it at the profile's address may use them. */
function isOfProfile(profiles: Profiles, name: string, entry: Entry): boolean {
  const profile = profiles.get(name)
  if (!profile) return false
  const isMethod = entry.tool.name.startsWith(`${entry.provider.id}/`)
  return isMethod ? profile.includesProvider(entry.provider) : profile.includes(entry)
}
