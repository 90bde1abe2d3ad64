import type { Events } from './events.ts'
import { Fault } from './fault.ts'
import type { Described } from './mcp/described.ts'
import { claimName, forgetUnused } from './mcp/exposed-name.ts'
import { nearest } from './nearest.ts'
import type { StatusReport } from './status.ts'
import { shortName, type Tool } from './tool.ts'
import { unheardHint } from './unheard.ts'

/** Whoever has tools: a service in this process, another MCP server, or a service of another process on the bus. */
export interface Provider {
  /** Its own name; also the prefix of its tools where two collide. */
  readonly id: string
  readonly kind: 'service' | 'upstream' | 'bus'
  readonly tools: readonly Tool[]
  /** What MCP clients get of it besides tools. */
  readonly offers?: Offers
  report(): StatusReport
}

/** What an MCP server has besides tools. Lists are in its own order. */
export interface Offers {
  readonly prompts: readonly Offer[]
  readonly resources: readonly Offer[]
  readonly templates: readonly Offer[]
  /** How long its lists may be kept, in milliseconds, where it says so; the shortest of its lists. */
  readonly ttlMs?: number
  /** Told when a client asks for lists: reads its own anew, behind, where they are stale. */
  freshen?(): void
  /** `ServerCapabilities` as it declared them. */
  readonly capabilities: Readonly<Record<string, unknown>>
  /** Told to models at the start of a conversation. */
  readonly instructions?: string
  /**
   * The MCP methods it answers besides `tools/call`, each as a tool, so that the one door governs it: name
   * `<provider>/<method>`, input: the request's params with the provider's own names and addresses (so are those of
   * `context.peer`). `*` takes any other method; its input is `{method, params}`.
   */
  readonly methods: readonly Tool[]
  /** Whether a thing that only it knows is its own: a task's id, a resource it spoke of. */
  owns?(method: string, params: Readonly<Record<string, unknown>>): boolean
}

/** One entry of a list, as the server describes it. */
export interface Offer extends Described {
  /** A prompt's name, a resource's URI, a template's. */
  readonly key: string
}

/** What a tool's calls were like since the hub started. */
export interface CallStatistics {
  calls: number
  errors: number
  /** Duration of the latest call, milliseconds. */
  lastMs?: number
  /** Wall-clock milliseconds of the latest call's end. */
  lastAtMs?: number
}

/** A tool as the hub offers it. */
export interface Entry {
  /** What callers call it: the short name, with `service_` before it only where two collide. */
  readonly name: string
  readonly tool: Tool
  readonly provider: Provider
  readonly statistics: CallStatistics
}

export interface Registry {
  /** Adds a provider, or replaces the one of that id. Throws TypeError when a tool name is taken by another provider. */
  add(provider: Provider): void
  remove(id: string): void
  /** Names that tools had in an earlier life of the hub, with the tool's full name: nobody else gets them. */
  reserve(owners: Readonly<Record<string, string>>): void
  /** By the name callers know, or the full `service.verb_noun`. Throws Fault `unknown_operation`. */
  find(name: string): Entry
  has(name: string): boolean
  /** Every entry that is listed, in a deterministic order (by name). The array is shared: do not change it. */
  list(): readonly Entry[]
  providers(): Iterable<Provider>
}

export function createRegistry(events: Events): Registry {
  const providers = new Map<string, Provider>()
  const byName = new Map<string, Entry>()
  const byFullName = new Map<string, Entry>()
  /** A name once given stays with its tool for the life of the process, so that it never changes under a client. */
  const ownerOfName = new Map<string, string>()
  let sorted: readonly Entry[] | undefined

  const exposedName = (tool: Tool) => {
    const [service = ''] = tool.name.split('.', 1)
    return claimName(ownerOfName, { owner: tool.name, provider: service, own: shortName(tool.name) })
  }

  const drop = (id: string) => {
    for (const [name, entry] of byName) if (entry.provider.id === id) byName.delete(name)
    for (const [name, entry] of byFullName) if (entry.provider.id === id) byFullName.delete(name)
    sorted = undefined
    return providers.delete(id)
  }

  return {
    add(provider) {
      for (const tool of provider.tools) {
        const other = byFullName.get(tool.name)
        if (other && other.provider.id !== provider.id)
          throw new TypeError(`${provider.id} offers ${tool.name}, which ${other.provider.id} offers already.`)
      }
      const before = new Map(byFullName)
      const isSame = providers.get(provider.id)?.tools === provider.tools
      drop(provider.id)
      providers.set(provider.id, provider)
      const entryOf = (tool: Tool, name: string): Entry => {
        const statistics = before.get(tool.name)?.statistics ?? { calls: 0, errors: 0 }
        const entry: Entry = { name, tool, provider, statistics }
        byFullName.set(tool.name, entry)
        return entry
      }
      for (const tool of provider.tools) {
        const entry = entryOf(tool, exposedName(tool))
        byName.set(entry.name, entry)
      }
      forgetUnused(ownerOfName, (_, tool) => byFullName.has(tool))
      for (const method of provider.offers?.methods ?? []) entryOf(method, method.name)
      if (!isSame) events.emit('tools.changed', { provider: provider.id })
    },
    reserve(owners) {
      for (const [name, owner] of Object.entries(owners)) if (!ownerOfName.has(name)) ownerOfName.set(name, owner)
    },
    remove(id) {
      if (drop(id)) events.emit('tools.changed', { provider: id })
    },
    find(name) {
      const entry = byName.get(name) ?? byFullName.get(name)
      if (entry) return entry
      const meant = nearest(name, [...byName.keys(), ...byFullName.keys()])
      const hints = [meant !== undefined && `Did you mean ${meant}?`, unheardHint(providers.values())]
      throw new Fault('unknown_operation', `There is no operation called ${JSON.stringify(name.slice(0, 100))}.`, {
        hint: hints.filter(Boolean).join(' ') || 'List the tools to see what there is.',
      })
    },
    has: (name) => byName.has(name) || byFullName.has(name),
    list: () => (sorted ??= [...byName.values()].filter(isListed).sort((a, b) => (a.name < b.name ? -1 : 1))),
    providers: () => providers.values(),
  }
}

const isListed = ({ tool }: Entry): boolean => tool.listed !== false
