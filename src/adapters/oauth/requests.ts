import { Fault } from '../../kernel/fault.ts'
import { networkOf } from '../../kernel/network-of.ts'
import { BucketTable } from '../../kernel/token-bucket.ts'
import type { Clock } from '../../kernel/clock.ts'

/** What strangers may ask for, by network: everything here happens before anybody has said who they are. */
export interface RequestLimits {
  /** Documents of clients. */
  readonly fetches: BucketTable
  /** Throws Fault `rate_limited`. */
  take(kind: RequestKind, address: string | undefined): void
}

export type RequestKind = 'page' | 'token' | 'registration'

/** A person clicks; programs of one home renew every few minutes; a client registers itself once. */
const RATES = {
  page: { perMinute: 60, burst: 60 },
  token: { perMinute: 300, burst: 300 },
  registration: { perMinute: 2, burst: 30 },
} as const

const FETCHES = { perMinute: 6, burst: 20 }

export function createRequestLimits(clock: Pick<Clock, 'monotonic'>): RequestLimits {
  const tables = {
    page: new BucketTable(RATES.page),
    token: new BucketTable(RATES.token),
    registration: new BucketTable(RATES.registration),
  }
  return {
    fetches: new BucketTable(FETCHES),
    take(kind, address) {
      const bucket = tables[kind].of(networkOf(address))
      const retryAfterMs = bucket.waitMs(clock.monotonic())
      if (retryAfterMs > 0)
        throw new Fault('rate_limited', 'Too many requests from your network.', {
          hint: `Try again in ${Math.ceil(retryAfterMs / 1000)} s.`,
          retryAfterMs,
        })
      bucket.take(clock.monotonic())
    },
  }
}
