import type { Profile, Trait } from './family.ts'
import { slug } from './values.ts'
import type { Traits } from './wording.ts'

/** All that is declared of a device, in one. */
export interface Declared extends Omit<Profile, 'traits'> {
  /** By the name that the device's facts show. */
  readonly traits: Traits
  /** From the name under which messages bring a fact to the one the device's facts show. */
  readonly names: ReadonlyMap<string, string>
}

export const NOTHING_DECLARED: Declared = { traits: {}, names: new Map() }

const MOST_TRAITS = 256

/** Merges what several sources declare. */
export function mergeProfiles(sources: ReadonlyMap<string, Profile>): Declared {
  if (sources.size === 0) return NOTHING_DECLARED
  // Sorted: the same declarations in another order make the same device. The first to name a thing names it.
  const profiles = [...sources].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, profile]) => profile)
  const traits = new Map<string, Trait>()
  for (const profile of profiles)
    for (const [key, trait] of Object.entries(profile.traits ?? {}))
      if (traits.has(key) || traits.size < MOST_TRAITS) traits.set(key, { ...trait, ...traits.get(key) })
  const { traits: _, ...rest } = Object.assign({}, ...profiles.reverse()) as Profile
  const names = namesOf(traits)
  const shown = [...traits].map(([key, trait]) => [names.get(key) ?? key, trait] as const)
  return { ...rest, traits: Object.fromEntries(shown), names }
}

/** Two facts of one name get their groups' names before it, or numbers behind. */
function namesOf(traits: ReadonlyMap<string, Trait>): Map<string, string> {
  const wanted = [...traits].flatMap(([key, { name }]) => (name === undefined ? [] : [[key, name] as const])).sort()
  const count = new Map<string, number>()
  for (const [, name] of wanted) count.set(name, (count.get(name) ?? 0) + 1)
  const taken = new Set<string>()
  const names = new Map<string, string>()
  for (const [key, name] of wanted) {
    const group = traits.get(key)?.group
    const full = (count.get(name) ?? 0) > 1 && group !== undefined ? `${slug(group)}_${name}` : name
    let free = full
    for (let number = 2; taken.has(free); number++) free = `${full}_${number}`
    taken.add(free)
    names.set(key, free)
  }
  return names
}
