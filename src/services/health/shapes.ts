import { z } from 'zod'
import type { Clock } from '../../kernel/clock.ts'
import type { Hub, ServerReport, Store } from '../../kernel/ports.ts'
import type { Entry } from '../../kernel/registry.ts'
import type { PartReport } from '../../kernel/status.ts'
import type { Alerts } from './alerts.ts'
import type { HealthHistory } from './history.ts'

/** What every operation of this service works on. */
export interface Deps {
  readonly hub: Hub
  readonly store: Store
  readonly clock: Clock
  readonly history: HealthHistory
  readonly alerts: Alerts
  /** Wall-clock milliseconds of the latest check of each that was asked something. */
  readonly checkedMs: Map<string, number>
}

export const StatusShape = z.enum(['available', 'degraded', 'unavailable', 'unknown'])

export const NameShape = z.string().min(1).max(200).describe('As list_services has it')

export const PartShape = z.object({
  name: z.string(),
  status: StatusShape,
  since: z.iso.datetime().describe('When this status began'),
  reason: z.string().optional().describe('Why it is not available'),
})

export const ServiceShape = PartShape.extend({
  kind: z.enum(['part', 'server']).describe('`part` of this hub, or another MCP `server` behind it'),
  needs: z.array(z.string()).describe('Parts that must run for this one to run'),
  operations: z.int().describe('How many operations it offers'),
  calls: z.int().describe('Calls since the hub started'),
  errors: z.int().describe('Calls of these that failed'),
  last_call_ms: z.number().optional().describe('How long the latest call took, in milliseconds'),
  latency_ms: z.number().optional().describe('How long its calls took within the last 5 minutes, in the middle'),
  checked_at: z.iso.datetime().optional().describe('When a call or a check last showed how it is'),
  history: z
    .array(z.object({ at: z.iso.datetime(), status: StatusShape, reason: z.string().optional() }))
    .describe('Changes of status, the latest first'),
})

export const time = (ms: number): string => new Date(ms).toISOString()

export const rounded = (ms: number): number => Math.round(ms * 1000) / 1000

export const partOf = ({ name, status, sinceMs, reason }: PartReport): z.input<typeof PartShape> => ({
  name,
  status,
  since: time(sinceMs),
  ...(reason !== undefined && { reason }),
})

export interface ServiceFacts {
  readonly entries: readonly Entry[]
  /** Where it is an MCP server. */
  readonly server: ServerReport | undefined
  readonly latencyMs: number | undefined
  /** How many changes of status. */
  readonly changes: number
}

export async function serviceOf(
  part: PartReport,
  { entries, server, latencyMs, changes }: ServiceFacts,
  { history, checkedMs }: Pick<Deps, 'history' | 'checkedMs'>,
): Promise<z.input<typeof ServiceShape>> {
  const past = changes === 0 ? [] : await history.latest(part.name, changes, 'status')
  return {
    ...partOf(part),
    kind: server ? 'server' : 'part',
    needs: [...part.needs],
    ...statisticsOf(entries),
    ...checkedAt(checkedMs.get(part.name), server?.probedAtMs, ...entries.map(({ statistics }) => statistics.lastAtMs)),
    ...(latencyMs !== undefined && { latency_ms: rounded(latencyMs) }),
    history: past.flatMap((entry) =>
      entry.kind === 'status'
        ? [
            {
              at: time(entry.atMs),
              status: entry.status,
              ...(entry.reason !== undefined && { reason: entry.reason }),
            },
          ]
        : [],
    ),
  }
}

/** The latest of these, where there is any. */
function checkedAt(...timesMs: readonly (number | undefined)[]) {
  const latestMs = Math.max(...timesMs.map((ms) => ms ?? -Infinity))
  return Number.isFinite(latestMs) ? { checked_at: time(latestMs) } : {}
}

function statisticsOf(entries: readonly Entry[]) {
  const latest = entries
    .map(({ statistics }) => statistics)
    .reduce<Entry['statistics'] | undefined>((a, b) => ((b.lastAtMs ?? -1) > (a?.lastAtMs ?? -1) ? b : a), undefined)
  return {
    operations: entries.length,
    calls: entries.reduce((sum, { statistics }) => sum + statistics.calls, 0),
    errors: entries.reduce((sum, { statistics }) => sum + statistics.errors, 0),
    ...(latest?.lastMs !== undefined && { last_call_ms: rounded(latest.lastMs) }),
  }
}
