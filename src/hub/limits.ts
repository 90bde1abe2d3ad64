import type { Config } from '../config.ts'
import { CallerQuota } from '../kernel/caller-quota.ts'
import type { Refusals } from '../kernel/refusals.ts'

/** How long running calls may go on when the hub stops, and each part may take to start and to stop, milliseconds. */
export const CALLS_GRACE_MS = 5000
export const START_TIMEOUT_MS = 30_000
export const STOP_TIMEOUT_MS = 1500

/** Streams and subscriptions that one caller may hold, whatever they come by. */
export function callerQuotas({ limits }: Pick<Config, 'limits'>, refusals: Refusals) {
  const quota = (limit: 'streams_per_caller' | 'subscriptions_per_caller', what: string) =>
    new CallerQuota({ limit, most: limits.streamsPerCaller, what, setting: 'limits.streamsPerCaller', refusals })
  return {
    streams: quota('streams_per_caller', 'streams'),
    subscriptions: quota('subscriptions_per_caller', 'subscriptions'),
  }
}
