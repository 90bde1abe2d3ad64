import type { ProfileDefinition } from '../config/servers/profile.ts'
import type { Profile, Profiles } from '../kernel/mcp/profile.ts'
import { namesIt } from '../kernel/name-pattern.ts'
import type { Entry } from '../kernel/registry.ts'
import { shortName } from '../kernel/tool.ts'

/** The profiles of the configuration, which may change while the hub runs. */
export interface ConfiguredProfiles extends Profiles {
  /** Those that did not change stay the same objects: what was made for them is kept. */
  replace(definitions: readonly ProfileDefinition[]): void
}

export function createProfiles(): ConfiguredProfiles {
  let known = new Map<string, { profile: Profile; text: string }>()
  return {
    get: (name) => known.get(name)?.profile,
    names: () => [...known.keys()].sort(),
    replace(definitions) {
      known = new Map(
        definitions.map((definition) => {
          const text = JSON.stringify(definition)
          const before = known.get(definition.name)
          return [definition.name, before?.text === text ? before : { profile: profileOf(definition), text }]
        }),
      )
    },
  }
}

/** Finds the tools of a profile and reads its results: of use in each, and shows nothing that the profile does not have. */
const CATALOG = 'catalog'

function profileOf(definition: ProfileDefinition): Profile {
  const { name, servers, allowTools, denyTools, alwaysList, list, resultTokens } = definition
  const includesProvider: Profile['includesProvider'] = ({ id }) => id === CATALOG || namesIt(servers, id)
  return {
    name,
    list,
    includesProvider,
    alwaysLists: (entry) => isNamed(alwaysList, entry),
    ...(resultTokens !== undefined && { resultTokens }),
    includes(entry) {
      const isAllowed = entry.provider.id === CATALOG || allowTools === undefined || isNamed(allowTools, entry)
      return includesProvider(entry.provider) && isAllowed && !isNamed(denyTools, entry)
    },
  }
}

const isNamed = (patterns: readonly string[], { name, tool }: Entry): boolean =>
  [name, tool.name, shortName(tool.name)].some((known) => namesIt(patterns, known))
