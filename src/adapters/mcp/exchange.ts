import type { Caller } from '../../kernel/caller.ts'
import { Fault } from '../../kernel/fault.ts'
import type { Params } from '../../kernel/mcp/message.ts'
import type { ClientSession, Peer } from '../../kernel/mcp/peer.ts'
import type { LogLevel, Revision } from '../../kernel/mcp/protocol.ts'
import { readMember, type JsonText } from '../../kernel/mcp/raw.ts'
import { notificationText } from './outgoing.ts'
import type { RelayedResult } from '../../kernel/mcp/relayed.ts'
import { CallController } from '../../kernel/withdrawal.ts'
import type { View } from './view.ts'

/** Who asks: a session of an old revision, or one request of the new one. */
export interface Client {
  readonly caller: Caller
  readonly revision: Revision
  readonly capabilities: Params
  readonly clientInfo: Params | undefined
  readonly logLevel: LogLevel | undefined
  readonly session?: ClientSession
  /** The part of the hub that it sees. */
  readonly view: View
}

/** The way back to a client while its request runs. */
export interface WayBack {
  /** Sends a whole message before the answer. */
  send(message: JsonText): void
  readonly ask?: NonNullable<Peer['ask']>
  readonly letGo?: (() => void) | undefined
}

/** One request: whose it is, how it is answered, and whether it still is wanted. Other MCP servers see it as a peer. */
export class Exchange implements Peer {
  readonly client: Client
  /** Decides what the request may, whatever its session once could. */
  readonly caller: Caller
  readonly session?: ClientSession
  /** Ends the work: the client's wish, a deadline, or the hub's stop. */
  readonly controller: AbortController = new CallController()
  readonly #message: JsonText
  readonly #back: WayBack
  #state: 'running' | 'withdrawn' | 'answered' = 'running'
  #params: JsonText | undefined

  /** `message` is the whole request as it came; `caller`: who sent it, where that is not who opened the client's session. */
  constructor(client: Client, message: JsonText, back: WayBack, caller = client.caller) {
    this.client = client
    this.caller = caller
    this.#message = message
    // No closure made here: V8 keeps those that a constructor makes, each with its call, until the next full collection.
    this.#back = back
    if (client.session) this.session = client.session
  }

  // Made when somebody wants to ask, which few servers do.

  get ask(): Peer['ask'] {
    const back = this.#back
    return back.ask && ((method, params, signal) => back.ask?.(method, params, signal) as Promise<RelayedResult>)
  }

  get letGo(): Peer['letGo'] {
    return this.#back.letGo
  }

  get revision(): Revision {
    return this.client.revision
  }

  get capabilities(): Params {
    return this.client.capabilities
  }

  get clientInfo(): Params | undefined {
    return this.client.clientInfo
  }

  get logLevel(): LogLevel | undefined {
    return this.client.logLevel
  }

  get profile(): string {
    return this.client.view.profile.name
  }

  /** Found in the message when first asked for: what the hub answers itself does not need it. */
  get params(): JsonText {
    return (this.#params ??= readMember(this.#message, 'params') ?? '{}')
  }

  notify(method: string, params: JsonText): void {
    if (this.#state === 'running') this.#back.send(notificationText(method, params))
  }

  /** The client does not want the answer any more. */
  withdraw(): void {
    if (this.#state !== 'running') return
    this.#state = 'withdrawn'
    this.controller.abort(new Fault('cancelled', 'The request was withdrawn by its client.'))
  }

  /** Ends the work with a fault of the hub's own, which is the answer: the client still waits for one. */
  end(why: Fault): void {
    this.controller.abort(why)
  }

  get isWithdrawn(): boolean {
    return this.#state === 'withdrawn'
  }

  /** Nothing may be said any more that belongs to the request. */
  close(): void {
    if (this.#state === 'running') this.#state = 'answered'
  }
}

/** The same client with other params: a provider's own names and addresses in place of the hub's. */
export function withParams(exchange: Exchange, params: JsonText): Peer {
  const { revision, capabilities, clientInfo, logLevel, profile, session, ask, letGo } = exchange
  return {
    revision,
    capabilities,
    clientInfo,
    logLevel,
    profile,
    params,
    ...(session && { session }),
    ...(letGo && { letGo }),
    ...(ask && { ask }),
    notify: (method, text) => exchange.notify(method, text),
  }
}
