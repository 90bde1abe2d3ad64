import { noCallerQuota, type CallerQuota } from '../../kernel/caller-quota.ts'
import type { Caller } from '../../kernel/caller.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Events } from '../../kernel/events.ts'
import { Fault, toFault } from '../../kernel/fault.ts'
import type { Invoke } from '../../kernel/invoke.ts'
import type { Log } from '../../kernel/log.ts'
import { createCatalog, type Catalog } from '../../kernel/mcp/catalog.ts'
import type { FitResult } from '../../kernel/mcp/large-results.ts'
import { RpcError, rpcErrorOf } from '../../kernel/mcp/message.ts'
import { EVERYTHING, NO_PROFILES, type Profile, type Profiles } from '../../kernel/mcp/profile.ts'
import { META } from '../../kernel/mcp/protocol.ts'
import type { JsonText } from '../../kernel/mcp/raw.ts'
import { createSight, type Sight } from '../../kernel/reach.ts'
import { noRefusals, type Refusals } from '../../kernel/refusals.ts'
import type { Registry } from '../../kernel/registry.ts'
import { createTenure, type Tenure } from '../../kernel/tenure.ts'
import { createView, type ListedTools, type View } from './view.ts'
import { createTasks, type Tasks } from './tasks.ts'
import { createWatches, type Watches } from './watches.ts'

/** What the MCP server is made from, whatever the transport and revision. */
export interface McpServerOptions {
  readonly registry: Registry
  readonly invoke: Invoke
  readonly events: Events
  readonly clock: Clock
  readonly log: Log
  readonly version: string
  /** Told to every model at the start: what this server is for and where to begin. */
  readonly instructions: string
  readonly profiles?: Profiles
  /** Absent: bounds of grants mean nothing, so nothing is shown for them. */
  readonly sight?: Sight
  /** Absent: one of its own. */
  readonly tenure?: Tenure
  /** Streams and WebSockets that callers hold, and their subscriptions; absent: any number. */
  readonly streams?: CallerQuota
  readonly subscriptions?: CallerQuota
  readonly refusals?: Refusals
  /**
   * Counts a request that the hub answers by itself, and that costs as much as a call: a list, a description. Throws Fault
   * `rate_limited`. Absent: any number.
   */
  readonly limit?: (caller: Caller, method: string) => void
  /** Absent: every tool that a profile includes. */
  readonly listed?: ListedTools
  /** Absent: every result as it is. */
  readonly fitResult?: FitResult
}

/** The part that all transports and revisions share. It holds no state of any client. */
export interface McpServer extends McpServerOptions {
  /** What ends with the access of its caller. */
  readonly tenure: Tenure
  readonly streams: CallerQuota
  readonly subscriptions: CallerQuota
  readonly refusals: Refusals
  readonly limit: (caller: Caller, method: string) => void
  readonly catalog: Catalog
  readonly watches: Watches
  readonly tasks: Tasks
  readonly info: { readonly name: string; readonly title: string; readonly version: string }
  /** `_meta` of every result of the hub's own to a client of 2026-07-28, and its text. */
  readonly meta: object
  readonly metaText: JsonText
  /** What a profile's clients see; without a name everything. Throws Fault `not_found`, which names those there are. */
  view(profile?: string): View
  /** What went wrong as the protocol says it; a defect becomes a reference. */
  errorOf(error: unknown): RpcError
}

export function createMcpServer(options: McpServerOptions): McpServer {
  const { registry, events, invoke, log, version, instructions, profiles = NO_PROFILES } = options
  const { listed = (_profile, entries) => entries, sight = createSight() } = options
  let generation = 0
  events.on('tools.changed', () => void generation++)
  const info = { name: 'alicia', title: 'Alicia', version }
  const meta = { [META.serverInfo]: info }
  const catalog = createCatalog(registry, events)
  const make = (profile: Profile) =>
    createView({ profile, registry, catalog, listed, instructions, sight, generation: () => generation })
  const everything = make(EVERYTHING)
  const views = new WeakMap<Profile, View>()
  return {
    ...options,
    tenure: options.tenure ?? createTenure(events, options.clock),
    streams: options.streams ?? noCallerQuota(),
    subscriptions: options.subscriptions ?? noCallerQuota(),
    refusals: options.refusals ?? noRefusals,
    limit: options.limit ?? (() => {}),
    catalog,
    watches: createWatches(invoke, log),
    tasks: createTasks(registry),
    info,
    meta,
    metaText: JSON.stringify(meta),
    view(name) {
      if (name === undefined) return everything
      const profile = profiles.get(name)
      if (!profile) throw noProfile(name, profiles.names())
      const view = views.get(profile) ?? make(profile)
      views.set(profile, view)
      return view
    },
    errorOf(error) {
      if (error instanceof RpcError) return error
      if (error instanceof Fault) return rpcErrorOf(error)
      return rpcErrorOf(
        toFault(error, (reference, cause) => log.error('MCP request failed', { reference, error: cause })),
      )
    },
  }
}

const noProfile = (name: string, known: readonly string[]) =>
  new Fault('not_found', `There is no profile called ${JSON.stringify(name.slice(0, 100))}.`, {
    hint: known.length === 0 ? 'None is configured.' : `There are: ${known.join(', ')}.`,
    details: { profiles: known },
  })
