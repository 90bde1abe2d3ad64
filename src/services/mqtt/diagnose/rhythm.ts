import { robustLocation } from './robust.ts'

/** How something repeats, learned from when it happened. Milliseconds of a clock that never goes back. */
export type Beat =
  | { readonly is: 'unknown'; readonly intervals: number }
  /** Its intervals differ too much to expect anything: events, not a rhythm. */
  | { readonly is: 'irregular'; readonly intervals: number; readonly medianMs: number }
  | {
      readonly is: 'regular'
      readonly intervals: number
      readonly medianMs: number
      /** A longer interval is a gap. */
      readonly limitMs: number
      readonly gaps: number
      readonly longestMs: number
      /** How long it has been silent, where that is already a gap. */
      readonly silentMs?: number
    }

export interface Rhythm {
  happened(atMs: number): void
  beat(nowMs: number): Beat
}

/** The intervals that are remembered: the latest of them. */
const REMEMBERED = 128
/** Before so many intervals are known nothing is expected. */
const LEAST_INTERVALS = 5
/** A rhythm is regular when its spread is at most this part of its median. */
const REGULAR = 0.5
/** A gap lasts as long as so many usual intervals at least, and is beyond so many spreads. */
const GAP_INTERVALS = 2.5
const GAP_SPREADS = 6
/** What follows so closely belongs to the same moment: several messages of one report. */
const SAME_MOMENT_MS = 50

export function createRhythm(): Rhythm {
  const intervals: number[] = []
  let lastMs: number | undefined
  let longestMs = 0
  return {
    happened(atMs) {
      if (lastMs === undefined) lastMs = atMs
      const interval = atMs - lastMs
      if (!(interval > SAME_MOMENT_MS)) return
      lastMs = atMs
      longestMs = Math.max(longestMs, interval)
      intervals.push(interval)
      if (intervals.length > REMEMBERED) intervals.shift()
    },
    beat(nowMs) {
      const usual = robustLocation(intervals)
      if (!usual || lastMs === undefined || intervals.length < LEAST_INTERVALS)
        return { is: 'unknown', intervals: intervals.length }
      const { median: medianMs, spread } = usual
      if (spread > medianMs * REGULAR) return { is: 'irregular', intervals: intervals.length, medianMs }
      const limitMs = Math.max(medianMs * GAP_INTERVALS, medianMs + spread * GAP_SPREADS)
      const silentMs = nowMs - lastMs
      const isSilent = silentMs > limitMs
      const gaps = intervals.filter((interval) => interval > limitMs).length + (isSilent ? 1 : 0)
      return {
        is: 'regular',
        intervals: intervals.length,
        medianMs,
        limitMs,
        gaps,
        longestMs: Math.max(longestMs, isSilent ? silentMs : 0),
        ...(isSilent && { silentMs }),
      }
    },
  }
}
