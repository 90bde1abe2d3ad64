import type { Caller } from '../../kernel/caller.ts'
import { Fault } from '../../kernel/fault.ts'
import type { Catalog, CatalogEntry, ListKind } from '../../kernel/mcp/catalog.ts'
import type { Params } from '../../kernel/mcp/message.ts'
import type { Profile } from '../../kernel/mcp/profile.ts'
import type { Revision } from '../../kernel/mcp/protocol.ts'
import { withMembers, type JsonText } from '../../kernel/mcp/raw.ts'
import type { Sight } from '../../kernel/reach.ts'
import type { Entry, Provider, Registry } from '../../kernel/registry.ts'
import { capabilitiesOf, instructionsOf } from './capabilities.ts'
import { pageOf, type ListEntry } from './page.ts'
import { describeTool } from './tools.ts'

/** Which tools of a profile stand in `tools/list`: all of them, or those that find the others. In order of their names. */
export type ListedTools = (profile: Profile, entries: readonly Entry[]) => readonly Entry[]

/** The hub as the clients of one profile see it. */
export interface View {
  readonly profile: Profile
  readonly catalog: Catalog
  /** Throws Fault `unknown_operation` for what the profile does not have. */
  find(name: string): Entry
  has(name: string): boolean
  includes(provider: Provider): boolean
  /** Whose things these clients see. */
  providers(): readonly Provider[]
  /** Whether this caller is told of what happens at a provider without having asked. */
  hears(caller: Caller, provider: Provider): boolean
  /**
   * One page as members of a result, of what this caller could use (absent: of everything). Throws RpcError for a cursor that is
   * not from this list.
   */
  page(kind: 'tools' | ListKind, asked: Asked): JsonText
  capabilities(revision: Revision): object
  /** Told to every model at the start; of other servers' only those of which the caller could use something. */
  instructions(caller: Caller): string
}

export interface Asked {
  readonly params: Params
  readonly revision: Revision
  readonly caller?: Caller
  /** The client shows apps, so it is told of tools that are for them alone. */
  readonly showsApps?: boolean
}

export interface ViewOptions {
  readonly profile: Profile
  readonly registry: Registry
  readonly catalog: Catalog
  readonly listed: ListedTools
  readonly instructions: string
  readonly sight: Sight
  /** Another number whenever profiles or providers changed. */
  generation(): number
}

/** Lists that are kept for callers with grants of their own: more kinds of them than a home has people. */
const MOST_KEPT = 40

const SLASH = 0x2f

export function createView(options: ViewOptions): View {
  const { profile, registry, catalog, listed, instructions, sight, generation } = options
  const includes = (provider: Provider) => profile.includesProvider(provider)
  const providers = () => [...registry.providers()].filter(includes)
  const sees = (caller: Caller | undefined, entry: Entry) => caller === undefined || sight.sees(caller, entry)
  const tools = ({ revision, caller, showsApps = false }: Asked) =>
    listed(
      profile,
      registry
        .list()
        .filter((entry) => isTool(entry) && sees(caller, entry) && (showsApps || entry.tool.forAppAlone !== true)),
    ).map((entry) => ({
      key: entry.name,
      text: describeTool(entry, revision, catalog),
    }))
  /** What is asked of a provider to use one of its prompts or resources. */
  const methodOf = ({ id }: Provider, method: string): Entry | undefined => {
    const name = [`${id}/${method}`, `${id}/*`].find((one) => registry.has(one))
    return name === undefined ? undefined : registry.find(name)
  }
  const seesOffers = (caller: Caller | undefined, provider: Provider, method: string): boolean => {
    const entry = methodOf(provider, method)
    return entry !== undefined && sees(caller, entry)
  }
  const methodsOf = ({ offers }: Provider) => (offers?.methods ?? []).map(({ name }) => registry.find(name))
  const entriesOf = ({ id }: Provider) => registry.list().filter(({ provider }) => provider.id === id)
  // Lists are described once, not per request: with 200 tools that is milliseconds saved.
  const described = new Map<string, { of: readonly unknown[]; at: number; entries: readonly ListEntry[] }>()
  const remembered = (key: string, of: readonly unknown[], make: () => readonly ListEntry[]) => {
    const known = described.get(key)
    if (known?.of === of && known.at === generation()) return known.entries
    const entries = make()
    if (described.size >= MOST_KEPT) described.clear()
    described.set(key, { of, at: generation(), entries })
    return entries
  }
  const isTool = (entry: Entry) =>
    entry.tool.name.charCodeAt(entry.provider.id.length) !== SLASH &&
    entry.tool.forModels !== false &&
    profile.includes(entry)
  return {
    profile,
    catalog,
    includes,
    providers,
    has: (name) => registry.has(name) && isTool(registry.find(name)),
    find(name) {
      const entry = registry.find(name)
      if (isTool(entry)) return entry
      throw new Fault('unknown_operation', `There is no tool called ${JSON.stringify(name.slice(0, 100))} here.`, {
        hint: 'List the tools to see what there is.',
      })
    },
    hears: (caller, provider) => methodsOf(provider).some((entry) => sight.hears(caller, entry)),
    page(kind, asked) {
      const { params, revision, caller, showsApps = false } = asked
      const eyes = caller === undefined ? '' : sight.keyOf(caller)
      if (kind === 'tools')
        return pageOf(
          'tools',
          remembered(`${revision}${showsApps ? ' apps' : ''}${eyes}`, registry.list(), () => tools(asked)),
          params,
        )
      const { member, key, method } = LISTS[kind]
      const entries = catalog.list(kind)
      const describe = () =>
        entries
          .filter(({ provider }) => includes(provider) && seesOffers(caller, provider, method))
          .map((entry) => describeEntry(entry, key, catalog))
      return pageOf(member, remembered(kind + eyes, entries, describe), params)
    },
    capabilities: (revision) => capabilitiesOf(providers(), revision),
    instructions(caller) {
      const seen = (provider: Provider) =>
        [...entriesOf(provider), ...methodsOf(provider)].some((entry) => sees(caller, entry))
      return instructionsOf(instructions, sight.keyOf(caller) === '' ? providers() : providers().filter(seen))
    },
  }
}

const LISTS = {
  prompts: { member: 'prompts', key: 'name', method: 'prompts/get' },
  resources: { member: 'resources', key: 'uri', method: 'resources/read' },
  templates: { member: 'resourceTemplates', key: 'uriTemplate', method: 'resources/read' },
} as const

function describeEntry({ key, offer, provider }: CatalogEntry, field: string, catalog: Catalog): ListEntry {
  const own = offer.text ?? JSON.stringify(offer.value)
  const text = key === offer.key ? own : withMembers(own, { [field]: key })
  return { key, text: catalog.exposeAddresses(provider.id, text) }
}
