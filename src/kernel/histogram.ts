/** Steps within each doubling of the duration: a percentile is off by 6 % at most. */
const STEPS_BITS = 3
const STEPS = 1 << STEPS_BITS
/** 2^31 - 1 microseconds: 36 minutes; what took longer counts as that. */
const LONGEST_US = 2_147_483_647
const BUCKETS = (31 - STEPS_BITS + 1) * STEPS

/** How long things took, as a log-linear histogram of fixed size (about 1 KB) that costs some nanoseconds a value. */
export class Histogram {
  readonly #counts = new Uint32Array(BUCKETS)
  count = 0
  sumMs = 0
  mostMs = 0

  add(ms: number): void {
    const index = bucketOf(ms)
    this.#counts[index] = (this.#counts[index] ?? 0) + 1
    this.count++
    this.sumMs += ms
    if (ms > this.mostMs) this.mostMs = ms
  }

  addAll(other: Histogram): void {
    for (const [index, count] of other.#counts.entries())
      if (count > 0) this.#counts[index] = (this.#counts[index] ?? 0) + count
    this.count += other.count
    this.sumMs += other.sumMs
    this.mostMs = Math.max(this.mostMs, other.mostMs)
  }

  clear(): void {
    this.#counts.fill(0)
    this.count = 0
    this.sumMs = 0
    this.mostMs = 0
  }

  /** Milliseconds that this share (0 to 1) of the values did not exceed; undefined: there are none. */
  quantile(share: number): number | undefined {
    if (this.count === 0) return undefined
    let rest = Math.max(1, Math.ceil(this.count * share))
    for (const [index, count] of this.#counts.entries()) {
      rest -= count
      if (rest <= 0) return Math.min(middleOf(index), this.mostMs)
    }
    return this.mostMs
  }
}

function bucketOf(ms: number): number {
  const us = ms > 0 ? Math.min(ms * 1000, LONGEST_US) | 0 : 0
  if (us < STEPS) return us
  const shift = 31 - Math.clz32(us) - STEPS_BITS
  return shift * STEPS + (us >>> shift)
}

/** Milliseconds in the middle of the bucket. */
function middleOf(index: number): number {
  if (index < STEPS) return (index + 0.5) / 1000
  const shift = Math.floor(index / STEPS) - 1
  const low = (STEPS + (index % STEPS)) * 2 ** shift
  return (low + 2 ** shift / 2) / 1000
}
