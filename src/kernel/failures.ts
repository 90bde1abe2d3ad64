import type { Clock } from './clock.ts'

/** How many failures are free, and how long one has to wait after each one more: it doubles every time. */
export interface WaitRule {
  readonly free: number
  readonly firstWaitMs: number
  readonly longestWaitMs: number
}

interface Count {
  failures: number
  /** On the monotonic clock. */
  untilMs: number
}

/** Failures are forgotten when there was none for so long after the wait. */
const FORGOTTEN_AFTER_MS = 30 * 60_000

/** Keys come from whoever guesses: about 200 bytes each. */
const MOST_KEYS = 5000

/** Where there is no room, the one with the fewest failures of so many that were quiet longest makes it. */
const LOOKED_AT = 16

/** Failures by key, in bounded memory, and how long each key has to wait for them. */
export class Failures {
  readonly #clock: Clock
  readonly #rule: WaitRule
  /** The one that failed last is last. */
  readonly #counts = new Map<string, Count>()

  constructor(clock: Clock, rule: WaitRule) {
    this.#clock = clock
    this.#rule = rule
  }

  get size(): number {
    return this.#counts.size
  }

  /** Milliseconds until another attempt may be made; 0: now. */
  waitMs(key: string): number {
    const count = this.#counts.get(key)
    return count === undefined ? 0 : Math.max(0, count.untilMs - this.#clock.monotonic())
  }

  add(key: string): void {
    const nowMs = this.#clock.monotonic()
    const count = this.#counts.get(key)
    const failures = count && !isForgotten(count, nowMs) ? count.failures + 1 : 1
    this.#counts.delete(key)
    if (this.#counts.size >= MOST_KEYS) this.#makeRoom(nowMs)
    this.#counts.set(key, { failures, untilMs: nowMs + this.#waitAfter(failures) })
  }

  /** One that was added was none. */
  takeBack(key: string): void {
    const count = this.#counts.get(key)
    if (!count) return
    count.failures--
    if (count.failures <= 0) this.#counts.delete(key)
    // A wait that others earned stays.
    else if (count.failures < this.#rule.free) count.untilMs = this.#clock.monotonic()
  }

  forget(key: string): void {
    this.#counts.delete(key)
  }

  #waitAfter(failures: number): number {
    const { free, firstWaitMs, longestWaitMs } = this.#rule
    if (failures < free) return 0
    return Math.min(longestWaitMs, firstWaitMs * 2 ** Math.min(failures - free, 30))
  }

  /** Whoever floods it with keys fails once with each: that does not drive out those who failed often. */
  #makeRoom(nowMs: number): void {
    let least: { key: string; failures: number } | undefined
    let looked = 0
    for (const [key, count] of this.#counts) {
      const failures = isForgotten(count, nowMs) ? 0 : count.failures
      if (least === undefined || failures < least.failures) least = { key, failures }
      if (++looked === LOOKED_AT || failures === 0) break
    }
    if (least) this.#counts.delete(least.key)
  }
}

const isForgotten = ({ untilMs }: Count, nowMs: number): boolean => nowMs - untilMs > FORGOTTEN_AFTER_MS
