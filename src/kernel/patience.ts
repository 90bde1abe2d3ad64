import type { Clock } from './clock.ts'

/** What waits in the order it began. */
export abstract class Waiting {
  /** Its place in the line; `Patience` alone touches these. */
  sinceMs = 0
  before: Waiting | undefined
  after: Waiting | undefined
  /** It has waited for as long as its patience lasts. */
  abstract lose(): void
}

/**
 * Tells those who wait that a set time has passed. One timer for all of them: a timer of its own for each request that
 * is answered within a millisecond costs more than its answer. A linked line, and whoever leaves it holds nothing of it:
 * see `SmallMap` for what a `Map` would keep alive.
 */
export class Patience {
  readonly #clock: Clock
  readonly #ms: number
  readonly #onEmpty: () => void
  #first: Waiting | undefined
  #last: Waiting | undefined
  #armed = false

  /** `onEmpty`: nobody waits, and no timer runs any more. */
  constructor(clock: Clock, ms: number, onEmpty: () => void = () => {}) {
    this.#clock = clock
    this.#ms = ms
    this.#onEmpty = onEmpty
  }

  /** From now on, or since that moment where its caller has just looked. */
  begin(waiting: Waiting, nowMs = this.#clock.monotonic()): void {
    waiting.sinceMs = nowMs
    waiting.before = this.#last
    if (this.#last) this.#last.after = waiting
    else this.#first = waiting
    this.#last = waiting
    if (!this.#armed) this.#arm(this.#ms)
  }

  end(waiting: Waiting): void {
    const { before, after } = waiting
    if (before) before.after = after
    else if (this.#first === waiting) this.#first = after
    if (after) after.before = before
    else if (this.#last === waiting) this.#last = before
    waiting.before = undefined
    waiting.after = undefined
  }

  #arm(ms: number): void {
    this.#armed = true
    this.#clock.after(ms, () => this.#look())
  }

  #look(): void {
    const nowMs = this.#clock.monotonic()
    for (let waiting = this.#first; waiting; waiting = this.#first) {
      const restMs = waiting.sinceMs + this.#ms - nowMs
      if (restMs > 0) return this.#arm(restMs)
      this.end(waiting)
      waiting.lose()
    }
    this.#armed = false
    this.#onEmpty()
  }
}
