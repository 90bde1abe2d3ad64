import type { ProfileDefinition } from '../config/servers/profile.ts'
import type { Profile, Profiles } from '../kernel/mcp/profile.ts'
import { namesIt } from '../kernel/name-pattern.ts'
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

function profileOf({ name, servers, allowTools, denyTools, list }: ProfileDefinition): Profile {
  const includesProvider: Profile['includesProvider'] = ({ id }) => namesIt(servers, id)
  return {
    name,
    list,
    includesProvider,
    includes({ name: exposed, tool, provider }) {
      if (!includesProvider(provider)) return false
      const isNamed = (patterns: readonly string[]) =>
        [exposed, tool.name, shortName(tool.name)].some((known) => namesIt(patterns, known))
      return (allowTools === undefined || isNamed(allowTools)) && !isNamed(denyTools)
    },
  }
}
