/** The middle value; the mean of the two in the middle when there is an even number; undefined for none. */
export function median(values: readonly number[]): number | undefined {
  const sorted = [...values].sort((a, b) => a - b)
  const upper = sorted[Math.floor(sorted.length / 2)]
  const lower = sorted[Math.ceil(sorted.length / 2) - 1]
  return upper === undefined || lower === undefined ? undefined : lower + (upper - lower) / 2
}

/** Where the values are and how far they spread, whatever a few wild ones among them are. */
export interface RobustLocation {
  readonly median: number
  /** Median absolute deviation, scaled to a normal distribution's standard deviation. */
  readonly spread: number
}

/** Makes the median absolute deviation of normal values their standard deviation. */
const NORMAL = 1.4826

export function robustLocation(values: readonly number[]): RobustLocation | undefined {
  const middle = median(values)
  if (middle === undefined) return undefined
  const deviation = median(values.map((value) => Math.abs(value - middle))) ?? 0
  return { median: middle, spread: deviation * NORMAL }
}
