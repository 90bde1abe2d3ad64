import type { JsonText } from '../../kernel/mcp/raw.ts'
import { SSE_HEADERS, type EventStream } from './event-stream.ts'
import type { HttpExchange } from './http-exchange.ts'
import { Waiting, type Patience } from '../../kernel/patience.ts'

/** After this long without an answer the reply becomes a stream: its keep-alives hold the connection open. */
export const PATIENCE_MS = 5000

const JSON_HEADERS: Readonly<Record<string, string>> = {
  'content-type': 'application/json',
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
}

/** The answer to one POST: plain JSON when there is nothing to say before it, else an event stream. */
export class Reply extends Waiting {
  readonly #http: HttpExchange
  readonly #patience: Patience
  readonly #makeStream: () => EventStream
  #stream: EventStream | undefined
  #isFinished = false

  /** `nowMs`: on the monotonic clock. */
  constructor(http: HttpExchange, patience: Patience, nowMs: number, makeStream: () => EventStream) {
    super()
    this.#http = http
    this.#patience = patience
    this.#makeStream = makeStream
    patience.begin(this, nowMs)
  }

  lose(): void {
    this.#stream ??= this.#open()
  }

  /** Says something before the answer. */
  send(message: JsonText): void {
    if (this.#isFinished) return
    this.#stream ??= this.#open()
    this.#stream.push(message)
  }

  /** Ends the connection and not the reply: its reader comes back for the rest. */
  letGo(): void {
    if (this.#isFinished) return
    this.#stream ??= this.#open()
    this.#stream.letGo()
  }

  /** The answer, and its HTTP status and headers if nothing was said before; undefined: the client gave up on it. */
  finish(message: JsonText | undefined, status = 200, headers?: Readonly<Record<string, string>>): void {
    this.#isFinished = true
    this.#patience.end(this)
    if (this.#stream) {
      if (message !== undefined) this.#stream.push(message)
      this.#stream.end()
    } else if (message === undefined) this.#http.answer(202, headers ?? {})
    else answerJson(this.#http, message, status, headers)
  }

  #open(): EventStream {
    this.#patience.end(this)
    const stream = this.#makeStream()
    serveStream(this.#http, stream)
    return stream
  }
}

export function answerJson(
  http: HttpExchange,
  message: JsonText,
  status: number,
  headers?: Readonly<Record<string, string>>,
): void {
  http.answer(status, headers ? { ...JSON_HEADERS, ...headers } : JSON_HEADERS, message)
}

/** Answers with the stream, from the event after number `after`; `onReleased`: the client reads it no more. */
export function serveStream(http: HttpExchange, stream: EventStream, after?: number, onReleased?: () => void): void {
  const reader = http.open(SSE_HEADERS)
  stream.connect(reader, after, onReleased)
  http.onLeave(() => stream.leave(reader))
}
