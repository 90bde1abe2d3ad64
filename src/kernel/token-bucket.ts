import { RecentMap } from './recent-map.ts'

/** How often something may be done. */
export interface Rate {
  /** Refilled evenly, above 0. */
  readonly perMinute: number
  /** At once, when nothing was taken for a while: from 1. */
  readonly burst: number
}

/** Sums of fractions miss by less than this, milliseconds. */
const ROUNDING_MS = 1e-3

/**
 * A token bucket, kept as the moment at which it will be full again (the generic cell rate algorithm, ITU-T I.371): no timer
 * fills it, and one number is all of it. Looking and taking are apart, so that what one bucket refuses costs the others nothing.
 */
export class TokenBucket {
  readonly rate: Rate
  /** Milliseconds until a token comes back. */
  readonly everyMs: number
  readonly #depthMs: number
  #fullAtMs = Number.NEGATIVE_INFINITY
  /** Tokens taken that nobody else was told of, and since when: for budgets that several hubs share. */
  untold = 0
  untoldSinceMs = 0

  constructor(rate: Rate) {
    this.rate = rate
    this.everyMs = 60_000 / rate.perMinute
    this.#depthMs = rate.burst * this.everyMs
  }

  /** Milliseconds until there is a token; 0: there is one. */
  waitMs(nowMs: number): number {
    const waitMs = this.#missingMs(nowMs) + this.everyMs - this.#depthMs
    return waitMs > ROUNDING_MS ? waitMs : 0
  }

  /** Takes one, whether or not there is one. */
  take(nowMs: number): void {
    this.#fullAtMs = Math.max(this.#fullAtMs, nowMs) + this.everyMs
    if (this.untold++ === 0) this.untoldSinceMs = nowMs
  }

  /** Takes one where there is one; whether there was. */
  tryTake(nowMs: number): boolean {
    if (this.waitMs(nowMs) > 0) return false
    this.take(nowMs)
    return true
  }

  /** Whole tokens that are left. */
  left(nowMs: number): number {
    return Math.max(0, Math.floor((this.#depthMs - this.#missingMs(nowMs) + ROUNDING_MS) / this.everyMs))
  }

  /** Milliseconds until it holds one more than now; 0: it is full. */
  nextMs(nowMs: number): number {
    const missingMs = this.#missingMs(nowMs)
    return missingMs <= ROUNDING_MS
      ? 0
      : missingMs - Math.floor((missingMs - ROUNDING_MS) / this.everyMs) * this.everyMs
  }

  /** Others took from it as well: it is full no sooner than that. */
  delay(fullAtMs: number): void {
    if (fullAtMs > this.#fullAtMs) this.#fullAtMs = fullAtMs
  }

  #missingMs(nowMs: number): number {
    return Math.max(0, this.#fullAtMs - nowMs)
  }
}

/**
 * A bucket for each key, all alike. Those unused for longest are forgotten, full or not: whoever can make up that many keys has
 * as many full buckets anyway. So keys that anybody can make up (addresses) and those that the hub gives (callers) have tables
 * of their own.
 */
export class BucketTable {
  readonly rate: Rate
  readonly #buckets: RecentMap<TokenBucket>

  constructor(rate: Rate, most = MOST_BUCKETS) {
    this.rate = rate
    this.#buckets = new RecentMap(most)
  }

  get size(): number {
    return this.#buckets.size
  }

  of(key: string): TokenBucket {
    return this.#buckets.get(key) ?? this.#made(key)
  }

  entries(): Iterable<[key: string, bucket: TokenBucket]> {
    return this.#buckets.entries()
  }

  #made(key: string): TokenBucket {
    const bucket = new TokenBucket(this.rate)
    this.#buckets.set(key, bucket)
    return bucket
  }
}

/** About 150 bytes each, and twice as many. */
const MOST_BUCKETS = 5000
