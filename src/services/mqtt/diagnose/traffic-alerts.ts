import { z } from 'zod'
import type { Latency } from './latency.ts'
import type { TrafficReport } from './traffic.ts'

export const Alert = z.object({
  alert: z.string(),
  level: z.enum(['critical', 'warning', 'info']),
  filter: z.string().optional(),
  says: z.string().describe('With the limit that was passed.'),
})

export type Alert = z.output<typeof Alert>

/** Where each alert begins. */
const LIMITS = {
  perSecond: 1000,
  latencyMs: 1000,
  loopBackMs: 500,
  sizeBytes: 131_072,
  /** Part of the median rate, over the whole time. */
  change: 0.5,
  silenceMs: 10_000,
  /** Times the longest of 99 in 100 intervals. */
  silenceIntervals: 5,
  /** Fewer say nothing of how often something comes. */
  silenceMessages: 10,
}

interface Rule {
  readonly alert: string
  readonly level: Alert['level']
  /** What is wrong, or undefined. */
  says(report: TrafficReport): string | undefined
}

const percent = (part: number) => `${Math.round(Math.abs(part) * 100)} %`
const seconds = (ms: number) => `${Math.round(ms / 100) / 10} s`

const RULES: readonly Rule[] = [
  {
    alert: 'silent',
    level: 'warning',
    says: ({ facts, elapsedMs }) =>
      facts.messages === 0 ? `Nothing was published within ${seconds(elapsedMs)}.` : undefined,
  },
  {
    alert: 'stopped',
    level: 'critical',
    says({ facts: { interval_ms: interval, messages }, silentMs }) {
      if (!interval || silentMs === undefined || messages < LIMITS.silenceMessages) return undefined
      const limitMs = Math.max(LIMITS.silenceMs, interval.p99 * LIMITS.silenceIntervals)
      if (silentMs <= limitMs) return undefined
      return `Silent for ${seconds(silentMs)}; of its intervals 99 in 100 were below ${seconds(interval.p99)} (limit ${seconds(limitMs)}).`
    },
  },
  {
    alert: 'rate',
    level: 'warning',
    says: ({ facts }) =>
      facts.per_s > LIMITS.perSecond ? `${facts.per_s} messages/s (limit ${LIMITS.perSecond}).` : undefined,
  },
  {
    alert: 'trend',
    level: 'warning',
    says({ rate: { trend, change } }) {
      if (trend.is !== 'rising' && trend.is !== 'falling') return undefined
      if (Math.abs(change) < LIMITS.change) return undefined
      const p = trend.pValue.toPrecision(1)
      return `The rate is ${trend.is}, by ${percent(change)} over the whole time (limit ${percent(LIMITS.change)}; p = ${p}).`
    },
  },
  {
    alert: 'burst',
    level: 'info',
    says({ bursts }) {
      if (!bursts) return undefined
      const { count, peakPerSecond, atSecond, usualPerSecond } = bursts
      return `${count} burst${count === 1 ? '' : 's'}, up to ${peakPerSecond}/s after ${atSecond} s; usual are ${usualPerSecond}/s.`
    },
  },
  {
    alert: 'latency',
    level: 'warning',
    says({ facts: { latency } }) {
      if (!latency || latency.p99_ms <= LIMITS.latencyMs) return undefined
      return `1 in 100 messages is ${seconds(latency.p99_ms)} old on arrival, by ${latency.from} (limit ${seconds(LIMITS.latencyMs)}).`
    },
  },
  {
    alert: 'size',
    level: 'info',
    says({ facts: { size_bytes: size } }) {
      if (!size || size.p99 <= LIMITS.sizeBytes) return undefined
      return `1 in 100 payloads has ${size.p99} bytes or more (limit ${LIMITS.sizeBytes}).`
    },
  },
]

/** What is worth a person's attention in the traffic of one filter. */
export function trafficAlerts(report: TrafficReport, filter?: string): Alert[] {
  return RULES.flatMap(({ alert, level, says }) => {
    const text = says(report)
    return text === undefined ? [] : [{ alert, level, ...(filter !== undefined && { filter }), says: text }]
  })
}

/** What is worth attention in the broker itself: what it dropped meanwhile, and how probes came back. */
export function brokerAlerts(dropped: number | null, loopBack: Latency | undefined): Alert[] {
  const alerts: Alert[] = []
  if (dropped !== null && dropped > 0)
    alerts.push({
      alert: 'dropped',
      level: 'critical',
      says: `The broker dropped ${dropped} messages meanwhile: a subscriber is too slow, or its queue too short (limit 0).`,
    })
  if (loopBack?.lost !== undefined)
    alerts.push({ alert: 'lost', level: 'critical', says: `${loopBack.lost} probes did not come back (limit 0).` })
  if (loopBack && loopBack.p90_ms > LIMITS.loopBackMs)
    alerts.push({
      alert: 'slow_broker',
      level: 'warning',
      says: `1 in 10 probes takes ${seconds(loopBack.p90_ms)} through the broker (limit ${seconds(LIMITS.loopBackMs)}).`,
    })
  return alerts
}
