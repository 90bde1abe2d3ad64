import { Fault } from '../../kernel/fault.ts'
import { brokenWhileRunning } from '../../kernel/resilience/blame.ts'
import { isObject, type Id, type Params } from '../../kernel/mcp/message.ts'
import { META, type Revision } from '../../kernel/mcp/protocol.ts'
import type { JsonText } from '../../kernel/mcp/raw.ts'
import { RelayedError, type RelayedResult } from '../../kernel/mcp/relayed.ts'
import { SmallMap } from '../../kernel/small-map.ts'
import { offWithdrawal, onWithdrawal } from '../../kernel/withdrawal.ts'
import type { UpstreamRequest } from './connection.ts'
import { readAll, readInbound, type Inbound } from './inbound.ts'
import { Questions } from './questions.ts'
import type { Wire, WireOptions } from './wire.ts'

/** What carries the messages of a channel. */
export interface Carrier {
  /** Throws, or rejects with, the Fault for whoever waits for an answer to this message. */
  write(message: JsonText): Promise<void> | undefined
  /** Ends it; the channel is told nothing more. Never throws. */
  close(): Promise<void>
}

/** A request that waits for its answer. */
interface Call {
  readonly id: number
  readonly request: UpstreamRequest
  readonly resolve: (result: RelayedResult) => void
  readonly reject: (error: unknown) => void
  /**
   * Listens to its caller's signal. A function: of an object Node makes a function of its own for each call, and then V8
   * keeps a third of all garbage for a while.
   */
  readonly withdraw: () => void
}

/**
 * MCP over one stream of messages in each direction: a pipe, a WebSocket, the old HTTP+SSE. Messages are dealt with one
 * by one, as they come: a progress notification right before its result is delivered before it.
 */
export class Channel implements Wire {
  readonly correlates = false
  readonly #options: WireOptions
  readonly #carrier: Carrier
  readonly #calls = new SmallMap<Id, Call>()
  readonly #questions: Questions
  #lastId = 0
  #end: Fault | undefined

  constructor(options: WireOptions, carrier: Carrier) {
    this.#options = options
    this.#carrier = carrier
    this.#questions = new Questions(options.log)
  }

  get running(): number {
    return this.#calls.size
  }

  get ended(): boolean {
    return this.#end !== undefined
  }

  agreed(_revision: Revision): void {}

  listen(): void {}

  request(request: UpstreamRequest): Promise<RelayedResult> {
    return new Promise((resolve, reject) => {
      const { signal, method } = request
      if (this.#end) return reject(this.#end)
      if (signal.aborted) return reject(signal.reason)
      const id = ++this.#lastId
      const call: Call = { id, request, resolve, reject, withdraw: () => this.#withdraw(call) }
      const message = `{"jsonrpc":"2.0","id":${id},"method":${JSON.stringify(method)},"params":${request.params(id)}}`
      // Before the write, which may be answered while it runs.
      this.#calls.set(id, call)
      onWithdrawal(signal, call.withdraw)
      this.#write(message, call)
    })
  }

  async notify(method: string, params: JsonText): Promise<void> {
    if (this.#end) throw this.#end
    await this.#carrier.write(`{"jsonrpc":"2.0","method":${JSON.stringify(method)},"params":${params}}`)
  }

  async close(): Promise<void> {
    const { name } = this.#options
    this.#finish(new Fault('unavailable', `${name}: the hub closed the connection.`, { details: { provider: name } }))
    await this.#carrier.close()
  }

  /** One message, or an array of them. Never throws. */
  receive(text: JsonText): void {
    // `[`: a batch. Everything else is one message, or none.
    if (text.charCodeAt(0) === 0x5b) for (const each of readAll(text)) this.#take(each, text)
    else this.#take(readInbound(text), text)
  }

  /** A message over the limit went by; its beginning and end show whose answer it was. */
  refuse(head: string, tail: string, bytes: number): void {
    const { name, maxMessageBytes, log } = this.#options
    const found =
      /^\s*\{\s*"jsonrpc"\s*:\s*"2.0"\s*,\s*"id"\s*:\s*(\d+)\s*,/.exec(head) ?? /"id"\s*:\s*(\d+)\s*\}\s*$/.exec(tail)
    const only = this.#calls.size === 1 ? this.#calls.values()[0] : undefined
    const call = found ? this.#calls.get(Number(found[1])) : only
    log.warn('a message of a server was over the limit', { bytes, limit: maxMessageBytes })
    if (call) this.#settle(call).reject(tooLarge(name, bytes, maxMessageBytes))
  }

  /** The connection broke. `reason` says why, without a full stop. */
  lost(reason: string): void {
    if (this.#end) return
    const { name, handlers } = this.#options
    this.#finish(new Fault('unavailable', `${name}: ${reason}.`, { details: { provider: name } }))
    void this.#carrier.close()
    handlers.onClose(reason)
  }

  #finish(end: Fault): void {
    if (this.#end) return
    this.#end = brokenWhileRunning(end)
    for (const call of this.#calls.values()) this.#settle(call).reject(end)
    this.#questions.end(end)
  }

  #settle(call: Call): Call {
    this.#calls.delete(call.id)
    offWithdrawal(call.request.signal, call.withdraw)
    return call
  }

  #withdraw(call: Call): void {
    this.#settle(call).reject(call.request.signal.reason)
    // MCP, cancellation: the one request that must not be cancelled.
    if (call.request.method === 'initialize') return
    this.#write(
      `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":${call.id},"reason":"The caller withdrew the call."}}`,
    )
  }

  #write(message: JsonText, call?: Call): void {
    const failed = (error: unknown) => {
      if (call) this.#settle(call).reject(error)
      else this.#options.log.debug('a message did not reach its server', { error })
    }
    try {
      this.#carrier.write(message)?.catch(failed)
    } catch (error) {
      failed(error)
    }
  }

  #take(inbound: Inbound, text: JsonText): void {
    try {
      this.#sort(inbound, text)
    } catch (error) {
      this.#options.log.error('a message could not be handled', { error })
    }
  }

