import { randomUUID } from 'node:crypto'
import type { Caller } from '../../kernel/caller.ts'
import type { Clock } from '../../kernel/clock.ts'
import { Fault } from '../../kernel/fault.ts'
import type { Params } from '../../kernel/mcp/message.ts'
import { RPC } from '../../kernel/mcp/protocol.ts'
import type { JsonText } from '../../kernel/mcp/raw.ts'
import { RelayedResult } from '../../kernel/mcp/relayed.ts'
import type { CallContext } from '../../kernel/tool.ts'
import type { ServerRequest } from '../connection/connection.ts'
import { declares, requiredOf } from './capabilities.ts'
import { missingCapability, notDeclared, refuseQuestion } from './refusals.ts'
import { inputRequired } from './results.ts'
import type { Answer, RunningCall } from './running-call.ts'

/** The request of the client that waits for this call at the moment. */
interface Leg {
  readonly resolve: (result: RelayedResult) => void
  readonly reject: (error: unknown) => void
  /** Stops listening to the request's signal. */
  readonly leave: () => void
}

type Outcome = { readonly result: RelayedResult } | { readonly error: unknown }

type State =
  | { readonly is: 'attended'; readonly leg: Leg }
  /** The client was asked; `outcome`: the server did not wait for the answer. */
  | { readonly is: 'parked'; readonly forgetExpiry: () => void; readonly outcome?: Outcome }
  | { readonly is: 'over' }

interface Question {
  readonly method: string
  readonly params: JsonText
  readonly resolve: (answer: RelayedResult) => void
  readonly reject: (error: unknown) => void
}

export interface InteractiveOptions {
  readonly name: string
  readonly clock: Clock
  /** Whose call it is: nobody else can go on with it, nor the same with another credential. */
  readonly caller: Caller
  /** What was asked: a retry must ask the same. */
  subject(): string
  /** What the client declared: an answer that it can't give is not asked for. */
  readonly capabilities: Params
  /** Milliseconds a client may take to come back. */
  readonly parkedMs: number
  /** A place among the parked calls, as the state that finds it again. Throws Fault when there is none. */
  park(call: InteractiveCall): string
  over(call: InteractiveCall): void
}

/**
 * A call of a client of 2026-07-28 on a server of before. When the server asks something, the client's request is answered
 * with `input_required`, and the call stays as it is (parked) until the client comes back with the answers.
 */
export class InteractiveCall {
  readonly #options: InteractiveOptions
  readonly #upstream = new AbortController()
  readonly #questions = new Map<string, Question>()
  #state: State = { is: 'over' }
  #isAskingSoon = false
  #id: string | undefined
  #asked = 0
  /** How often it was parked: each state serves once. */
  #round = 0
  #lacking: Params | undefined
  #running: RunningCall | undefined

  constructor(options: InteractiveOptions) {
    this.#options = options
  }

