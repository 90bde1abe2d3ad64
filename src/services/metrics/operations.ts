import { z } from 'zod'
import { operation } from '../../kernel/operation.ts'
import type { Hub } from '../../kernel/ports.ts'
import { performanceReport, type CallFigures } from './figures.ts'
import type { Rules } from './rules.ts'
import type { SystemMeter } from './system.ts'
import type { Usage } from './usage.ts'

/** What every operation of this service works on. */
export interface Deps {
  readonly hub: Hub
  readonly system: SystemMeter
  readonly usage: Usage
  readonly rules: Rules
}

const rounded = (value: number) => Math.round(value * 1000) / 1000

const ProcessShape = z.object({
  name: z.string().describe('`hub`, or the MCP server whose processes these are'),
  pid: z.int().optional(),
  memory_megabytes: z.number(),
  cpu_seconds: z.number().optional().describe('Since the hub, or the server, started'),
  cpu_percent: z.number().optional().describe('Of one core, of the hub only'),
})

export const getSystemMetrics = operation<Deps>()({
  name: 'metrics.get_system_metrics',
  summary:
    'CPU, memory, event loop and disk of the hub and its machine, and memory and CPU of each MCP server it runs.',
  scope: 'metrics:read',
  effect: 'read',
  route: { method: 'GET', path: '/metrics/system' },
  input: z.object({}),
  output: z.object({
    cpu: z.object({
      percent: z.number().describe('Of one core, by the hub, within the last 10 s'),
      cores: z.int(),
      load: z.number().describe('Of the machine, within a minute'),
    }),
    memory: z.object({
      resident_megabytes: z.number(),
      heap_megabytes: z.number(),
      machine_free_megabytes: z.number(),
      machine_total_megabytes: z.number(),
    }),
    event_loop: z
      .object({ mean_ms: z.number(), p99_ms: z.number(), most_ms: z.number() })
      .optional()
      .describe('By which timers come late'),
    disk: z.object({ free_megabytes: z.number(), total_megabytes: z.number() }).optional(),
    processes: z.array(ProcessShape),
  }),
  async handler(_, { hub, system }) {
    const [figures, servers] = await Promise.all([system.read(), processesOf(hub)])
    const { eventLoop, disk } = figures
    return {
      cpu: { percent: rounded(figures.cpuPercent), cores: figures.cores, load: figures.load },
      memory: {
        resident_megabytes: rounded(figures.residentMegabytes),
        heap_megabytes: rounded(figures.heapMegabytes),
        machine_free_megabytes: rounded(figures.freeMegabytes),
        machine_total_megabytes: rounded(figures.totalMegabytes),
      },
      ...(eventLoop && {
        event_loop: {
          mean_ms: rounded(eventLoop.meanMs),
          p99_ms: rounded(eventLoop.p99Ms),
          most_ms: rounded(eventLoop.mostMs),
        },
      }),
      ...(disk && {
        disk: { free_megabytes: rounded(disk.freeMegabytes), total_megabytes: rounded(disk.totalMegabytes) },
      }),
      processes: [
        {
          name: 'hub',
          pid: process.pid,
          memory_megabytes: rounded(figures.residentMegabytes),
          cpu_seconds: rounded(figures.cpuSeconds),
          cpu_percent: rounded(figures.cpuPercent),
        },
        ...servers,
      ],
    }
  },
})

/** Of servers that run as programs here. One that goes meanwhile is left out. */
async function processesOf(hub: Hub): Promise<z.input<typeof ProcessShape>[]> {
  const gateway = hub.gateway()
  if (!gateway) return []
  const reports = await Promise.all(gateway.servers().map(({ id }) => gateway.server(id).catch(() => undefined)))
  return reports.flatMap((report) =>
    report?.memoryMegabytes === undefined
      ? []
      : [
          {
            name: report.id,
            memory_megabytes: rounded(report.memoryMegabytes),
            ...(report.cpuSeconds !== undefined && { cpu_seconds: rounded(report.cpuSeconds) }),
          },
        ],
  )
}

const WINDOWS = { '1m': 60_000, '5m': 300_000, '1h': 3_600_000 } as const

const FiguresShape = z.object({
  calls: z.int(),
  errors: z.int(),
  per_second: z.number(),
  mean_ms: z.number(),
  p50_ms: z.number(),
  p95_ms: z.number(),
  p99_ms: z.number(),
  most_ms: z.number(),
})

const figures = ({ calls, errors, perSecond, ...ms }: CallFigures): z.input<typeof FiguresShape> => ({
  calls,
  errors,
  per_second: rounded(perSecond),
  mean_ms: rounded(ms.meanMs),
  p50_ms: rounded(ms.p50Ms),
  p95_ms: rounded(ms.p95Ms),
  p99_ms: rounded(ms.p99Ms),
  most_ms: rounded(ms.mostMs),
})

export const getPerformance = operation<Deps>()({
  name: 'metrics.get_performance',
  summary: 'How long calls took, how many there were and how many failed, by service or MCP server and by operation.',
  scope: 'metrics:read',
  effect: 'read',
  route: { method: 'GET', path: '/metrics/performance' },
  input: z.object({
    window: z.enum(['1m', '5m', '1h']).default('5m').describe('The latest so much'),
    provider: z.string().max(200).optional().describe('Only this service or MCP server'),
    most: z.int().min(1).max(500).default(50).describe('At most so many operations, the most used ones'),
  }),
  output: z.object({
    covered_seconds: z.number().describe('How much of the window there is'),
    all: FiguresShape.optional(),
    providers: z.array(FiguresShape.extend({ provider: z.string() })),
    operations: z.array(FiguresShape.extend({ operation: z.string(), provider: z.string() })),
  }),
  async handler({ window, provider, most }, { hub }) {
    const report = performanceReport(hub.performance, WINDOWS[window])
    const isWanted = (one: { provider: string }) => provider === undefined || one.provider === provider
    return {
      covered_seconds: Math.round(report.coveredMs / 1000),
      ...(report.all && { all: figures(report.all) }),
      providers: report.providers.filter(isWanted).map((one) => ({ provider: one.provider, ...figures(one) })),
      operations: report.operations
        .filter(isWanted)
        .slice(0, most)
        .map((one) => ({ operation: one.operation, provider: one.provider, ...figures(one) })),
    }
  },
})

export const getUsage = operation<Deps>()({
  name: 'metrics.get_usage',
  summary: 'Who used what, and how often, by day (UTC).',
  scope: 'metrics:read',
  effect: 'read',
  route: { method: 'GET', path: '/metrics/usage' },
  input: z.object({
    days: z.int().min(1).max(3650).default(7).describe('The latest days, today among them'),
    caller: z.string().max(200).optional().describe('Only this one, by name or id'),
    most: z.int().min(1).max(5000).default(200).describe('At most so many rows, the most used ones'),
  }),
  output: z.object({
    usage: z.array(
      z.object({
        day: z.iso.date(),
        caller: z.string(),
        caller_id: z.string(),
        operation: z.string(),
        provider: z.string(),
        calls: z.int(),
        errors: z.int(),
        mean_ms: z.number(),
      }),
    ),
  }),
  async handler({ days, caller, most }, { usage }) {
    const rows = await usage.latest(days)
    const wanted = rows.filter((row) => caller === undefined || row.caller === caller || row.caller_id === caller)
    return {
      usage: wanted
        .toSorted((a, b) => b.calls - a.calls)
        .slice(0, most)
        .map(({ total_ms, ...row }) => ({ ...row, mean_ms: rounded(total_ms / row.calls) })),
    }
  },
})
