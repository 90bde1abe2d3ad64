import type { Clock } from '../clock.ts'

export interface RetryBudgetOptions {
  /** Retries there may be for each call. */
  readonly perCall: number
  /** And besides, so that something that is called rarely can be retried at all. */
  readonly perSecond: number
  /** Retries that can be saved up. */
  readonly most: number
}

export const DEFAULT_RETRY_BUDGET: RetryBudgetOptions = { perCall: 0.2, perSecond: 2, most: 20 }

/** A token bucket that calls fill and retries empty: when everything fails, repeating must not multiply the load. */
export class RetryBudget {
  readonly #clock: Clock
  readonly #options: RetryBudgetOptions
  #tokens: number
  #filledAtMs: number

  constructor(clock: Clock, options: RetryBudgetOptions = DEFAULT_RETRY_BUDGET) {
    this.#clock = clock
    this.#options = options
    this.#tokens = options.most
    this.#filledAtMs = clock.monotonic()
  }

  /** So many first attempts were made. */
  earn(calls: number): void {
    this.#tokens = Math.min(this.#options.most, this.#tokens + calls * this.#options.perCall)
  }

  /** Takes a retry out of the budget; false: there is none left. */
  spend(): boolean {
    const nowMs = this.#clock.monotonic()
    this.#tokens += ((nowMs - this.#filledAtMs) / 1000) * this.#options.perSecond
    this.#tokens = Math.min(this.#options.most, this.#tokens)
    this.#filledAtMs = nowMs
    if (this.#tokens < 1) return false
    this.#tokens--
    return true
  }
}
