import type { ClientSession } from '../../kernel/mcp/peer.ts'
import type { JsonText } from '../../kernel/mcp/raw.ts'
import type { RelayedResult } from '../../kernel/mcp/relayed.ts'
import type { CallContext } from '../../kernel/tool.ts'
import type { ServerNotification, ServerRequest, UpstreamRequest } from '../connection/connection.ts'
import type { Outbound } from './params.ts'

/** What one client asks of the server. */
export interface Asked {
  readonly method: string
  readonly params: JsonText
  readonly context: CallContext
  readonly headers: Readonly<Record<string, string>>
  /** Of the request to the server, where that outlives the client's. */
  readonly signal?: AbortSignal
}

/** Answers what the server wants to know during a call. Throws RelayedError. */
export type Answer = (question: ServerRequest, call: RunningCall) => Promise<RelayedResult>

/** Who hears what the server says and asks during a call, and finds out where it goes. */
export interface Listener {
  heard(call: RunningCall, notification: ServerNotification): void
  asked(call: RunningCall, question: ServerRequest): Promise<RelayedResult>
}

/** One request on its way: to the connection a request, to the relay the way back to who asks. */
export class RunningCall implements UpstreamRequest {
  readonly method: string
  readonly params: (id: number) => JsonText
  readonly headers: Readonly<Record<string, string>>
  readonly signal: AbortSignal
  readonly answer: Answer
  readonly callerId: string
  readonly session: ClientSession | undefined
  readonly #listener: Listener
  /** Who waits for the answer; undefined while the client has been asked and is not back yet. */
  context: CallContext | undefined
  /** What the server said while the client was away: it hears of it when it is back. */
  readonly missed: ServerNotification[] = []
  /** Its progress token, as its client wrote it. */
  token: JsonText | undefined

  constructor({ method, context, headers, signal }: Asked, outbound: Outbound, answer: Answer, listener: Listener) {
    this.method = method
    this.params = outbound.write
    this.headers = headers
    this.signal = signal ?? context.signal
    this.answer = answer
    this.callerId = context.caller.id
    this.session = context.peer?.session
    this.context = context
    this.token = outbound.token
    this.#listener = listener
  }

  // Methods, and no closures of the constructor: V8 keeps those, each with its call, until the next full collection.

  onNotification(notification: ServerNotification): void {
    this.#listener.heard(this, notification)
  }

  onRequest(question: ServerRequest): Promise<RelayedResult> {
    return this.#listener.asked(this, question)
  }

  onLetGo(): void {
    this.context?.peer?.letGo?.()
  }
}
