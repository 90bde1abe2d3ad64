import { z } from 'zod'
import { mayUse } from '../../kernel/caller.ts'
import { operation } from '../../kernel/operation.ts'
import type { Hub, ServerReport } from '../../kernel/ports.ts'
import type { PartReport } from '../../kernel/status.ts'
import { check, findPart } from './check.ts'
import { latencies } from './latency.ts'
import { NameShape, PartShape, partOf, rounded, serviceOf, ServiceShape, StatusShape, type Deps } from './shapes.ts'
import { worst } from './status.ts'

const RECENT_MS = 300_000

/** Who has it is told more by `get_health`, which is open to everybody. */
const DETAIL = 'health:read'

export const getHealth = operation<Deps>()({
  name: 'health.get_health',
  summary: 'Whether this hub is up, and each of its parts; since when and why, for who has the scope health:read.',
  scope: null,
  effect: 'read',
  route: { method: 'GET', path: '/health' },
  input: z.object({}),
  output: z.object({
    status: StatusShape.describe('Of the hub as a whole: degraded while a part is unavailable'),
    uptime_seconds: z.number().nonnegative(),
    version: z.string(),
    parts: z
      .record(z.string(), StatusShape)
      .describe('Status by name of engine, service or adapter; with health:read of MCP servers too'),
    services: z.array(PartShape).optional().describe('With health:read: the same with since when, and why'),
  }),
  async handler(_, { hub, caller }) {
    const all = hub.parts()
    const maySeeAll = mayUse(caller.scopes, DETAIL)
    // What somebody has behind the hub says something of them: whoever only reached the port is not told.
    const servers = serversOf(hub)
    const parts = maySeeAll ? all : all.filter(({ name }) => !servers.has(name))
    return {
      status: worst(all.map(({ status }) => status)),
      uptime_seconds: Math.round(hub.uptimeMs() / 1000),
      version: hub.version,
      parts: Object.fromEntries(parts.map(({ name, status }) => [name, status])),
      ...(maySeeAll && { services: parts.map(partOf) }),
    }
  },
})

const serversOf = (hub: Pick<Hub, 'gateway'>): ReadonlyMap<string, ServerReport> =>
  new Map(
    hub
      .gateway()
      ?.servers()
      .map((server) => [server.id, server]),
  )

export const listServices = operation<Deps>()({
  name: 'health.list_services',
  summary: 'Every service and MCP server with its status, since when and why, what it needs, and how its calls went.',
  description: 'Look here when a call fails as unavailable: it names the cause.',
  scope: 'health:read',
  effect: 'read',
  route: { method: 'GET', path: '/health/services' },
  input: z.object({
    status: StatusShape.optional().describe('Only those with this status'),
    history: z.int().min(0).max(50).default(3).describe('How many changes of status of each'),
  }),
  output: z.object({ services: z.array(ServiceShape) }),
  async handler({ status, history }, deps) {
    const parts = deps.hub.parts().filter((part) => status === undefined || part.status === status)
    return { services: await describe(parts, history, deps) }
  },
})

export const getService = operation<Deps>()({
  name: 'health.get_service',
  summary: 'One service or MCP server: its status and why, how its calls went, and what its status was before.',
  scope: 'health:read',
  effect: 'read',
  route: { method: 'GET', path: '/health/services/{name}' },
  input: z.object({
    name: NameShape,
    history: z.int().min(0).max(1000).default(50).describe('How many changes of status'),
  }),
  output: ServiceShape.extend({
    latencies: z
      .array(z.object({ at: z.iso.datetime(), ms: z.number() }))
      .describe('How long its calls took within a minute each, in the middle; the latest first'),
  }),
  async handler({ name, history }, deps) {
    const part = findPart(deps.hub, name)
    const [described] = await describe([part], history, deps)
    if (!described) throw new TypeError('One part has one description.')
    const measured = await deps.history.latest(name, 60, 'latency')
    return {
      ...described,
      latencies: measured.flatMap((entry) =>
        entry.kind === 'latency' ? [{ at: new Date(entry.atMs).toISOString(), ms: rounded(entry.latencyMs) }] : [],
      ),
    }
  },
})

const CheckedShape = PartShape.extend({
  latency_ms: z.number().optional().describe('To its answer; absent where it was not asked, but said it by itself'),
})

export const checkService = operation<Deps>()({
  name: 'health.check_service',
  summary: 'Asks one service or MCP server now how it is. Starts nothing and disturbs no call.',
  scope: 'health:read',
  effect: 'read',
  input: z.object({ name: NameShape }),
  output: CheckedShape,
  handler: async ({ name }, { signal, ...deps }) => await checked(findPart(deps.hub, name), deps, signal),
})

export const checkAll = operation<Deps>()({
  name: 'health.check_all',
  summary: 'Asks every service and MCP server now how it is. Starts nothing and disturbs no call.',
  scope: 'health:read',
  effect: 'read',
  input: z.object({}),
  output: z.object({ services: z.array(CheckedShape) }),
  handler: async (_, { signal, ...deps }) => ({
    services: await Promise.all(deps.hub.parts().map((part) => checked(part, deps, signal))),
  }),
})

async function checked(part: PartReport, deps: Deps, signal: AbortSignal): Promise<z.input<typeof CheckedShape>> {
  const { latencyMs, ...found } = await check(part, deps, signal)
  return { ...partOf(found), ...(latencyMs !== undefined && { latency_ms: rounded(latencyMs) }) }
}

/** `changes`: of status, of each. */
function describe(parts: readonly PartReport[], changes: number, deps: Deps) {
  const { hub } = deps
  const entries = Map.groupBy(hub.registry.list(), ({ provider }) => provider.id)
  const servers = serversOf(hub)
  const recent = latencies(hub.performance, RECENT_MS)
  return Promise.all(
    parts.map((part) =>
      serviceOf(
        part,
        {
          entries: entries.get(part.name) ?? [],
          server: servers.get(part.name),
          latencyMs: recent.get(part.name),
          changes,
        },
        deps,
      ),
    ),
  )
}
