import { Fault } from '../../kernel/fault.ts'
import { EVERYTHING, type Profile, type Profiles } from '../../kernel/mcp/profile.ts'
import type { Sight } from '../../kernel/reach.ts'
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

/** Where somebody looks for tools. */
export interface Looking {
  readonly registry: Registry
  readonly profiles: Profiles
  readonly sight: Sight
}

/** What this caller can find and call: of its profile, within its grants, and other than the tools that do just that. */
export function visibleTo({ profiles, sight }: Looking, asker: Asker): (entry: Entry) => boolean {
  const profile = profileOf(profiles, asker)
  return (entry) =>
    entry.provider.id !== CATALOG &&
    (asker.peer === undefined || (entry.tool.forModels !== false && entry.tool.forAppAlone !== true)) &&
    profile.includes(entry) &&
    sight.sees(asker.caller, entry)
}

/** The same as a list, in order of their names. */
export function visibleEntries(looking: Looking, asker: Asker): readonly Entry[] {
  return looking.registry.list().filter(visibleTo(looking, asker))
}
