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
}

/** So many calls at once, so many waiting in the order they came, and no more: one slow server holds nothing else up. */
export class Bulkhead {
  readonly #name: string
  readonly #limits: BulkheadLimits
  readonly #waiting = new Set<Waiting>()
  #running = 0

  /** `name` is who is asked, for the fault. */
  constructor(name: string, limits: BulkheadLimits) {
    this.#name = name
    this.#limits = limits
  }

  get running(): number {
    return this.#running
  }

  get waiting(): number {
    return this.#waiting.size
  }

  get hasRoom(): boolean {
    return this.#running < this.#limits.concurrency
  }

  /**
   * Takes a place: at once (undefined), or when the promise resolves. Whoever got one calls `leave` once. Throws Fault
   * `unavailable` when as many wait as may; rejects with the signal's reason when it aborts first.
   */
  enter(signal: AbortSignal): Promise<void> | undefined {
    if (this.#running < this.#limits.concurrency) {
      this.#running++
      return undefined
    }
    if (this.#waiting.size >= this.#limits.queue) throw this.#full()
    return this.#wait(signal)
  }

  leave(): void {
    const [next] = this.#waiting
    // The place goes straight to who waits longest: nobody who comes in between can take it.
    if (next) next.admit()
    else this.#running--
  }

  #wait(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason as Error)
      const waiting: Waiting = {
        admit: () => {
          this.#waiting.delete(waiting)
          signal.removeEventListener('abort', giveUp)
          resolve()
        },
      }
      const giveUp = () => {
        this.#waiting.delete(waiting)
        reject(signal.reason as Error)
      }
      signal.addEventListener('abort', giveUp, { once: true })
      this.#waiting.add(waiting)
    })
  }

  #full(): Fault {
    const { concurrency, queue } = this.#limits
    return notSent(
      new Fault('unavailable', `${this.#name} is busy: ${concurrency} calls run and ${queue} wait already.`, {
        hint: 'Try again when some have ended.',
        retryAfterMs: 1000,
        details: { provider: this.#name, running: concurrency, waiting: queue },
      }),
    )
  }
}
