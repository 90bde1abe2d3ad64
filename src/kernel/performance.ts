import type { Caller } from './caller.ts'
import type { Clock } from './clock.ts'
import type { Histogram } from './histogram.ts'
import { SliceRing } from './slice-ring.ts'

/** What calls of one operation were like within a window. */
export interface OperationPerformance {
  readonly operation: string
  readonly provider: string
  /** How long they took, and how many there were (`count`). */
  readonly times: Histogram
  readonly errors: number
}

/** How often somebody used an operation since it was last asked. */
export interface UsageCount {
  readonly callerId: string
  readonly caller: string
  readonly operation: string
  readonly provider: string
  calls: number
  errors: number
  totalMs: number
}

/** What the hub remembers of its calls in memory. */
export interface Performance {
  /**
   * Operations called within the window, in milliseconds (an hour at most). `coveredMs`: how much of it there is, since the
   * hub may be younger and the window ends with the slice that is being filled.
   */
  within(windowMs: number): { readonly coveredMs: number; readonly operations: readonly OperationPerformance[] }
  /** What was counted since it was asked last: whoever asks keeps it. */
  takeUsage(): readonly UsageCount[]
}

/** Operations with figures of their own; those beyond share one. With all of them busy for an hour: 12 MB. */
const MOST_SERIES = 512
/** Callers counted apart, of one operation between two times that somebody asks. */
const MOST_CALLERS = 256
const RECENT = { sliceMs: 30_000, slices: 10 }
const HOUR = { sliceMs: 300_000, slices: 12 }

/** Where a window is as long as what the recent slices hold, they say more. */
const ringFor = (windowMs: number): 'recent' | 'hour' =>
  windowMs <= RECENT.sliceMs * RECENT.slices ? 'recent' : 'hour'

/** The figures of one operation; the one door adds each call. */
export class CallSeries {
  readonly operation: string
  readonly provider: string
  readonly recent = new SliceRing(RECENT)
  readonly hour = new SliceRing(HOUR)
  usage = new Map<string, UsageCount>()

  constructor(operation: string, provider: string) {
    this.operation = operation
    this.provider = provider
  }

  add(caller: Caller, failed: boolean, durationMs: number, nowMs: number): void {
    this.recent.add(nowMs, durationMs, failed)
    this.hour.add(nowMs, durationMs, failed)
    const known = this.usage.get(caller.id) ?? this.#newUser(caller)
    known.calls++
    known.totalMs += durationMs
    if (failed) known.errors++
  }

  #newUser({ id, name }: Caller): UsageCount {
    const isOne = this.usage.size < MOST_CALLERS
    const [callerId, caller] = isOne ? [id, name] : [OTHERS, OTHERS]
    const { operation, provider } = this
    const made = this.usage.get(callerId) ?? { callerId, caller, operation, provider, calls: 0, errors: 0, totalMs: 0 }
    this.usage.set(callerId, made)
    return made
  }
}

const OTHERS = 'others'

export interface CallFigures extends Performance {
  /** Where calls of that operation are added. */
  series(operation: string, provider: string): CallSeries
}

export function createCallFigures(clock: Clock): CallFigures {
  const all = new Map<string, CallSeries>()
  const startedMs = clock.monotonic()
  return {
    series(operation, provider) {
      const known = all.get(operation)
      if (known) return known
      const [name, of] = all.size < MOST_SERIES ? [operation, provider] : [OTHERS, OTHERS]
      const made = all.get(name) ?? new CallSeries(name, of)
      all.set(name, made)
      return made
    },
    within(windowMs) {
      const nowMs = clock.monotonic()
      const ring = ringFor(windowMs)
      const { sliceMs } = ring === 'recent' ? RECENT : HOUR
      const slices = Math.ceil(windowMs / sliceMs)
      const operations = [...all.values()].flatMap((series) => {
        const found = series[ring].latest(nowMs, slices)
        return found.times.count === 0 ? [] : [{ operation: series.operation, provider: series.provider, ...found }]
      })
      const coveredMs = Math.min(nowMs - startedMs, (slices - 1) * sliceMs + (nowMs % sliceMs))
      return { coveredMs, operations }
    },
    takeUsage() {
      const taken: UsageCount[] = []
      for (const series of all.values()) {
        if (series.usage.size === 0) continue
        taken.push(...series.usage.values())
        series.usage = new Map()
      }
      return taken
    },
  }
}
