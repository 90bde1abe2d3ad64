import { Fault } from '../../kernel/fault.ts'
import type { Catalog, CatalogEntry, ListKind } from '../../kernel/mcp/catalog.ts'
import type { Params } from '../../kernel/mcp/message.ts'
import type { Profile } from '../../kernel/mcp/profile.ts'
import type { Revision } from '../../kernel/mcp/protocol.ts'
import type { JsonText } from '../../kernel/mcp/raw.ts'
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
  /** One page as members of a result. Throws RpcError for a cursor that is not from this list. */
  page(kind: 'tools' | ListKind, params: Params, revision: Revision): JsonText
  capabilities(revision: Revision): object
  /** Told to every model at the start. */
  instructions(): string
}

export interface ViewOptions {
  readonly profile: Profile
  readonly registry: Registry
  readonly catalog: Catalog
  readonly listed: ListedTools
  readonly instructions: string
}

const SLASH = 0x2f

export function createView({ profile, registry, catalog, listed, instructions }: ViewOptions): View {
  const includes = (provider: Provider) => profile.includesProvider(provider)
  const providers = () => [...registry.providers()].filter(includes)
  const tools = (revision: Revision) =>
    listed(
      profile,
      registry.list().filter((entry) => profile.includes(entry)),
    ).map((entry) => ({
      key: entry.name,
      text: describeTool(entry, revision, catalog),
    }))
  // Lists are described once, not per request: with 200 tools that is milliseconds saved.
  const described = new Map<string, { of: readonly unknown[]; entries: readonly ListEntry[] }>()
  const remembered = (key: string, of: readonly unknown[], make: () => readonly ListEntry[]) => {
    const known = described.get(key)
    if (known?.of === of) return known.entries
    const entries = make()
    described.set(key, { of, entries })
    return entries
  }
  const isTool = (entry: Entry) =>
    entry.tool.name.charCodeAt(entry.provider.id.length) !== SLASH && profile.includes(entry)
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
    page(kind, params, revision) {
      if (kind === 'tools')
        return pageOf(
          'tools',
          remembered(revision, registry.list(), () => tools(revision)),
          params,
        )
      const { member, key } = LISTS[kind]
      const entries = catalog.list(kind)
      const describe = () =>
        entries.filter(({ provider }) => includes(provider)).map((entry) => describeEntry(entry, key, catalog))
      return pageOf(member, remembered(kind, entries, describe), params)
    },
    capabilities: (revision) => capabilitiesOf(providers(), revision),
    instructions: () => instructionsOf(instructions, providers()),
  }
}

const LISTS = {
  prompts: { member: 'prompts', key: 'name' },
  resources: { member: 'resources', key: 'uri' },
  templates: { member: 'resourceTemplates', key: 'uriTemplate' },
} as const

function describeEntry({ key, offer, provider }: CatalogEntry, field: string, catalog: Catalog): ListEntry {
  const value = key === offer.key ? offer.value : { ...offer.value, [field]: key }
  return { key, text: catalog.exposeAddresses(provider.id, JSON.stringify(value)) }
}
