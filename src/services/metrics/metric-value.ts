import type { Performance } from '../../kernel/performance.ts'
import { figuresOf, type CallFigures } from './figures.ts'
import type { Rule } from './rule-table.ts'
import type { SystemFigures, SystemMeter } from './system.ts'

const WINDOW_MS = 60_000

type CallMetric = 'calls_per_second' | 'error_percent' | 'p50_ms' | 'p95_ms' | 'p99_ms'
type SystemMetric = Exclude<Rule['metric'], CallMetric>

const OF_SYSTEM: Readonly<Record<SystemMetric, (figures: SystemFigures) => number | undefined>> = {
  cpu_percent: ({ cpuPercent }) => cpuPercent,
  memory_megabytes: ({ residentMegabytes }) => residentMegabytes,
  event_loop_delay_ms: ({ eventLoop }) => eventLoop?.p99Ms,
  disk_free_percent: ({ disk }) => disk && (disk.freeMegabytes * 100) / disk.totalMegabytes,
}

const OF_CALLS: Readonly<Record<CallMetric, (figures: CallFigures) => number>> = {
  calls_per_second: ({ perSecond }) => perSecond,
  error_percent: ({ errors, calls }) => (errors * 100) / calls,
  p50_ms: ({ p50Ms }) => p50Ms,
  p95_ms: ({ p95Ms }) => p95Ms,
  p99_ms: ({ p99Ms }) => p99Ms,
}

/** What a rule is about, now; undefined: there is no such figure. */
export async function metricValue(
  rule: Rule,
  { performance, system }: { performance: Performance; system: SystemMeter },
): Promise<number | undefined> {
  const { metric } = rule
  if (isOfSystem(metric)) return OF_SYSTEM[metric](await system.read())
  const figures = figuresOf(performance, WINDOW_MS, rule)
  if (figures) return OF_CALLS[metric](figures)
  // No calls is a rate; but they took no time, and none of them failed.
  return metric === 'calls_per_second' ? 0 : undefined
}

export const isOfSystem = (metric: Rule['metric']): metric is SystemMetric => Object.hasOwn(OF_SYSTEM, metric)
