import type { CallLimit } from './call-limits.ts'
import type { Clock } from './clock.ts'
import type { Log } from './log.ts'

/** Every limit that somebody can run into, as the metric `alicia_refused_total` and `docs/guide/limits.md` call it. */
export type Limit =
  | CallLimit
  | 'wrong_tokens'
  | 'sockets'
  | 'sockets_per_address'
  | 'half_open'
  | 'slow_request'
  | 'header_bytes'
  | 'pipelined'
  | 'slow_reader'
  | 'mcp_sessions'
  | 'mcp_sessions_per_caller'
  | 'streams_per_caller'
  | 'subscriptions_per_caller'
  | 'mqtt_logins'
  | 'mqtt_connections_per_address'
  | 'mqtt_unknown_per_address'
  | 'mqtt_unknown_bytes'
  | 'mqtt_connections_per_user'
  | 'mqtt_sessions_per_user'
  | 'mqtt_subscriptions_per_client'
  | 'mqtt_retained_per_user'
  | 'mqtt_inflight_per_client'
  | 'mqtt_messages_per_second'

/** Counts what was refused. Whoever floods the hub must not flood its log and disk as well: no line for each. */
export interface Refusals {
  /** `whose`: a caller's id or an address, for the log. */
  note(limit: Limit, whose?: string): void
}

export interface RefusalsOptions {
  readonly clock: Clock
  readonly log: Log
  readonly count: (limit: Limit) => void
  /** Told with each line of the log. */
  readonly onReached?: (reached: ReachedLimit) => void
}

/** A limit that somebody ran into, so many times since the last word about it. */
export interface ReachedLimit {
  readonly limit: Limit
  readonly times: number
  /** Who did last: a caller's id or an address. */
  readonly latest?: string
}

/** Between two lines about the same limit. */
const QUIET_MS = 60_000

interface Noted {
  /** Since the last line. */
  times: number
  saidAtMs: number
}

export function createRefusals({ clock, log, count, onReached }: RefusalsOptions): Refusals {
  const noted = new Map<Limit, Noted>()
  return {
    note(limit, whose) {
      count(limit)
      const nowMs = clock.monotonic()
      const known = noted.get(limit) ?? { times: 0, saidAtMs: Number.NEGATIVE_INFINITY }
      noted.set(limit, known)
      known.times++
      if (nowMs - known.saidAtMs < QUIET_MS) return
      const reached = { limit, times: known.times, ...(whose !== undefined && { latest: whose }) }
      log.warn('a limit was reached', reached)
      onReached?.(reached)
      known.times = 0
      known.saidAtMs = nowMs
    },
  }
}

/** For tests and tools. */
export const noRefusals: Refusals = { note: () => {} }
