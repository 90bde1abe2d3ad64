import { Histogram } from '../../kernel/histogram.ts'
import type { Performance } from '../../kernel/performance.ts'

/** How long the calls of each provider took within the window, in the middle; milliseconds. */
export function latencies(performance: Performance, windowMs: number): ReadonlyMap<string, number> {
  const times = new Map<string, Histogram>()
  for (const { provider, times: own } of performance.within(windowMs).operations) {
    const together = times.get(provider) ?? new Histogram()
    together.addAll(own)
    times.set(provider, together)
  }
  return new Map([...times].map(([provider, own]) => [provider, own.quantile(0.5) ?? 0]))
}
