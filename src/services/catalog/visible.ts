import { mayUse } from '../../kernel/caller.ts'
import { Fault } from '../../kernel/fault.ts'
import { EVERYTHING, type Profile, type Profiles } from '../../kernel/mcp/profile.ts'
import type { Entry, Registry } from '../../kernel/registry.ts'
import type { CallContext } from '../../kernel/tool.ts'

/** The service's own name, and the first half of its tools' names. */
export const CATALOG = 'catalog'

type Asker = Pick<CallContext, 'caller' | 'peer'>

/** The profile of the MCP client that asks; everything for callers by other ways. Throws Fault `not_found` for one that is gone. */
export function profileOf(profiles: Profiles, { peer }: Asker): Profile {
  if (!peer?.profile) return EVERYTHING
  const profile = profiles.get(peer.profile)
  if (profile) return profile
  throw new Fault('not_found', `The profile ${peer.profile} does not exist any more.`)
}

/** What this caller can find and call: of its profile, within its scopes, and other than the tools that do just that. */
export function visibleTo(profiles: Profiles, asker: Asker): (entry: Entry) => boolean {
  const profile = profileOf(profiles, asker)
  const { scopes } = asker.caller
  return (entry) => entry.provider.id !== CATALOG && profile.includes(entry) && mayUse(scopes, entry.tool.scope)
}

/** The same as a list, in order of their names. */
export function visibleEntries(registry: Registry, profiles: Profiles, asker: Asker): readonly Entry[] {
  return registry.list().filter(visibleTo(profiles, asker))
}
