import type { Clock } from '../clock.ts'
import { FailureWindow } from './failure-window.ts'

export interface BreakerOptions {
  /** It opens when so many calls in a row failed. */
  readonly failuresInRow: number
  /** It opens when this share (0 to 1) of the calls of the last `windowMs` failed, of at least `leastCalls`. */
  readonly failureRate: number
  readonly windowMs: number
  readonly leastCalls: number
  /** How long it stays open the first time; doubles each time it opens again soon, up to `mostOpenMs`. */
  readonly firstOpenMs: number
  readonly mostOpenMs: number
  /** Trial calls at once while half-open, and how many must succeed. */
  readonly trials: number
}

export const DEFAULT_BREAKER: BreakerOptions = {
  failuresInRow: 5,
  failureRate: 0.5,
  windowMs: 30_000,
  leastCalls: 20,
  firstOpenMs: 1000,
  mostOpenMs: 60_000,
  trials: 2,
}

export type BreakerState =
  | { readonly is: 'closed' }
  /** `untilMs` on the monotonic clock, `sinceMs` on the wall's. */
  | { readonly is: 'open'; readonly sinceMs: number; readonly untilMs: number; readonly reason: string }
  | { readonly is: 'half_open'; readonly sinceMs: number; readonly reason: string; running: number; succeeded: number }

/** A call's leave to run; it goes back with the call's end. `REFUSED`: none. */
export type Ticket = number
export const REFUSED: Ticket = 0

/**
 * Stops calls to something that keeps failing, and lets a few through after a while to see whether it is well again.
 * What counts as a failure is the caller's to say. Nothing runs by itself: it looks at the clock when it is asked.
 */
export class Breaker {
  readonly #options: BreakerOptions
  readonly #clock: Clock
  readonly #window: FailureWindow
  #state: BreakerState = { is: 'closed' }
  /** Goes up with every change of state: a call's end counts only in the state that it began in. */
  #era: Ticket = 1
  #inRow = 0
  #openMs: number
  #closedAtMs = Number.NEGATIVE_INFINITY

  constructor(clock: Clock, options: BreakerOptions = DEFAULT_BREAKER) {
    this.#clock = clock
    this.#options = options
    this.#window = new FailureWindow(options.windowMs)
    this.#openMs = options.firstOpenMs
  }

  get state(): BreakerState {
    return this.#state
  }

  /** Whether `begin` would let a call through now. */
  admits(): boolean {
    const state = this.#state
    if (state.is === 'closed') return true
    if (state.is === 'open') return this.#clock.monotonic() >= state.untilMs
    return state.running < this.#options.trials
  }

  /** Asks for leave to call. Every ticket but `REFUSED` goes back, by `succeeded`, `failed` or `dropped`. */
  begin(): Ticket {
    if (this.#state.is === 'closed') return this.#era
    if (!this.admits()) return REFUSED
    if (this.#state.is === 'open') {
      const { sinceMs, reason } = this.#state
      this.#enter({ is: 'half_open', sinceMs, reason, running: 0, succeeded: 0 })
    }
    if (this.#state.is === 'half_open') this.#state.running++
    return this.#era
  }

  /** `nowMs` of the monotonic clock, which the caller has read already. */
  succeeded(ticket: Ticket, nowMs: number): void {
    if (ticket !== this.#era) return
    this.#inRow = 0
    if (this.#state.is === 'closed') return this.#window.add(nowMs, false)
    if (this.#state.is !== 'half_open') return
    this.#state.running--
    if (++this.#state.succeeded < this.#options.trials) return
    this.#closedAtMs = nowMs
    this.#enter({ is: 'closed' })
  }

  /** `why` is a short text for people. */
  failed(ticket: Ticket, nowMs: number, why: string): void {
    if (ticket !== this.#era) return
    if (this.#state.is === 'half_open') return this.#open(nowMs, `a trial call failed with ${quote(why)}`)
    this.#window.add(nowMs, true)
    const inRow = ++this.#inRow
    const last = () => `the last at ${new Date(this.#clock.now()).toISOString()} with ${quote(why)}`
    if (inRow >= this.#options.failuresInRow) return this.#open(nowMs, `${inRow} calls in a row failed, ${last()}`)
    const { calls, failures } = this.#window.count(nowMs)
    if (calls >= this.#options.leastCalls && failures >= calls * this.#options.failureRate)
      this.#open(nowMs, `${failures} of ${calls} calls failed, ${last()}`)
  }

  /** The call ended in a way that says nothing: it was withdrawn, or never sent. */
  dropped(ticket: Ticket): void {
    if (ticket === this.#era && this.#state.is === 'half_open') this.#state.running--
  }

  /** What it guards is new: a fresh connection, a fresh process. */
  reset(): void {
    this.#openMs = this.#options.firstOpenMs
    this.#enter({ is: 'closed' })
  }

  /** Milliseconds until it lets a call through; 0 when it does now. */
  waitMs(): number {
    return this.#state.is === 'open' ? Math.max(0, this.#state.untilMs - this.#clock.monotonic()) : 0
  }

  #open(nowMs: number, reason: string): void {
    const { firstOpenMs, mostOpenMs } = this.#options
    const wasHalfOpen = this.#state.is === 'half_open'
    // Back so soon: being closed was a mistake, and the next try may wait longer.
    const soon = wasHalfOpen || nowMs - this.#closedAtMs < mostOpenMs
    this.#openMs = soon ? Math.min(this.#openMs * 2, mostOpenMs) : firstOpenMs
    this.#enter({ is: 'open', sinceMs: this.#clock.now(), untilMs: nowMs + this.#openMs, reason })
  }

  #enter(state: BreakerState): void {
    this.#state = state
    this.#era++
    this.#inRow = 0
    if (state.is === 'closed') this.#window.clear()
  }
}

/** Long enough to recognise an error, short enough for a sentence. */
const quote = (text: string) => JSON.stringify(text.length > 120 ? `${text.slice(0, 119)}…` : text)
