export interface OutlierOptions {
  /** How often the siblings are compared. */
  readonly intervalMs: number
  /** Calls within an interval below which nothing is concluded. */
  readonly leastCalls: number
  /** It is out when its share of failures (0 to 1) is so much above its siblings'. */
  readonly failureRateAbove: number
  /** Or when it takes so many times as long, and at least `slowerByMs` longer. */
  readonly timesSlower: number
  readonly slowerByMs: number
  /** First ejection; grows by as much each time, up to `mostEjectedMs`. */
  readonly ejectedMs: number
  readonly mostEjectedMs: number
}

export const DEFAULT_OUTLIER: OutlierOptions = {
  intervalMs: 10_000,
  leastCalls: 10,
  failureRateAbove: 0.3,
  timesSlower: 4,
  slowerByMs: 100,
  ejectedMs: 30_000,
  mostEjectedMs: 300_000,
}

/** `times` goes up with each ejection and down with each interval spent well. `untilMs` is of the monotonic clock. */
export type Ejection =
  | { readonly is: 'in'; readonly times: number }
  | { readonly is: 'ejected'; readonly times: number; readonly untilMs: number; readonly reason: string }

/** What one of several siblings did since they were last compared. */
export interface Watched {
  ejection: Ejection
  calls: number
  failures: number
  /** Together, of the calls that succeeded. */
  answeredMs: number
}

/** Compares siblings with each other at intervals. It has no timer: `look` does nothing until an interval is over. */
export class OutlierWatch {
  readonly #options: OutlierOptions
  #nextMs: number

  constructor(nowMs: number, options: OutlierOptions = DEFAULT_OUTLIER) {
    this.#options = options
    this.#nextMs = nowMs + options.intervalMs
  }

  /** Ejects who is far worse than the rest, never more than half of them; lets in whose time is over. */
  look(nowMs: number, siblings: readonly Watched[]): void {
    for (const sibling of siblings) {
      const { ejection } = sibling
      if (ejection.is === 'ejected' && nowMs >= ejection.untilMs) sibling.ejection = { is: 'in', times: ejection.times }
    }
    if (nowMs < this.#nextMs) return
    this.#nextMs = nowMs + this.#options.intervalMs
    let ejectable = Math.floor(siblings.length / 2) - siblings.filter(isEjected).length
    const reasons = siblings.map((sibling) => this.#why(sibling, siblings))
    for (const [at, sibling] of siblings.entries()) {
      const reason = reasons[at]
      if (reason !== undefined && ejectable-- > 0) this.#eject(sibling, nowMs, reason)
      else if (reason === undefined) this.#forgive(sibling)
    }
    for (const sibling of siblings) Object.assign(sibling, { calls: 0, failures: 0, answeredMs: 0 })
  }

  /** Why it stands out, in words; undefined: it does not. */
  #why(one: Watched, siblings: readonly Watched[]): string | undefined {
    const { leastCalls, failureRateAbove, timesSlower, slowerByMs } = this.#options
    if (one.ejection.is === 'ejected' || one.calls < leastCalls) return undefined
    const others = siblings.filter((other) => other !== one && other.calls >= leastCalls && !isEjected(other))
    if (others.length === 0) return undefined
    const rate = failureRate(one)
    const usualRate = median(others.map(failureRate))
    if (rate - usualRate >= failureRateAbove)
      return `${percent(rate)} of its calls failed, ${percent(usualRate)} of its siblings'`
    const ms = meanMs(one)
    const usualMs = median(others.map(meanMs))
    if (ms >= usualMs * timesSlower && ms - usualMs >= slowerByMs)
      return `it takes ${Math.round(ms)} ms, its siblings ${Math.round(usualMs)} ms`
    return undefined
  }

  #eject(sibling: Watched, nowMs: number, reason: string): void {
    const times = sibling.ejection.times + 1
    const lengthMs = Math.min(times * this.#options.ejectedMs, this.#options.mostEjectedMs)
    sibling.ejection = { is: 'ejected', times, untilMs: nowMs + lengthMs, reason }
  }

  #forgive(sibling: Watched): void {
    const { is, times } = sibling.ejection
    if (is === 'in' && times > 0 && sibling.calls >= this.#options.leastCalls)
      sibling.ejection = { is: 'in', times: times - 1 }
  }
}

const isEjected = ({ ejection }: Watched) => ejection.is === 'ejected'

const failureRate = ({ calls, failures }: Watched) => failures / calls

const meanMs = ({ calls, failures, answeredMs }: Watched) => (calls > failures ? answeredMs / (calls - failures) : 0)

const percent = (share: number) => `${Math.round(share * 100)} %`

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? 0
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? upper)) / 2
}
