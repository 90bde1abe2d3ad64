import type { Caller } from '../../kernel/caller.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Events } from '../../kernel/events.ts'
import { Fault } from '../../kernel/fault.ts'
import type { JsonText } from '../../kernel/mcp/raw.ts'
import type { Secrets } from '../../kernel/ports.ts'
import { accessEnded, concerns } from '../../kernel/tenure.ts'
import type { InteractiveCall } from './interactive-call.ts'
import { badState } from './refusals.ts'

/** How long a client may take to come back with the answers. */
export const PARKED_MS = 600_000
/** Parked calls of one server: each keeps a request of the server's open. */
const MOST_PARKED = 128
/** One caller does not take all the places. */
const MOST_PARKED_EACH = 32

/** What a `requestState` says once it is opened. */
interface Ticket {
  readonly call: string
  readonly round: number
  readonly caller: string
  readonly credential?: string
  /** Wall-clock milliseconds. */
  readonly expiresAtMs: number
}

export interface ParkingOptions {
  readonly name: string
  readonly secrets: Secrets
  readonly clock: Clock
  readonly events: Pick<Events, 'on'>
  /** A call of the server's stays open while its client is asked (1), or is over (-1). */
  onParked?(delta: 1 | -1): void
}

/** Calls that wait for their clients to come back, and the states that find them again. */
export class Parking {
  readonly #options: ParkingOptions
  readonly #calls = new Map<string, InteractiveCall>()
  readonly #stopListening: () => void

  constructor(options: ParkingOptions) {
    this.#options = options
    this.#stopListening = options.events.on('access.ended', (ended) => {
      for (const call of this.#calls.values()) if (concerns(ended, call.caller)) call.end(accessEnded())
    })
  }

  /** The state for the client: opaque to it, and of no use to anybody else. Throws Fault `rate_limited`. */
  park(call: InteractiveCall): string {
    const { clock, secrets, name } = this.#options
    if (!this.#calls.has(call.id)) {
      const own = [...this.#calls.values()].filter(({ caller }) => caller.id === call.caller.id).length
      if (this.#calls.size >= MOST_PARKED || own >= MOST_PARKED_EACH)
        throw new Fault(
          'rate_limited',
          `${name} asked something, and too many of its calls wait for answers already.`,
          {
            hint: 'Answer or abandon some of them; an abandoned one ends after 10 minutes.',
            details: { provider: name },
          },
        )
    }
    if (!this.#calls.has(call.id)) this.#options.onParked?.(1)
    this.#calls.set(call.id, call)
    const { id, round, caller } = call
    const { credential } = caller
    const ticket: Ticket = {
      call: id,
      round,
      caller: caller.id,
      ...(credential !== undefined && { credential }),
      expiresAtMs: clock.now() + PARKED_MS,
    }
    return secrets.seal(JSON.stringify(ticket), this.#context)
  }

  /** The call that this caller may go on with. Throws RelayedError -32602 (2026-07-28, mrtr, server requirements 4, 5). */
  find(requestState: JsonText | undefined, caller: Caller, subject: string): InteractiveCall {
    const { name, clock } = this.#options
    const ticket = this.#open(requestState)
    // A stranger is not told whether there is such a call.
    if (ticket === undefined || ticket.caller !== caller.id || ticket.credential !== caller.credential)
      throw badState(name, 'it is not one that this server gave you')
    if (clock.now() >= ticket.expiresAtMs) throw badState(name, 'it has expired; make the call anew')
    const call = this.#calls.get(ticket.call)
    if (call === undefined || !call.isParked || call.round !== ticket.round)
      throw badState(name, 'it was used already or its call is over; make the call anew')
    if (call.subject !== subject) throw badState(name, 'it belongs to another request')
    return call
  }

  /** Whether that state is of a call that is parked here. */
  holds(requestState: JsonText | undefined): boolean {
    const ticket = this.#open(requestState)
    return ticket !== undefined && this.#calls.has(ticket.call)
  }

  over(call: InteractiveCall): void {
    if (this.#calls.delete(call.id)) this.#options.onParked?.(-1)
  }

  close(reason: Fault): void {
    this.#stopListening()
    for (const call of this.#calls.values()) call.end(reason)
  }

  get #context(): string {
    return `mcp.parked:${this.#options.name}`
  }

  #open(requestState: JsonText | undefined): Ticket | undefined {
    const sealed: unknown = JSON.parse(requestState ?? 'null')
    if (typeof sealed !== 'string') return undefined
    try {
      return JSON.parse(this.#options.secrets.open(sealed, this.#context)) as Ticket
    } catch {
      return undefined
    }
  }
}
