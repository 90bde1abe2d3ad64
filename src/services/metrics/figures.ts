import { Histogram } from '../../kernel/histogram.ts'
import type { OperationPerformance, Performance } from '../../kernel/performance.ts'

/** What calls were like within a window. Times in milliseconds. */
export interface CallFigures {
  readonly calls: number
  readonly errors: number
  readonly perSecond: number
  readonly meanMs: number
  readonly p50Ms: number
  readonly p95Ms: number
  readonly p99Ms: number
  readonly mostMs: number
}

/** Which calls: all, those of an operation, or those of a provider. */
export interface Selection {
  readonly operation?: string | undefined
  readonly provider?: string | undefined
}

/** Those calls together; undefined: there were none. */
export function figuresOf(
  performance: Performance,
  windowMs: number,
  { operation, provider }: Selection,
): CallFigures | undefined {
  const { coveredMs, operations } = performance.within(windowMs)
  const chosen = operations.filter(
    (one) =>
      (operation === undefined || one.operation === operation || shortNameOf(one) === operation) &&
      (provider === undefined || one.provider === provider),
  )
  return chosen.length === 0 ? undefined : together(chosen, coveredMs)
}

export interface PerformanceReport {
  readonly coveredMs: number
  readonly all: CallFigures | undefined
  readonly operations: readonly (CallFigures & { readonly operation: string; readonly provider: string })[]
  readonly providers: readonly (CallFigures & { readonly provider: string })[]
}

/** Everything, the most used first. */
export function performanceReport(performance: Performance, windowMs: number): PerformanceReport {
  const { coveredMs, operations } = performance.within(windowMs)
  const byProvider = Map.groupBy(operations, ({ provider }) => provider)
  return {
    coveredMs,
    all: operations.length === 0 ? undefined : together(operations, coveredMs),
    operations: operations
      .map((one) => ({ operation: one.operation, provider: one.provider, ...together([one], coveredMs) }))
      .sort((a, b) => b.calls - a.calls),
    providers: [...byProvider]
      .map(([provider, own]) => ({ provider, ...together(own, coveredMs) }))
      .sort((a, b) => b.calls - a.calls),
  }
}

function together(operations: readonly OperationPerformance[], coveredMs: number): CallFigures {
  const times = new Histogram()
  for (const one of operations) times.addAll(one.times)
  const at = (share: number) => times.quantile(share) ?? 0
  return {
    calls: times.count,
    errors: operations.reduce((sum, { errors }) => sum + errors, 0),
    perSecond: (times.count * 1000) / Math.max(coveredMs, 1000),
    meanMs: times.sumMs / times.count,
    p50Ms: at(0.5),
    p95Ms: at(0.95),
    p99Ms: at(0.99),
    mostMs: times.mostMs,
  }
}

const shortNameOf = ({ operation }: OperationPerformance) => operation.slice(operation.indexOf('.') + 1)