  /** Made when it is first needed: most calls are never parked. */
  get id(): string {
    return (this.#id ??= randomUUID())
  }

  get caller(): Caller {
    return this.#options.caller
  }

  get subject(): string {
    return this.#options.subject()
  }

  get round(): number {
    return this.#round
  }

  get isParked(): boolean {
    return this.#state.is === 'parked'
  }

  /** Of the request to the server: not a single leg's. */
  get signal(): AbortSignal {
    return this.#upstream.signal
  }

  /** The first leg. `start` makes the request that `call` is. */
  begin(call: RunningCall, context: CallContext, start: () => Promise<RelayedResult>): Promise<RelayedResult> {
    this.#running = call
    const leg = this.#attend(context)
    start().then(
      (value) =>
        this.#settle(this.#lacking !== undefined && value.isError ? { error: this.#lacks() } : { result: value }),
      (error: unknown) => this.#settle({ error: this.#lacking === undefined ? error : this.#lacks() }),
    )
    return leg
  }

  /** A leg of a parked call: the client is back with these answers. What it left out is asked again. */
  resume(
    context: CallContext,
    token: JsonText | undefined,
    answers: ReadonlyMap<string, JsonText>,
  ): Promise<RelayedResult> {
    const state = this.#state
    if (state.is !== 'parked') return Promise.reject(new Error('The call is not parked.'))
    state.forgetExpiry()
    if (this.#running) {
      this.#running.context = context
      this.#running.token = token
      for (const notification of this.#running.missed.splice(0)) this.#running.onNotification(notification)
    }
    const leg = this.#attend(context)
    for (const [key, question] of this.#questions) {
      const answer = answers.get(key)
      // What is no object is no result of any question.
      if (answer?.startsWith('{') === true) question.resolve(new RelayedResult(answer))
    }
    if (state.outcome !== undefined) this.#settle(state.outcome)
    else this.#askSoon()
    return leg
  }

  /** Withdraws the request to the server. */
  end(reason: unknown): void {
    this.#upstream.abort(reason)
    if (this.#state.is === 'attended') this.#settle({ error: reason })
    else if (this.#state.is === 'parked') this.#finish()
  }

  readonly answer: Answer = async ({ method, params, signal }: ServerRequest) => {
    const required = requiredOf(method, params)
    if (required === undefined)
      throw refuseQuestion(`A client of 2026-07-28 cannot be asked ${method}.`, RPC.methodNotFound)
    if (!declares(this.#options.capabilities, required)) {
      this.#lacking = { ...this.#lacking, ...required }
      throw notDeclared(required)
    }
    return await this.#ask(method, params, signal)
  }

  #ask(method: string, params: JsonText, signal: AbortSignal): Promise<RelayedResult> {
    const key = `question_${(this.#asked += 1)}`
    const { promise, resolve, reject } = Promise.withResolvers<RelayedResult>()
    const withdraw = () => reject(signal.reason)
    this.#questions.set(key, { method, params, resolve, reject })
    signal.addEventListener('abort', withdraw, { once: true })
    this.#askSoon()
    return promise.finally(() => {
      signal.removeEventListener('abort', withdraw)
      this.#questions.delete(key)
    })
  }

  /** Questions that come together are asked together. */
  #askSoon(): void {
    if (this.#isAskingSoon) return
    this.#isAskingSoon = true
    setImmediate(() => this.#askNow())
  }

  #askNow(): void {
    this.#isAskingSoon = false
    if (this.#state.is !== 'attended' || this.#questions.size === 0) return
    const { leg } = this.#state
    this.#round += 1
    let requestState: string
    try {
      requestState = this.#options.park(this)
    } catch (error) {
      return this.end(error)
    }
    leg.leave()
    if (this.#running) this.#running.context = undefined
    this.#park()
    const requests = [...this.#questions].map(([key, { method, params }]) => ({ key, method, params }))
    leg.resolve(inputRequired(requests, requestState))
  }

  #park(outcome?: Outcome): void {
    const { clock, parkedMs, name } = this.#options
    const expired = () => this.end(new Fault('timeout', `Nobody answered ${name} within ${parkedMs / 60_000} minutes.`))
    this.#state = {
      is: 'parked',
      forgetExpiry: clock.after(parkedMs, expired),
      ...(outcome !== undefined && { outcome }),
    }
  }

  #attend({ signal }: CallContext): Promise<RelayedResult> {
    const { promise, resolve, reject } = Promise.withResolvers<RelayedResult>()
    const withdraw = () => this.end(signal.reason)
    const leave = () => signal.removeEventListener('abort', withdraw)
    this.#state = { is: 'attended', leg: { resolve, reject, leave } }
    if (signal.aborted) withdraw()
    else signal.addEventListener('abort', withdraw, { once: true })
    return promise
  }

  #settle(outcome: Outcome): void {
    const state = this.#state
    if (state.is === 'over') return
    if (state.is === 'parked') {
      // The client comes back for it.
      state.forgetExpiry()
      return this.#park(outcome)
    }
    state.leg.leave()
    this.#finish()
    if ('result' in outcome) state.leg.resolve(outcome.result)
    else state.leg.reject(outcome.error)
  }

  #finish(): void {
    if (this.#state.is === 'parked') this.#state.forgetExpiry()
    this.#state = { is: 'over' }
    for (const { reject } of this.#questions.values()) reject(refuseQuestion('The call is over.'))
    if (this.#round > 0) this.#options.over(this)
  }

  #lacks(): Fault {
    return missingCapability(this.#options.name, this.#lacking ?? {})
  }
}
