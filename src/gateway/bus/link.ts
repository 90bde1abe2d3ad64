import type { Clock } from '../../kernel/clock.ts'
import { Fault } from '../../kernel/fault.ts'
import type { Bus } from '../../kernel/ports.ts'
import { notSent } from '../../kernel/resilience/blame.ts'
import type { CallContext } from '../../kernel/tool.ts'
import { faultOf, LONGEST_MESSAGE_BYTES, type Answer, type Request } from './messages.ts'
import { placeName, requestTopic, type Place } from './topics.ts'

/** How long a process that went without a word may take to be back with the calls that only it can answer, milliseconds. */
const GRACE_MS = 3000

export interface LinkOptions {
  readonly bus: Bus
  readonly clock: Clock
  readonly place: Place
  /** This run of the hub. */
  readonly hub: string
  /** The run of the process that is spoken to. */
  readonly boot: string
}

export interface LinkCall {
  readonly operation: string
  readonly input: unknown
  readonly context: CallContext
  readonly signal: AbortSignal
  /** A read, or idempotent: somebody else can be asked as soon as this process is in doubt. */
  readonly repeatable: boolean
}

/** The service answered: with its result, or with a fault of its own, which says nothing against it. */
export type Outcome =
  | { readonly is: 'value'; readonly value: unknown }
  | { readonly is: 'fault'; readonly fault: Fault }

interface Pending {
  readonly call: LinkCall
  /** Sent again, word for word, when a connection came back. */
  readonly text: string
  settle(outcome: Outcome): void
  fail(fault: Fault): void
}

/**
 * Calls to one run of one process. Messages go with QoS 0: what a broken connection swallowed is sent again when it is
 * back, and the process knows by the number what it has run already, so that a call runs once, and is answered once.
 */
export class Link {
  readonly boot: string
  readonly #options: LinkOptions
  /** In the order of their numbers. */
  readonly #pending = new Map<number, Pending>()
  #next = 1
  #cancelGrace: (() => void) | undefined

  constructor(options: LinkOptions) {
    this.boot = options.boot
    this.#options = options
  }

  /** Rejects with a Fault marked `notSent` where nothing ran, with the signal's reason when it aborts. */
  call(call: LinkCall): Promise<Outcome> {
    call.signal.throwIfAborted()
    const number = this.#next++
    const text = this.#textOf(call, number)
    return new Promise((resolve, reject) => {
      const { signal } = call
      const withdraw = () => {
        this.#pending.delete(number)
        this.#send(JSON.stringify({ is: 'cancel', hub: this.#options.hub, number } satisfies Request))
        reject(signal.reason as Error)
      }
      const over = () => {
        this.#pending.delete(number)
        signal.removeEventListener('abort', withdraw)
      }
      signal.addEventListener('abort', withdraw, { once: true })
      this.#pending.set(number, {
        call,
        text,
        settle(outcome) {
          over()
          resolve(outcome)
        },
        fail(fault) {
          over()
          reject(fault)
        },
      })
      this.#send(text)
    })
  }

  receive(answer: Exclude<Answer, { is: 'here' }>): void {
    const pending = this.#pending.get(answer.number)
    if (!pending) return
    switch (answer.is) {
      case 'progress':
        return pending.call.context.emit(answer.progress)
      case 'result':
        return pending.settle({ is: 'value', value: answer.value })
      case 'fault': {
        const fault = faultOf(answer.fault)
        return answer.ran ? pending.settle({ is: 'fault', fault }) : pending.fail(notSent(fault))
      }
    }
  }

  /** One of the two connections is new: what was under way may be lost. */
  resume(): void {
    this.#cancelGrace?.()
    this.#cancelGrace = undefined
    for (const { text } of this.#pending.values()) this.#send(text)
  }

  /** The process is in doubt. What can be asked of another fails now; the rest waits a while for it to be back. */
  suspend(reason: string): void {
    for (const { call, fail } of this.#pending.values()) if (call.repeatable) fail(this.#gone(call, reason))
    if (this.#pending.size === 0 || this.#cancelGrace) return
    this.#cancelGrace = this.#options.clock.after(GRACE_MS, () => this.end(reason))
  }

  /** That run of the process is over. */
  end(reason: string): void {
    this.#cancelGrace?.()
    this.#cancelGrace = undefined
    for (const { call, fail } of this.#pending.values()) fail(this.#gone(call, reason))
  }

  #textOf({ operation, input, context: { caller, span } }: LinkCall, number: number): string {
    const [floor = number] = this.#pending.keys()
    const { hub } = this.#options
    const request: Request = {
      is: 'call',
      hub,
      number,
      floor,
      operation,
      input,
      caller,
      ...(span && { trace: span.traceparent }),
    }
    const text = JSON.stringify(request)
    if (text.length <= LONGEST_MESSAGE_BYTES && Buffer.byteLength(text) <= LONGEST_MESSAGE_BYTES) return text
    throw notSent(
      new Fault('too_large', `The input of ${operation} is longer than ${LONGEST_MESSAGE_BYTES} bytes.`, {
        hint: 'Send less at once.',
      }),
    )
  }

  #send(text: string): void {
    const { bus, place } = this.#options
    // What could not be written is sent when the bus is back, or given up at the call's deadline.
    bus.publish(requestTopic(place), text).catch(() => undefined)
  }

  #gone({ operation, repeatable }: LinkCall, reason: string): Fault {
    const name = placeName(this.#options.place)
    const details = { provider: name }
    if (repeatable)
      return new Fault('unavailable', `${name} went while ${operation} ran: ${reason}.`, {
        hint: 'It can be called again.',
        details,
      })
    return new Fault(
      'upstream_failed',
      `${name} went while ${operation} ran: ${reason}. It may have been done, or not; nobody else was asked.`,
      { hint: 'Look whether it took effect before you call it again.', details },
    )
  }
}
