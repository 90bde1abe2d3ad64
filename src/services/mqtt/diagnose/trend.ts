import { median } from './robust.ts'

/** Whether equally spaced values rise or fall. */
export type Trend =
  | { readonly is: 'unknown'; readonly samples: number }
  | {
      readonly is: 'rising' | 'falling' | 'steady'
      /** Theil–Sen: the median of the slopes between all pairs, per step. */
      readonly slope: number
      /** Two-sided, Mann–Kendall: how often chance alone would look like this. */
      readonly pValue: number
      readonly samples: number
    }

/** Fewer values say nothing: the normal approximation of Mann–Kendall needs about as many. */
export const LEAST_SAMPLES = 8
/** What counts as more than chance. */
export const SIGNIFICANT = 0.05

/** Tests for a monotonic trend without assuming anything of the distribution. Quadratic: for at most some hundred values. */
export function trendOf(values: readonly number[]): Trend {
  const samples = values.length
  if (samples < LEAST_SAMPLES) return { is: 'unknown', samples }
  const slopes: number[] = []
  let concordance = 0
  for (const [index, from] of values.entries())
    for (let later = index + 1; later < samples; later++) {
      const rise = (values[later] ?? from) - from
      concordance += Math.sign(rise)
      slopes.push(rise / (later - index))
    }
  const pValue = significance(concordance, values)
  const slope = median(slopes) ?? 0
  if (pValue >= SIGNIFICANT) return { is: 'steady', slope, pValue, samples }
  return { is: concordance > 0 ? 'rising' : 'falling', slope, pValue, samples }
}

/** With the correction for ties, and for continuity. */
function significance(concordance: number, values: readonly number[]): number {
  const weight = (n: number) => n * (n - 1) * (2 * n + 5)
  const ties = [...Map.groupBy(values, (value) => value).values()].map((group) => weight(group.length))
  const variance = (weight(values.length) - ties.reduce((total, tie) => total + tie, 0)) / 18
  if (variance <= 0 || concordance === 0) return 1
  const z = (Math.abs(concordance) - 1) / Math.sqrt(variance)
  return Math.min(1, 2 * upperTail(z))
}

/** How much of the standard normal distribution is above `z` ≥ 0; error below 10⁻⁷ (Abramowitz and Stegun 26.2.17). */
function upperTail(z: number): number {
  const t = 1 / (1 + 0.2316419 * z)
  const polynomial = t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))))
  return (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) * polynomial
}
