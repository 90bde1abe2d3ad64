/** Quantiles of a stream in bounded memory: each is within `ERROR` of a value of exactly that rank. */
export interface QuantileSketch {
  /** Takes a measurement from 0 up; anything else counts as 0. Above 10^12 it counts as 10^12. */
  add(value: number): void
  count(): number
  min(): number | undefined
  max(): number | undefined
  mean(): number | undefined
  /** `q` from 0 to 1, by nearest rank; undefined while nothing was added. */
  quantile(q: number): number | undefined
}

/** Relative error of a quantile. */
export const ERROR = 0.01
/** What is smaller counts as 0: a nanosecond, where values are milliseconds. */
const LEAST = 1e-6
const MOST = 1e12

const GROWTH = (1 + ERROR) / (1 - ERROR)
const LOG_GROWTH = Math.log(GROWTH)
const bucketOf = (value: number) => Math.ceil(Math.log(value) / LOG_GROWTH)
/** The number whose relative distance to both ends of the bucket is the same. */
const valueOf = (bucket: number) => (2 * GROWTH ** bucket) / (GROWTH + 1)

/** Buckets that grow by a constant factor (as in DDSketch, Masson et al. 2019): at most some 2,100 of them. */
export function createQuantileSketch(): QuantileSketch {
  const buckets = new Map<number, number>()
  let zeros = 0
  let count = 0
  let sum = 0
  let min: number | undefined
  let max: number | undefined
  return {
    add(raw) {
      const value = raw > LEAST ? Math.min(raw, MOST) : 0
      count += 1
      sum += value
      min = min === undefined ? value : Math.min(min, value)
      max = max === undefined ? value : Math.max(max, value)
      if (value === 0) zeros += 1
      else buckets.set(bucketOf(value), (buckets.get(bucketOf(value)) ?? 0) + 1)
    },
    count: () => count,
    min: () => min,
    max: () => max,
    mean: () => (count === 0 ? undefined : sum / count),
    quantile(q) {
      if (count === 0) return undefined
      const rank = Math.max(1, Math.ceil(q * count))
      if (rank <= zeros) return 0
      let passed = zeros
      for (const bucket of [...buckets.keys()].sort((a, b) => a - b)) {
        passed += buckets.get(bucket) ?? 0
        if (passed >= rank) return Math.min(Math.max(valueOf(bucket), min ?? 0), max ?? MOST)
      }
      return max
    },
  }
}
