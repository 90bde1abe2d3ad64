import type { Clock } from '../../kernel/clock.ts'
import { RelayedResult } from '../../kernel/mcp/relayed.ts'
import type { Connection, ServerNotification, ServerRequest } from '../connection/connection.ts'
import type { News, Owner } from './news.ts'
import { requiredOf } from './capabilities.ts'
import { refuseQuestion } from './refusals.ts'
import type { RelayOptions } from './relay-options.ts'
import { SmallSet } from '../../kernel/small-set.ts'
import type { Listener, RunningCall } from './running-call.ts'
import type { Settled } from './settled.ts'

/** A server that wants to know the roots when it begins asks within this time; it does not ask for a call. */
const GREETING_MS = 2_000

export type LineOptions = Pick<RelayOptions, 'roots' | 'interactive'> & {
  readonly news: News
  readonly clock: Clock
  readonly settled: Settled
}

/** A connection to the server with the calls that run on it: finds out to which of them belongs what the server says. */
export class Line implements Listener {
  readonly owner: Owner
  readonly #options: LineOptions
  readonly #calls = new SmallSet<RunningCall>()
  readonly #onIdle: () => void
  #greetingEndsAtMs = 0
  #isTainted = false

  constructor(owner: Owner, options: LineOptions, onIdle: () => void = () => {}) {
    this.owner = owner
    this.#options = options
    this.#onIdle = onIdle
  }

  get isIdle(): boolean {
    return this.#calls.size === 0
  }

  /** A call was withdrawn: what the server still says about it could be taken for another's. */
  get isTainted(): boolean {
    return this.#isTainted
  }

  /** The line has a new connection. */
  begin(): void {
    this.#greetingEndsAtMs = this.#options.clock.monotonic() + GREETING_MS
  }

  /** Throws like `Connection.request`. */
  run(connection: Connection, call: RunningCall): Promise<RelayedResult> {
    this.#calls.add(call)
    const answer = connection.request(call)
    const ended = () => {
      this.#calls.delete(call)
      if (call.signal.aborted) this.#isTainted = true
      if (this.#calls.size === 0) this.#onIdle()
    }
    // Beside the answer's way, which each function that waits on it would lengthen.
    answer.then(ended, ended)
    return answer
  }

  heard(call: RunningCall, notification: ServerNotification): void {
    this.#options.news.ofCall(call, notification)
  }

  asked(call: RunningCall, question: ServerRequest): Promise<RelayedResult> {
    this.#learn(question)
    return call.answer(question, call)
  }

  readonly onNotification = (notification: ServerNotification): void =>
    this.#options.news.ofConnection(this.#calls, this.owner, notification)

  readonly onRequest = async (question: ServerRequest): Promise<RelayedResult> => {
    const call = this.#callOf(question)
    if (call !== undefined) return await this.asked(call, question)
    const { owner } = this
    if (owner.is === 'session' && this.#calls.size === 0)
      return await owner.session.ask(question.method, question.params, question.signal)
    const { roots } = this.#options
    const isAboutRoots = question.method === 'roots/list'
    // Where everybody's roots are configured, nobody's own are asked for.
    if (isAboutRoots ? roots.length === 0 : this.#calls.size > 0) this.#learn(question)
    // Of a client that is not here nobody knows which it has: that it has none would be taken for its word, and kept.
    const isKnown = owner.is !== 'caller' || roots.length > 0
    if (isAboutRoots && isKnown) return new RelayedResult(JSON.stringify({ roots }))
    for (const { session } of this.#calls) if (session) this.#options.settled.remove(session)
    if (this.#calls.size === 0) throw refuseQuestion('No call is running, so there is nobody to ask.')
    throw refuseQuestion(
      'Calls of several clients are running, and nothing says whose question this is. Let the call end with an error that says to try it again: then each client has a connection of its own.',
    )
  }

  /** Whose question it is, where that is certain: the only call's, or the session's that all calls are of. */
  #callOf({ method }: ServerRequest): RunningCall | undefined {
    const [first, ...others] = this.#calls
    if (first === undefined) return undefined
    // Everybody shares what such a server makes of the answer: it must not be one client's.
    if (this.owner.is === 'everybody' && method === 'roots/list' && this.#isGreeting()) return undefined
    const { session } = first
    if (others.length === 0 || (session !== undefined && others.every((call) => call.session === session))) return first
    return undefined
  }

  #learn({ method, params }: ServerRequest): void {
    const { interactive } = this.#options
    for (const capability of Object.keys(requiredOf(method, params) ?? {})) {
      if (interactive.asks().has(capability)) continue
      interactive.learn(capability)
      // Who called in the first moments of a server that nobody knew yet has nothing there to lose.
      if (this.#calls.size === 0) this.#options.settled.clear()
    }
  }

  #isGreeting(): boolean {
    return this.#options.clock.monotonic() < this.#greetingEndsAtMs
  }
}
