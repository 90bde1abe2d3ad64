import type { Clock } from './clock.ts'

/** Times a call may be given its limit anew by progress: one that reports for ever still ends. */
const MOST_EXTENSIONS = 20

/** The time limit of one call, which progress may begin anew. */
export class Deadline {
  readonly #clock: Clock
  readonly #late: () => void
  #limitMs = 0
  #beganAtMs = 0
  #endsAtMs = 0
  #cancel: (() => void) | undefined

  constructor(clock: Clock, late: () => void) {
    this.#clock = clock
    this.#late = late
  }

  get limitMs(): number {
    return this.#limitMs
  }

  begin(limitMs: number): void {
    this.#limitMs = limitMs
    this.#beganAtMs = this.#clock.monotonic()
    this.#endsAtMs = this.#beganAtMs + limitMs
    this.#arm(limitMs)
  }

  /** Begins the limit anew. Cheap: the timer finds out when it fires. */
  extend(): void {
    const mostMs = this.#beganAtMs + this.#limitMs * MOST_EXTENSIONS
    this.#endsAtMs = Math.min(this.#clock.monotonic() + this.#limitMs, mostMs)
  }

  end(): void {
    this.#cancel?.()
    this.#cancel = undefined
  }

  #arm(waitMs: number): void {
    this.#cancel = this.#clock.after(waitMs, () => {
      const restMs = this.#endsAtMs - this.#clock.monotonic()
      if (restMs > 0) this.#arm(restMs)
      else this.#late()
    })
  }
}
