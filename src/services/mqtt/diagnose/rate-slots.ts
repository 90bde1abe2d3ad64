import { robustLocation } from './robust.ts'
import { trendOf, type Trend } from './trend.ts'

/** How many came in each second, for as long as an hour. */
export interface RateSlots {
  /** Milliseconds since the beginning; a time before it counts as the beginning. */
  add(elapsedMs: number): void
  /** Of the whole seconds up to then. */
  trend(elapsedMs: number): RateTrend
  bursts(elapsedMs: number): Bursts | undefined
}

/** The trend, and by how much the rate changed over the whole time, as a part of its median. */
export interface RateTrend {
  readonly trend: Trend
  readonly change: number
  /** How long one of the samples lasts, seconds. */
  readonly sampleSeconds: number
}

/** Seconds with far more than usual; those that touch are one burst. */
export interface Bursts {
  readonly count: number
  readonly peakPerSecond: number
  /** Of the highest one, seconds since the beginning. */
  readonly atSecond: number
  readonly usualPerSecond: number
}

const LONGEST_SECONDS = 3600
/** As many samples as a trend is worth: their pairs are compared. */
const SAMPLES = 30
/** A burst is this many messages at least, and this many times the usual. */
const BURST_MESSAGES = 10
const BURST_TIMES = 3
const BURST_SPREADS = 6

export function createRateSlots(): RateSlots {
  const slots = new Uint32Array(LONGEST_SECONDS)
  const whole = (elapsedMs: number) => slots.subarray(0, Math.min(Math.floor(elapsedMs / 1000), LONGEST_SECONDS))
  return {
    add(elapsedMs) {
      const second = Math.min(Math.max(Math.floor(elapsedMs / 1000), 0), LONGEST_SECONDS - 1)
      slots[second] = (slots[second] ?? 0) + 1
    },
    trend(elapsedMs) {
      const seconds = whole(elapsedMs)
      const sampleSeconds = Math.max(1, Math.ceil(seconds.length / SAMPLES))
      const samples = Array.from({ length: Math.floor(seconds.length / sampleSeconds) }, (_, at) =>
        seconds.subarray(at * sampleSeconds, (at + 1) * sampleSeconds).reduce((sum, count) => sum + count, 0),
      )
      const trend = trendOf(samples)
      const usual = robustLocation(samples)?.median ?? 0
      const change = trend.is === 'unknown' ? 0 : (trend.slope * (samples.length - 1)) / Math.max(usual, 1)
      return { trend, change, sampleSeconds }
    },
    bursts: (elapsedMs) => burstsIn(whole(elapsedMs)),
  }
}

function burstsIn(seconds: Uint32Array): Bursts | undefined {
  const usual = robustLocation([...seconds])
  if (!usual) return undefined
  const { median, spread } = usual
  const limit = Math.max(BURST_MESSAGES, median * BURST_TIMES, median + spread * BURST_SPREADS)
  let count = 0
  let peak = { perSecond: 0, at: 0 }
  for (const [at, perSecond] of seconds.entries()) {
    if (perSecond < limit) continue
    if ((seconds[at - 1] ?? 0) < limit) count += 1
    if (perSecond > peak.perSecond) peak = { perSecond, at }
  }
  if (count === 0) return undefined
  return { count, peakPerSecond: peak.perSecond, atSecond: peak.at, usualPerSecond: median }
}
