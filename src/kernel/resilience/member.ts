import type { Clock } from '../clock.ts'
import { Fault } from '../fault.ts'
import type { StatusReport } from '../status.ts'
import type { Candidate } from './balance.ts'
import { notSent, verdictOf } from './blame.ts'
import { Breaker, REFUSED, type BreakerOptions, type Ticket } from './breaker.ts'
import { Bulkhead, type BulkheadLimits, type Share } from './bulkhead.ts'
import type { Ejection, Watched } from './outlier.ts'

/** One of several equals that can be asked: a replica of a server, an instance of a service. */
export interface Member<C> {
  /** Unique in its group, for people: `files`, `files#2`. */
  readonly id: string
  /** Share of calls with `weighted`, from 1. */
  readonly weight: number
  /** What to ask now, or undefined while it is down. Another value than before counts as a new one: its breaker closes. */
  current(): C | undefined
  /** Waits for it, starting it where that is how it works. Nothing of a call was sent when it rejects. */
  obtain(signal: AbortSignal): Promise<C>
  report(): StatusReport
}

/** How new a measurement counts in the average of times. */
const NEWEST = 0.2

const NOT_SENT = -1

/** A member with what keeps its calls in bounds. */
export class GroupMember<C> implements Candidate, Watched {
  readonly member: Member<C>
  readonly breaker: Breaker
  readonly bulkhead: Bulkhead
  readonly #clock: Clock
  weight: number
  isOpen = false
  credit = 0
  expectedMs = 0
  ejection: Ejection = { is: 'in', times: 0 }
  calls = 0
  failures = 0
  answeredMs = 0
  /** Average, for people; 0: never answered. */
  latencyMs = 0
  totalCalls = 0
  totalFailures = 0
  #known: C | undefined

  constructor(member: Member<C>, clock: Clock, options: { breaker: BreakerOptions; limits: BulkheadLimits }) {
    this.member = member
    this.weight = member.weight
    this.breaker = new Breaker(clock, options.breaker)
    this.bulkhead = new Bulkhead(member.id, options.limits)
    this.#clock = clock
  }

  get running(): number {
    return this.bulkhead.running
  }

  /** What `Member.current` says. When it is another one, or gone, what the breaker knows is of no use any more. */
  current(): C | undefined {
    const value = this.member.current()
    if (value !== this.#known) {
      this.#known = value
      this.breaker.reset()
    }
    return value
  }

  /** One call, within its breaker and its caller's share of the bulkhead. A fault of a call that was not sent is marked so. */
  call<T>(send: (member: C, signal: AbortSignal) => Promise<T>, signal: AbortSignal, caller?: string): Promise<T> {
    const value = this.current()
    const share = this.bulkhead.shareOf(caller)
    if (value === undefined || !this.bulkhead.hasRoomFor(share)) return this.#callLater(send, signal, share)
    const ticket = this.breaker.begin()
    if (ticket === REFUSED) return Promise.reject(this.refusal())
    // There is room, so nobody waits.
    void this.bulkhead.enter(signal, share)
    const startMs = this.#clock.monotonic()
    const answer = started(send, value, signal)
    answer.then(
      () => {
        this.#answered(ticket, startMs, this.#clock.monotonic())
        this.bulkhead.leave(share)
      },
      (error: unknown) => {
        this.#failed(ticket, startMs, error)
        this.bulkhead.leave(share)
      },
    )
    return answer
  }

  /** The same where the call has to wait: for a place, or until the member is up. */
  async #callLater<T>(
    send: (member: C, signal: AbortSignal) => Promise<T>,
    signal: AbortSignal,
    share: Share,
  ): Promise<T> {
    let value = this.current()
    const ticket = this.breaker.begin()
    if (ticket === REFUSED) throw this.refusal()
    let startMs = NOT_SENT
    try {
      const place = this.bulkhead.enter(signal, share)
      if (place !== undefined) {
        await place
        value = this.current()
      }
    } catch (error) {
      this.breaker.dropped(ticket)
      throw error
    }
    try {
      value ??= await this.#obtain(signal)
      startMs = this.#clock.monotonic()
      const result = await send(value, signal)
      this.#answered(ticket, startMs, this.#clock.monotonic())
      return result
    } catch (error) {
      if (startMs === NOT_SENT) this.breaker.dropped(ticket)
      else this.#failed(ticket, startMs, error)
      throw error
    } finally {
      this.bulkhead.leave(share)
    }
  }

  /** Why its breaker lets no call through. */
  refusal(): Fault {
    const { state } = this.breaker
    const why = state.is === 'closed' ? 'it is tried again now' : state.reason
    return notSent(
      new Fault('unavailable', `${this.member.id} is not asked for now: ${why}.`, {
        hint: 'It is tried again by itself.',
        retryAfterMs: Math.max(1, Math.ceil(this.breaker.waitMs())),
        details: { provider: this.member.id, ...(state.is !== 'closed' && { since: iso(state.sinceMs) }) },
      }),
    )
  }

  async #obtain(signal: AbortSignal): Promise<C> {
    try {
      return await this.member.obtain(signal)
    } catch (error) {
      throw error instanceof Fault ? notSent(error) : error
    }
  }

  #answered(ticket: Ticket, startMs: number, nowMs: number): void {
    const ms = nowMs - startMs
    this.breaker.succeeded(ticket, nowMs)
    this.calls++
    this.totalCalls++
    this.answeredMs += ms
    this.#expect(ms)
    this.latencyMs += (ms - this.latencyMs) * (this.latencyMs === 0 ? 1 : NEWEST)
  }

  #expect(ms: number): void {
    this.expectedMs += (ms - this.expectedMs) * (this.expectedMs === 0 ? 1 : NEWEST)
  }

  #failed(ticket: Ticket, startMs: number, error: unknown): void {
    const nowMs = this.#clock.monotonic()
    const verdict = verdictOf(error, nowMs - startMs)
    if (verdict === 'answer') return this.#answered(ticket, startMs, nowMs)
    if (verdict === 'nothing') {
      // It takes at least so long: a slow one that is overtaken each time would else seem new, and be preferred.
      if (nowMs - startMs > this.expectedMs) this.#expect(nowMs - startMs)
      return this.breaker.dropped(ticket)
    }
    this.calls++
    this.failures++
    this.totalCalls++
    this.totalFailures++
    this.breaker.failed(ticket, nowMs, error instanceof Error ? error.message : String(error))
  }
}

/** What throws at once rejects as well: its place and its ticket would never go back. */
function started<C, T>(
  send: (member: C, signal: AbortSignal) => Promise<T>,
  value: C,
  signal: AbortSignal,
): Promise<T> {
  try {
    return send(value, signal)
  } catch (error) {
    return Promise.reject(error)
  }
}

const iso = (ms: number) => new Date(ms).toISOString()
