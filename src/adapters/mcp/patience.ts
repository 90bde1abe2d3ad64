import type { Clock } from '../../kernel/clock.ts'

/** What waits in the order it began. */
export interface Waiting {
  /** It has waited for as long as its patience lasts. */
  lose(): void
}

/**
 * Tells those who wait that a set time has passed. One timer for all of them: a timer of its own for each request that
 * is answered within a millisecond costs more than its answer.
 */
export class Patience {
  readonly #clock: Clock
  readonly #ms: number
  readonly #sinceMs = new Map<Waiting, number>()
  #armed = false

  constructor(clock: Clock, ms: number) {
    this.#clock = clock
    this.#ms = ms
  }

  begin(waiting: Waiting): void {
    this.#sinceMs.set(waiting, this.#clock.monotonic())
    if (!this.#armed) this.#arm(this.#ms)
  }

  end(waiting: Waiting): void {
    this.#sinceMs.delete(waiting)
  }

  #arm(ms: number): void {
    this.#armed = true
    this.#clock.after(ms, () => this.#look())
  }

  #look(): void {
    const nowMs = this.#clock.monotonic()
    for (const [waiting, sinceMs] of this.#sinceMs) {
      const restMs = sinceMs + this.#ms - nowMs
      if (restMs > 0) return this.#arm(restMs)
      this.#sinceMs.delete(waiting)
      waiting.lose()
    }
    this.#armed = false
  }
}
