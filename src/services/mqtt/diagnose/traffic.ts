import type { IPublishPacket } from 'mqtt'
import { z } from 'zod'
import type { Clock } from '../../../kernel/clock.ts'
import { payloadOf } from '../message.ts'
import { rounded } from './check.ts'
import { createPayloadLatency, Latency } from './latency.ts'
import { createQuantileSketch } from './quantile-sketch.ts'
import { createRateSlots, type Bursts, type RateTrend } from './rate-slots.ts'

/** What came through one filter. Retained messages are counted and no more: when they were published is not known. */
export interface Traffic {
  accept(packet: IPublishPacket): void
  /** Time runs from here; what came before counts as its beginning. */
  begin(): void
  /** Live messages so far. */
  messages(): number
  report(): TrafficReport
}

export interface TrafficReport {
  readonly facts: z.output<typeof TrafficFacts>
  readonly rate: RateTrend
  readonly bursts: Bursts | undefined
  /** Since the last live message; undefined when there was none. Milliseconds. */
  readonly silentMs: number | undefined
  readonly elapsedMs: number
}

const Quantiles = z.object({ p50: z.number(), p90: z.number(), p99: z.number(), max: z.number() })

export const TrafficFacts = z.object({
  messages: z.number().describe('Live ones.'),
  retained: z.number(),
  topics: z.number().describe('Different ones; counted up to 10000 or 4 million characters.'),
  per_s: z.number(),
  bytes_per_s: z.number().describe('Of payloads.'),
  size_bytes: Quantiles.optional(),
  interval_ms: Quantiles.optional().describe('Between one message and the next.'),
  latency: Latency.optional(),
  trend: z
    .object({
      is: z.enum(['rising', 'falling', 'steady', 'unknown']),
      change: z.string().optional().describe('Of the rate over the whole time (Theil–Sen).'),
      p: z.number().optional().describe('Mann–Kendall: how often chance alone looks like this.'),
      samples: z.number().describe('At least 8 say something.'),
    })
    .describe('Of the rate.'),
  bursts: z
    .object({ count: z.number(), peak_per_s: z.number(), at_s: z.number(), usual_per_s: z.number() })
    .optional()
    .describe('Seconds with at least 10 messages and 3 times the usual.'),
})

const MOST_TOPICS = 10_000
/** Of the names of those: a topic can have 65,535 bytes. */
const MOST_TOPIC_CHARACTERS = 4_000_000

export function createTraffic(clock: Clock): Traffic {
  const sizes = createQuantileSketch()
  const intervals = createQuantileSketch()
  const latency = createPayloadLatency()
  const slots = createRateSlots()
  const topics = new Set<string>()
  // Wall-clock time as it was at the beginning and by a clock that does not jump from then on.
  const wallOffsetMs = clock.now() - clock.monotonic()
  let beginMs = clock.monotonic()
  let lastMs: number | undefined
  let topicCharacters = 0
  const noteTopic = (topic: string) => {
    if (topics.size >= MOST_TOPICS || topicCharacters > MOST_TOPIC_CHARACTERS || topics.has(topic)) return
    topics.add(topic)
    topicCharacters += topic.length
  }
  let messages = 0
  let retained = 0
  let bytes = 0
  return {
    begin() {
      beginMs = clock.monotonic()
    },
    accept(packet) {
      noteTopic(packet.topic)
      if (packet.retain) {
        retained += 1
        return
      }
      const nowMs = clock.monotonic()
      const payload = payloadOf(packet)
      messages += 1
      bytes += payload.length
      sizes.add(payload.length)
      if (lastMs !== undefined) intervals.add(nowMs - lastMs)
      lastMs = nowMs
      slots.add(nowMs - beginMs)
      latency.look(payload, nowMs + wallOffsetMs)
    },
    messages: () => messages,
    report() {
      const nowMs = clock.monotonic()
      const elapsedMs = nowMs - beginMs
      const perSecond = (count: number) => (elapsedMs > 0 ? rounded((count * 1000) / elapsedMs) : 0)
      const age = latency.result()
      const rate = slots.trend(elapsedMs)
      const bursts = slots.bursts(elapsedMs)
      const facts = {
        messages,
        retained,
        topics: topics.size,
        per_s: perSecond(messages),
        bytes_per_s: Math.round(perSecond(bytes)),
        ...(messages > 0 && { size_bytes: quantilesOf(sizes) }),
        ...(messages > 1 && { interval_ms: quantilesOf(intervals) }),
        ...(age && { latency: age }),
        trend: trendFacts(rate),
        ...(bursts && { bursts: burstFacts(bursts) }),
      }
      return { facts, rate, bursts, silentMs: lastMs === undefined ? undefined : nowMs - lastMs, elapsedMs }
    },
  }
}

/** To three digits: more would claim more than the sketch knows. */
function quantilesOf(sketch: ReturnType<typeof createQuantileSketch>) {
  const at = (q: number) => Number((sketch.quantile(q) ?? 0).toPrecision(3))
  return { p50: at(0.5), p90: at(0.9), p99: at(0.99), max: rounded(sketch.max() ?? 0) }
}

function trendFacts({ trend, change }: RateTrend) {
  if (trend.is === 'unknown') return { is: trend.is, samples: trend.samples }
  const percent = Math.round(change * 100)
  const said = trend.is !== 'steady' && { change: `${percent > 0 ? '+' : ''}${percent} %` }
  return { is: trend.is, ...said, p: Number(trend.pValue.toPrecision(2)), samples: trend.samples }
}

const burstFacts = ({ count, peakPerSecond, atSecond, usualPerSecond }: Bursts) => ({
  count,
  peak_per_s: peakPerSecond,
  at_s: atSecond,
  usual_per_s: usualPerSecond,
})
