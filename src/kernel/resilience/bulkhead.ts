import { Fault } from '../fault.ts'
import { notSent } from './blame.ts'

export interface BulkheadLimits {
  /** Calls at once, from 1. */
  readonly concurrency: number
  /** Calls that may wait for a place, from 0. */
  readonly queue: number
}

interface Waiting {
  readonly admit: () => void
  readonly refuse: (reason: unknown) => void
}

/** What one caller has of a bulkhead. */
export interface Share {
  /** Empty: of nobody in particular. */
  readonly caller: string
  running: number
  /** When it got its latest place, in the order of all. */
  latest: number
  readonly waiting: Set<Waiting>
}

/** Shares that are kept though nothing of them is used: they are looked for one after the other. */
const MOST_UNUSED = 16
/** From so many places on, nobody gets the last eighth of them alone: whoever comes next need not wait. */
const LEAST_WITH_RESERVE = 8

/**
 * So many calls at once, so many waiting, and no more: one slow server holds nothing else up. Where it is full, each caller has a
 * fair share: the next place goes to whoever runs the fewest, and who waits with the most makes room in the queue.
 */
export class Bulkhead {
  readonly #name: string
  readonly #limits: BulkheadLimits
  readonly #mostOfOne: number
  #shares: Share[] = []
  #running = 0
  #waiting = 0
  #given = 0

  /** `name` is who is asked, for the fault. */
  constructor(name: string, limits: BulkheadLimits) {
    const { concurrency } = limits
    this.#name = name
    this.#limits = limits
    this.#mostOfOne = concurrency < LEAST_WITH_RESERVE ? concurrency : concurrency - Math.floor(concurrency / 8)
  }

  get running(): number {
    return this.#running
  }

  get waiting(): number {
    return this.#waiting
  }

  get hasRoom(): boolean {
    return this.#running < this.#limits.concurrency
  }

  /** Whether this caller gets a place without waiting. */
  hasRoomFor({ caller, running }: Share): boolean {
    return this.hasRoom && (running < this.#mostOfOne || caller === '')
  }

  /** What that caller has here. Take it anew for each call. */
  shareOf(caller = ''): Share {
    for (const share of this.#shares) if (share.caller === caller) return share
    if (this.#shares.length >= MOST_UNUSED) this.#shares = this.#shares.filter(isUsed)
    const share: Share = { caller, running: 0, latest: -1, waiting: new Set() }
    this.#shares.push(share)
    return share
  }

  /**
   * Takes a place: at once (undefined), or when the promise resolves. Whoever got one calls `leave` once. Throws Fault
   * `unavailable` when as many wait as may, or rejects with it when somebody who waits with less takes the place in the queue;
   * rejects with the signal's reason when it aborts first.
   */
  enter(signal: AbortSignal, share: Share = this.shareOf()): Promise<void> | undefined {
    if (this.hasRoomFor(share)) {
      this.#give(share)
      return undefined
    }
    if (this.#waiting >= this.#limits.queue) this.#makeRoomFor(share)
    return this.#wait(signal, share)
  }

  leave(share: Share = this.shareOf()): void {
    this.#running--
    share.running--
    if (this.#waiting > 0) this.#admitNext()
  }

  /** The place goes straight to who waits: nobody who comes in between can take it. */
  #admitNext(): void {
    let next: Share | undefined
    for (const share of this.#shares)
      if (share.waiting.size > 0 && this.hasRoomFor(share) && (!next || isBefore(share, next))) next = share
    if (!next) return
    this.#give(next)
    const [first] = next.waiting
    first?.admit()
  }

  #give(share: Share): void {
    this.#running++
    share.running++
    share.latest = this.#given++
  }

  /** Whoever waits with more than this caller would loses the latest. */
  #makeRoomFor(share: Share): void {
    const most = this.#shares.reduce((a, b) => (b.waiting.size > a.waiting.size ? b : a), share)
    if (most.waiting.size <= share.waiting.size + 1) throw this.#full()
    ;[...most.waiting].at(-1)?.refuse(this.#full())
  }

  #wait(signal: AbortSignal, share: Share): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason as Error)
      const end = () => {
        share.waiting.delete(waiting)
        this.#waiting--
        signal.removeEventListener('abort', giveUp)
      }
      const waiting: Waiting = {
        admit() {
          end()
          resolve()
        },
        refuse(reason: unknown) {
          end()
          reject(reason)
        },
      }
      const giveUp = () => waiting.refuse(signal.reason)
      signal.addEventListener('abort', giveUp, { once: true })
      share.waiting.add(waiting)
      this.#waiting++
    })
  }

  #full(): Fault {
    // What runs, not what may: the last places are not for a caller who has most of the others.
    const [running, waiting] = [this.#running, this.#waiting]
    return notSent(
      new Fault('unavailable', `${this.#name} is busy: ${running} calls run and ${waiting} wait already.`, {
        hint: 'Try again when some have ended.',
        retryAfterMs: 1000,
        details: { provider: this.#name, running, waiting },
      }),
    )
  }
}

const isUsed = ({ running, waiting }: Share): boolean => running > 0 || waiting.size > 0

/** Who runs fewer; of equals, whose turn is longer ago. */
const isBefore = (a: Share, b: Share): boolean =>
  a.running === b.running ? a.latest < b.latest : a.running < b.running
