import { z } from 'zod'
import type { ReplicaReport, ServerReport } from '../../kernel/ports.ts'
import { STRATEGIES } from '../../kernel/resilience/balance.ts'
import type { GroupStatus, MemberStatus } from '../../kernel/resilience/group-status.ts'

export const StrategyShape = z.enum(STRATEGIES)

export const BalanceShape = z.object({
  server: z.string().describe('The MCP server, or the service that runs beside the hub'),
  strategy: StrategyShape.describe('How calls are spread over its replicas or processes'),
  replicas: z.int(),
  available: z.int().describe('Of these, those that are up'),
  running: z.int().describe('Calls that run now'),
  failovers: z.int().describe('Calls passed on to another replica, since the hub started'),
})

export const BackendShape = z.object({
  server: z.string(),
  name: z.string().describe('Of the replica or process'),
  reached: z.string().describe('Its command or address; of a process: `on the bus`'),
  status: z.enum(['available', 'degraded', 'unavailable', 'unknown']),
  since: z.iso.datetime(),
  reason: z.string().optional(),
  weight: z.number(),
  running: z.int().describe('Calls that run now'),
  latency_ms: z.number().optional().describe('Average of its latest answers'),
  breaker: z.enum(['closed', 'open', 'half_open']).describe('Open: it failed so often that it is not asked for now'),
})

export const balanceOf = ({ id, balance, replicas, failovers }: ServerReport): z.input<typeof BalanceShape> =>
  processBalance({ name: id, strategy: balance, failovers, members: replicas })

export const backendOf = (server: string, replica: ReplicaReport): z.input<typeof BackendShape> => ({
  server,
  name: replica.name,
  reached: replica.reached,
  status: replica.status,
  since: new Date(replica.sinceMs).toISOString(),
  ...(replica.reason !== undefined && { reason: replica.reason }),
  weight: replica.weight,
  running: replica.running,
  ...(replica.latencyMs !== undefined && { latency_ms: Math.round(replica.latencyMs * 1000) / 1000 }),
  breaker: replica.breaker,
})

interface Balanced extends Omit<GroupStatus, 'members'> {
  readonly members: readonly Pick<MemberStatus, 'status' | 'running'>[]
}

/** Of a service of other processes. */
export const processBalance = ({ name, strategy, members, failovers }: Balanced): z.input<typeof BalanceShape> => ({
  server: name,
  strategy,
  replicas: members.length,
  available: members.filter(({ status }) => status === 'available' || status === 'degraded').length,
  running: members.reduce((sum, { running }) => sum + running, 0),
  failovers,
})

export const processBackends = ({ name, members }: GroupStatus): z.input<typeof BackendShape>[] =>
  members.map(({ id, reason, avoided, ...member }) => {
    const why = reason ?? avoided
    return backendOf(name, { ...member, name: id, reached: 'on the bus', ...(why !== undefined && { reason: why }) })
  })
