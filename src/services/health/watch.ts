import type { Clock } from '../../kernel/clock.ts'
import type { Events } from '../../kernel/events.ts'
import type { Hub } from '../../kernel/ports.ts'
import type { Status, PartReport } from '../../kernel/status.ts'
import type { Alerts } from './alerts.ts'
import type { HealthHistory } from './history.ts'
import { latencies } from './latency.ts'

export interface WatchOptions {
  readonly hub: Pick<Hub, 'parts' | 'control' | 'gateway' | 'performance'>
  readonly events: Events
  readonly clock: Clock
  readonly history: Pick<HealthHistory, 'record'>
  readonly alerts: Pick<Alerts, 'follow' | 'keepOnly'>
}

const LOOK_MS = 2000
/** A restart is over by then. */
const ALERT_AFTER_MS = 30_000
const LATENCY_MS = 60_000
/** By then servers and services of other processes are known: what is not there is no more. */
const ALL_THERE_MS = 60_000

/** Reasons that are kept in mind, so that what comes up, goes and comes up again is written down once. */
const MOST_REASONS = 8

interface Known {
  readonly status: Status
  /** Those written down since it is so. */
  readonly reasons: Set<string>
}

const BY = 'health'
const keyOf = (name: string) => `${BY} ${name}`

/**
 * Writes down every change of status, also of those parts that tell nobody (a broker that went away is noticed by whoever
 * asks), and raises an alert for what stays away. Returns what ends it.
 */
export function watchHealth({ hub, events, clock, history, alerts }: WatchOptions): () => void {
  const known = new Map<string, Known>()
  const beganMs = clock.monotonic()

  const note = (name: string, status: Status, reason = '') => {
    const before = known.get(name)
    const isSame = before?.status === status
    if (isSame && before.reasons.has(reason)) return
    const reasons = isSame && before.reasons.size < MOST_REASONS ? before.reasons : new Set<string>()
    known.set(name, { status, reasons: reasons.add(reason) })
    history.record({ kind: 'status', name, atMs: clock.now(), status, ...(reason !== '' && { reason }) })
  }

  const stopListening = events.on('status.changed', ({ name, status, reason }) => note(name, status, reason))

  const look = () => {
    const parts = hub.parts()
    const resting = stoppedOnPurpose(hub)
    for (const part of parts) {
      const { name, status, reason } = part
      if (!known.has(name)) note(name, status, reason)
      else if (known.get(name)?.status !== status)
        events.emit('status.changed', { name, status, ...(reason !== undefined && { reason }) })
      const isAway = status === 'unavailable' && !resting.has(name)
      // What has only just gone, or was down before the hub was started anew and has not come up, stays as it is.
      if (!isAway || isLong(part, clock.now())) alerts.follow(alertFor(part), isAway)
    }
    const names = new Set(parts.map(({ name }) => name))
    for (const name of known.keys()) if (!names.has(name)) known.delete(name)
    if (clock.monotonic() - beganMs >= ALL_THERE_MS) alerts.keepOnly(BY, new Set([...names].map(keyOf)))
    cancelLook = clock.after(LOOK_MS, look)
  }

  const measure = () => {
    for (const [name, latencyMs] of latencies(hub.performance, LATENCY_MS))
      if (known.has(name)) history.record({ kind: 'latency', name, atMs: clock.now(), latencyMs })
    cancelMeasure = clock.after(LATENCY_MS, measure)
  }

  let cancelLook = () => {}
  let cancelMeasure = clock.after(LATENCY_MS, measure)
  look()
  return () => {
    stopListening()
    cancelLook()
    cancelMeasure()
  }
}

const isLong = ({ sinceMs }: PartReport, nowMs: number) => nowMs - sinceMs > ALERT_AFTER_MS

const alertFor = ({ name, sinceMs, reason }: PartReport) => ({
  key: keyOf(name),
  about: name,
  severity: 'critical' as const,
  message: `${name} is unavailable since ${new Date(sinceMs).toISOString()}: ${reason ?? 'no reason known'}`,
  by: BY,
})

/** Whoever stopped something knows that it is down. */
function stoppedOnPurpose({ control, gateway }: Pick<Hub, 'control' | 'gateway'>): ReadonlySet<string> {
  const parts = control.states().filter(({ state }) => state === 'stopped')
  const servers = (gateway()?.servers() ?? []).filter(({ state }) => state === 'stopped')
  return new Set([...parts.map(({ name }) => name), ...servers.map(({ id }) => id)])
}
