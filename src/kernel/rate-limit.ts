import type { Clock } from './clock.ts'

interface Window {
  readonly endsAtMs: number
  taken: number
}

/** So many in each window of time, counted by key. A key's window begins with the first it takes. */
export class RateLimit {
  readonly #clock: Clock
  readonly #most: number
  readonly #windowMs: number
  readonly #windows = new Map<string, Window>()
  #sweepAtMs: number

  constructor(clock: Clock, most: number, windowMs: number) {
    this.#clock = clock
    this.#most = most
    this.#windowMs = windowMs
    this.#sweepAtMs = clock.monotonic() + windowMs
  }

  /** Takes one; returns undefined, or, when none is left, the milliseconds until the next window. */
  take(key: string): number | undefined {
    const nowMs = this.#clock.monotonic()
    if (nowMs >= this.#sweepAtMs) this.#sweep(nowMs)
    const window = this.#windows.get(key)
    if (!window || nowMs >= window.endsAtMs) {
      this.#windows.set(key, { endsAtMs: nowMs + this.#windowMs, taken: 1 })
      return this.#most > 0 ? undefined : this.#windowMs
    }
    window.taken++
    return window.taken > this.#most ? window.endsAtMs - nowMs : undefined
  }

  /** Keys come from outside: those whose window is over are not kept. */
  #sweep(nowMs: number): void {
    this.#sweepAtMs = nowMs + this.#windowMs
    for (const [key, { endsAtMs }] of this.#windows) if (nowMs >= endsAtMs) this.#windows.delete(key)
  }
}
