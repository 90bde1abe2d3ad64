import { availableParallelism } from 'node:os'

export interface BusyPollOptions {
  /** Monotonic, milliseconds. */
  readonly now: () => number
  /** Runs a task in the event loop's next turn, before which the loop looks for what came and does not wait for it. */
  readonly nextTurn: (task: () => void) => void
}

/**
 * Keeps the event loop awake for a moment in which more is likely to come: the answer of a program on this machine, or its next
 * question. To fall asleep and be woken takes an operating system 10 to 50 µs, on a virtual machine more, and what runs after it
 * finds its caches cold; the program on the other side, which answers within that time, waits for it.
 */
export class BusyPoll {
  /** From the end of each turn in which somebody asked for it; 0: the loop sleeps when it has nothing to do. */
  microseconds = 0
  readonly #options: BusyPollOptions
  #untilMs = 0
  #isAsked = false
  #isAwake = false

  constructor(options: BusyPollOptions) {
    this.#options = options
  }

  /** Something came that more is likely to follow soon. The clock is looked at once a turn, however often this is said. */
  stayAwake(): void {
    if (this.microseconds === 0) return
    this.#isAsked = true
    if (this.#isAwake) return
    this.#isAwake = true
    this.#options.nextTurn(this.#turn)
  }

  readonly #turn = (): void => {
    const nowMs = this.#options.now()
    if (this.#isAsked) this.#untilMs = nowMs + this.microseconds / 1000
    this.#isAsked = false
    if (nowMs < this.#untilMs) this.#options.nextTurn(this.#turn)
    else this.#isAwake = false
  }
}

/** Of this process, which has one event loop. Off until a hub begins. */
export const busyPoll = new BusyPoll({ now: () => performance.now(), nextTurn: setImmediate })

/** On a single processor the program that is waited for could not run meanwhile. */
export function startBusyPoll(microseconds: number, processors = availableParallelism()): void {
  busyPoll.microseconds = processors > 1 ? microseconds : 0
}
