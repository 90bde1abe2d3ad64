import type { Quota } from './call-limits.ts'
import type { FaultBody } from './fault.ts'

/**
 * What a caller has left, and of how much (draft-ietf-httpapi-ratelimit-headers-11, 3 and 4). The quota is what may be done at
 * once, the window the time after which all of it is there again.
 */
export function quotaHeaders({ limit, rate, left, nextMs }: Quota): RateLimitHeaders {
  const name = limit === 'caller' ? CALLER : `"${limit}"`
  const restored = nextMs === 0 ? '' : `;t=${seconds(nextMs)}`
  return { 'ratelimit-policy': policyText(name, rate.perMinute, rate.burst), ratelimit: `${name};r=${left}${restored}` }
}

export interface RateLimitHeaders {
  readonly 'ratelimit-policy': string
  readonly ratelimit: string
}

const CALLER = '"caller"'

/** The same answer nearly always: everybody has the same rate. */
let latest = { name: '', perMinute: 0, burst: 0, text: '' }

function policyText(name: string, perMinute: number, burst: number): string {
  if (latest.name === name && latest.perMinute === perMinute && latest.burst === burst) return latest.text
  const windowSeconds = Math.max(1, Math.ceil((burst * 60) / perMinute))
  latest = { name, perMinute, burst, text: `${name};q=${burst};w=${windowSeconds}` }
  return latest.text
}

/**
 * Headers of an answer that says to come back later: when, and which quota is used up, where one is. `body` is that of a fault;
 * of an error that another server sent, which may be anything, there are none.
 */
export function comeBackHeaders(body: unknown): Record<string, string> {
  const { retry_after_ms: retryAfterMs, details } = (body ?? {}) as { [Key in keyof FaultBody]?: unknown }
  if (!isAmount(retryAfterMs)) return {}
  const afterSeconds = seconds(retryAfterMs)
  const { limit, per_minute: perMinute, burst } = (details ?? {}) as { [key: string]: unknown }
  const headers = { 'retry-after': String(afterSeconds) }
  if (typeof limit !== 'string' || !NAME.test(limit) || !isAmount(perMinute) || !isAmount(burst)) return headers
  const name = `"${limit}"`
  return {
    ...headers,
    'ratelimit-policy': policyText(name, perMinute, Math.floor(burst)),
    ratelimit: `${name};r=0;t=${afterSeconds}`,
  }
}

const NAME = /^[a-z_]{1,40}$/

/** An integer of a structured field has at most 15 digits (RFC 9651, 3.3.1). */
const isAmount = (value: unknown): value is number => typeof value === 'number' && value > 0 && value < 1e15

/** Never sooner than it helps (RFC 9110, 10.2.3: whole seconds). */
const seconds = (ms: number) => Math.max(1, Math.ceil(ms / 1000))