  #sort(inbound: Inbound, text: JsonText): void {
    switch (inbound.kind) {
      case 'result':
      case 'error':
        return this.#answered(inbound)
      case 'notification':
        return this.#notified(inbound.method, inbound.params, inbound.value)
      case 'request':
        void this.#questions.ask(
          inbound,
          (request) => this.#options.handlers.onRequest(request),
          (message) => this.#write(message),
        )
        return
      case 'malformed':
        return this.#malformed(inbound.id, inbound.why, text)
    }
  }

  #answered(answer: Extract<Inbound, { kind: 'result' | 'error' }>): void {
    const { name, log } = this.#options
    const call = this.#calls.get(answer.id)
    // Withdrawn before, answered before, or an id of the wrong type.
    if (!call) return log.debug('an answer to nothing that was asked', { id: answer.id })
    this.#settle(call)
    if (answer.kind === 'result') call.resolve(answer.result)
    else call.reject(new RelayedError(name, answer.error))
  }

  #malformed(id: Id | undefined, why: string, text: JsonText): void {
    const { name, log } = this.#options
    // Servers print all sorts of things where only messages belong.
    log.debug('a server said something that is no message', { why, beginning: text.slice(0, 200) })
    const call = id === undefined ? undefined : this.#calls.get(id)
    if (call) this.#settle(call).reject(new Fault('upstream_failed', `${name} answered with no valid message: ${why}.`))
  }

  #notified(method: string, params: JsonText, value: Params): void {
    if (method === 'notifications/cancelled') return this.#cancelled(value['requestId'])
    const notification = { method, params }
    if (method === 'notifications/progress') {
      const token = value['progressToken']
      return typeof token === 'number' ? this.#calls.get(token)?.request.onNotification?.(notification) : undefined
    }
    const owner = this.#owner(value)
    if (owner) owner.request.onNotification?.(notification)
    else this.#options.handlers.onNotification(notification)
  }

  /** 2026-07-28, subscriptions: everything that a `subscriptions/listen` brings names its id. */
  #owner(value: Params): Call | undefined {
    const meta = value['_meta']
    const id = isObject(meta) ? meta[META.subscription] : undefined
    return typeof id === 'number' ? this.#calls.get(id) : undefined
  }

  #cancelled(id: unknown): void {
    this.#questions.cancel(id)
    // 2026-07-28, cancellation: the way in which a server ends a subscription. Ids of the two sides are apart only by use.
    const call = typeof id === 'number' ? this.#calls.get(id) : undefined
    if (call?.request.method !== 'subscriptions/listen') return
    this.#settle(call).reject(new Fault('unavailable', `${this.#options.name} ended the subscription.`))
  }
}

/** The fault of an answer that is more than the hub keeps. */
export const tooLarge = (name: string, bytes: number | undefined, limit: number): Fault =>
  new Fault(
    'too_large',
    `${name} answered with ${bytes === undefined ? 'more than' : `${bytes} bytes; the limit is`} ${limit} bytes.`,
    {
      hint: 'Ask for less of it at a time.',
      details: { provider: name },
    },
  )
