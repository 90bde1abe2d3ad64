import { systemClock, type Clock } from '../../kernel/clock.ts'
import { Fault } from '../../kernel/fault.ts'
import { networkOf } from '../../kernel/network-of.ts'
import { noRefusals, type Refusals } from '../../kernel/refusals.ts'
import { BucketTable, type Rate } from '../../kernel/token-bucket.ts'

/** Wrong tokens from one network: a forgotten client that asks every second hears 401; a flood hears 429 and is looked at no more. */
const RATE: Rate = { perMinute: 300, burst: 60 }

const NEVER = Number.NEGATIVE_INFINITY

export interface WrongTokensOptions {
  readonly clock?: Clock
  readonly refusals?: Refusals
}

/**
 * Counts wrong tokens by network. Nobody can guess one, but looking at some costs a signature check. Whoever shows a token that
 * was good before is let in all the same: guessing from next door locks nobody out.
 */
export class WrongTokens {
  readonly #clock: Clock
  readonly #refusals: Refusals
  readonly #buckets = new BucketTable(RATE)
  /** Until then some network may have none left; asked on every request, so that there is nothing to look up on a quiet day. */
  #busyUntilMs = NEVER

  constructor({ clock = systemClock, refusals = noRefusals }: WrongTokensOptions = {}) {
    this.#clock = clock
    this.#refusals = refusals
  }

  /** Whether that network has shown so many that only tokens are good that were seen before. */
  isFlooding(address: string | undefined): boolean {
    if (this.#busyUntilMs === NEVER) return false
    const nowMs = this.#clock.monotonic()
    return nowMs < this.#busyUntilMs && this.#buckets.of(networkOf(address)).waitMs(nowMs) > 0
  }

  /** Counts a token that was wrong; returns what its sender is told. */
  failed(error: unknown, address: string | undefined): unknown {
    if (!(error instanceof Fault) || error.code !== 'unauthenticated') return error
    const nowMs = this.#clock.monotonic()
    const network = networkOf(address)
    const bucket = this.#buckets.of(network)
    const waitMs = bucket.waitMs(nowMs)
    if (waitMs === 0) {
      bucket.take(nowMs)
      this.#busyUntilMs = Math.max(this.#busyUntilMs, nowMs + bucket.waitMs(nowMs))
      return error
    }
    this.#refusals.note('wrong_tokens', network)
    const retryAfterMs = Math.ceil(waitMs)
    return new Fault('rate_limited', 'Too many wrong access tokens came from this address.', {
      hint: `Try again in ${Math.ceil(retryAfterMs / 1000)} s, with one that is valid.`,
      retryAfterMs,
      details: { limit: 'wrong_tokens', per_minute: RATE.perMinute, burst: RATE.burst },
    })
  }
}
