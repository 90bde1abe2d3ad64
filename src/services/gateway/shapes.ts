import { z } from 'zod'
import type { Gateway, ServerReport } from '../../kernel/ports.ts'

/** What every operation of this service works on. */
export interface Deps {
  readonly gateway: Gateway
}

export const Name = z.string().min(1).max(200).describe('The server, as list_servers names it')

const Status = z.enum(['available', 'degraded', 'unavailable', 'unknown'])
const At = z.iso.datetime()

const ReplicaShape = z.object({
  name: z.string(),
  reached: z.string(),
  status: Status,
  since: At,
  reason: z.string().optional(),
  weight: z.number(),
  running: z.int(),
  latency_ms: z.number().optional(),
  breaker: z.enum(['closed', 'open', 'half_open']),
})

/** A server in a few words. */
export const ServerShape = z.object({
  name: z.string(),
  status: Status,
  state: z.enum(['stopped', 'starting', 'ready', 'degraded', 'backing_off', 'failed', 'needs_login']),
  since: At.describe('When this state began'),
  reason: z.string().optional().describe('Why it is in this state'),
  waits_for: z.string().optional().describe('What it needs and is down: it is back when that is'),
  next_attempt_at: At.optional().describe('When it is started again by itself'),
  reached: z.string().describe('Its command or address'),
  tools: z.int(),
  held_tools: z.int().describe('Tools that changed and wait for a person: see review_tools'),
})

/** A server with all there is to know. */
export const ServerDetailShape = ServerShape.extend({
  written_as: z.string().describe('Its name in the configuration'),
  revision: z.string().optional().describe('Revision of MCP it speaks'),
  server: z.object({ name: z.string().optional(), version: z.string().optional() }).optional(),
  prompts: z.int(),
  resources: z.int(),
  restarts: z.int().describe('Since the hub started'),
  memory_megabytes: z.number().optional(),
  cpu_seconds: z.number().optional().describe('Since its processes started'),
  needs: z.array(z.string()),
  profiles: z.array(z.string()),
  sharing: z.enum(['shared', 'per_client']).describe('Whether all clients share one connection'),
  connections: z.int().describe('Connections besides the shared one'),
  replicas: z.array(ReplicaShape),
})

const time = (ms: number) => new Date(ms).toISOString()

export const brief = (report: ServerReport): z.input<typeof ServerShape> => ({
  name: report.id,
  status: report.status,
  state: report.state,
  since: time(report.sinceMs),
  ...(report.reason !== undefined && { reason: report.reason }),
  ...(report.waitsFor !== undefined && { waits_for: report.waitsFor }),
  ...(report.nextAttemptAtMs !== undefined && { next_attempt_at: time(report.nextAttemptAtMs) }),
  reached: report.reached,
  tools: report.tools,
  held_tools: report.held,
})

export const detail = (report: ServerReport): z.input<typeof ServerDetailShape> => ({
  ...brief(report),
  written_as: report.name,
  ...(report.revision !== undefined && { revision: report.revision }),
  ...(report.server !== undefined && { server: { ...report.server } }),
  prompts: report.prompts,
  resources: report.resources,
  restarts: report.restarts,
  ...(report.memoryMegabytes !== undefined && { memory_megabytes: Math.round(report.memoryMegabytes) }),
  ...(report.cpuSeconds !== undefined && { cpu_seconds: Math.round(report.cpuSeconds * 100) / 100 }),
  needs: [...report.needs],
  profiles: [...report.profiles],
  sharing: report.sharing,
  connections: report.connections,
  replicas: report.replicas.map((replica) => ({
    name: replica.name,
    reached: replica.reached,
    status: replica.status,
    since: time(replica.sinceMs),
    ...(replica.reason !== undefined && { reason: replica.reason }),
    weight: replica.weight,
    running: replica.running,
    ...(replica.latencyMs !== undefined && { latency_ms: Math.round(replica.latencyMs * 10) / 10 }),
    breaker: replica.breaker,
  })),
})
