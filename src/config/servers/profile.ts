import type { ServerDefinition } from '../../kernel/mcp/server-definition.ts'
import { nearest } from '../../kernel/nearest.ts'
import { didYouMean } from '../explain.ts'
import type { Problem } from '../problem.ts'
import type { Profile } from './schema.ts'
import type { ServerFile } from './server-file.ts'

/** A named choice of servers and tools, served at `/mcp/<name>`. */
export interface ProfileDefinition {
  /** `[a-z][a-z0-9_-]*` */
  readonly name: string
  readonly description?: string
  /** Ids of servers and names of services, patterns with `*`; servers that name the profile themselves are in it. */
  readonly servers: readonly string[]
  /** Patterns over the tools' names; absent: all of these servers. */
  readonly allowTools?: readonly string[]
  readonly denyTools: readonly string[]
  /** `search`: a short list with a search over the others; `auto`: that above a set size. */
  readonly list: 'all' | 'search' | 'auto'
  /** Patterns over names of tools that stand in the list beside the search. */
  readonly alwaysList: readonly string[]
  /** Tokens of a result above which it is shown in parts; 0: never. Absent: the hub's limit. */
  readonly resultTokens?: number
}

/** Those that the files describe, and those that only servers name. A profile that two files describe is the last's. */
export function profilesOf(files: readonly ServerFile[], servers: readonly ServerDefinition[]) {
  const described = new Map(files.flatMap(({ profiles }) => [...profiles]))
  const ids = new Map(servers.map(({ name, id }) => [name, id]))
  const names = new Set([...described.keys(), ...servers.flatMap(({ profiles }) => profiles)])
  const profiles = [...names].map((name): ProfileDefinition => {
    const members = servers.filter(({ profiles }) => profiles.includes(name)).map(({ id }) => id)
    return profileOf(name, described.get(name) ?? {}, { ids, members })
  })
  return { profiles, warnings: described.size === 0 ? [] : strangers(servers, [...described.keys()]) }
}

interface Members {
  readonly ids: ReadonlyMap<string, string>
  readonly members: readonly string[]
}

function profileOf(
  name: string,
  { description, servers, tools, list = 'auto', alwaysList = [], resultTokens }: Profile,
  { ids, members }: Members,
): ProfileDefinition {
  const rules = Array.isArray(tools) ? { allow: tools } : (tools ?? {})
  // A list of tools alone picks from all servers.
  const named = servers ?? (tools !== undefined && members.length === 0 ? ['*'] : [])
  return {
    name,
    ...(description !== undefined && { description }),
    servers: [...new Set([...named.map((server) => ids.get(server) ?? server), ...members])],
    ...(rules.allow && { allowTools: rules.allow }),
    denyTools: rules.deny ?? [],
    list,
    alwaysList,
    ...(resultTokens !== undefined && { resultTokens }),
  }
}

/** Where profiles are described, a server's name for one that is not may be a slip. */
function strangers(servers: readonly ServerDefinition[], described: readonly string[]): Problem[] {
  return servers.flatMap(({ name, profiles }) =>
    profiles
      .filter((profile) => !described.includes(profile))
      .map((profile) => ({
        source: name,
        text: `the profile ${profile} stands nowhere else${didYouMean(nearest(profile, described))}`,
      })),
  )
}
