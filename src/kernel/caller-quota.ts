import type { Caller } from './caller.ts'
import { Fault } from './fault.ts'
import { noRefusals, type Limit, type Refusals } from './refusals.ts'

export interface CallerQuotaOptions {
  readonly limit: Limit
  /** At once, of one caller. */
  readonly most: number
  /** What they are, for the fault: `event streams`. */
  readonly what: string
  /** Where the number is set. */
  readonly setting: string
  readonly refusals?: Refusals
}

/** What one caller holds at once, so that nobody can have all there is: streams, subscriptions. */
export class CallerQuota {
  readonly #options: CallerQuotaOptions
  /** Of those who hold some: none is kept at 0. */
  readonly #held = new Map<string, number>()

  constructor(options: CallerQuotaOptions) {
    this.#options = options
  }

  /** Takes one; what is returned gives it back, once. Throws Fault `rate_limited`. */
  take({ id, name }: Pick<Caller, 'id' | 'name'>): () => void {
    const { limit, most, what, setting, refusals = noRefusals } = this.#options
    const held = this.#held.get(id) ?? 0
    if (held >= most) {
      refusals.note(limit, id)
      throw new Fault('rate_limited', `${name} has ${held} ${what} open already.`, {
        hint: `Close one, or raise ${setting}.`,
        retryAfterMs: RETRY_AFTER_MS,
        details: { limit, most },
      })
    }
    this.#held.set(id, held + 1)
    let isHeld = true
    return () => {
      if (!isHeld) return
      isHeld = false
      const left = (this.#held.get(id) ?? 1) - 1
      if (left === 0) this.#held.delete(id)
      else this.#held.set(id, left)
    }
  }
}

/** For tests and tools: as many as anybody likes. */
export const noCallerQuota = (): CallerQuota =>
  new CallerQuota({ limit: 'streams_per_caller', most: Number.POSITIVE_INFINITY, what: 'streams', setting: 'nothing' })

/** Nobody knows when one is closed; it is worth another look by then. */
const RETRY_AFTER_MS = 10_000
