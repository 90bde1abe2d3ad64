import type { Clock } from './clock.ts'
import { BucketTable } from './token-bucket.ts'

/** So many at once of each key, that come back evenly within a period. For what is asked by key alone. */
export class RateLimit {
  readonly #clock: Clock
  readonly #buckets: BucketTable

  constructor(clock: Clock, most: number, periodMs: number) {
    this.#clock = clock
    this.#buckets = new BucketTable({ perMinute: (most * 60_000) / periodMs, burst: most })
  }

  /** Takes one; returns undefined, or, when there is none, the milliseconds until there is one. */
  take(key: string): number | undefined {
    const nowMs = this.#clock.monotonic()
    const bucket = this.#buckets.of(key)
    const waitMs = bucket.waitMs(nowMs)
    if (waitMs > 0) return waitMs
    bucket.take(nowMs)
    return undefined
  }
}
