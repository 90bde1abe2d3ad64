import type { Readable } from 'node:stream'
import type { Params } from '../../kernel/mcp/message.ts'
import type { JsonText } from '../../kernel/mcp/raw.ts'
import { tooLarge } from './channel.ts'
import type { ServerNotification } from './connection.ts'
import { readChunks } from './http-body.ts'
import { readAll, type Inbound } from './inbound.ts'
import type { Answerer, Questions } from './questions.ts'
import { EventReader } from './server-sent-events.ts'
import type { WireOptions } from './wire.ts'

export type Answer = Extract<Inbound, { kind: 'result' | 'error' }>

export interface StreamListener {
  /** Of the request whose stream it is; absent: a stream that answers nothing. */
  readonly id?: number
  /** `value`: its params. */
  readonly onNotification: (notification: ServerNotification, value: Params) => void
  readonly onRequest: Answerer
  readonly reply: (message: JsonText) => void
}

/** What a server that says nothing of it is left alone for before its stream is taken up again, in milliseconds. */
const RETRY_MS = 1000
const SHORTEST_RETRY_MS = 50
/** How long a stream that has brought its answer may take to end before it is ended. */
const END_MS = 2000

/** A server's stream of messages, over all the connections that it takes. */
export class AnswerStream {
  readonly #options: WireOptions
  readonly #questions: Questions
  readonly #listener: StreamListener
  #lastEventId: string | undefined
  #retryMs: number | undefined
  #answer: Answer | undefined

  constructor(options: WireOptions, questions: Questions, listener: StreamListener) {
    this.#options = options
    this.#questions = questions
    this.#listener = listener
  }

  get lastEventId(): string | undefined {
    return this.#lastEventId
  }

  /** The server's word (SSE `retry`, SEP-1699), unless it would have the hub ask without pause. */
  get retryMs(): number {
    return Math.max(this.#retryMs ?? RETRY_MS, SHORTEST_RETRY_MS)
  }

  /** Reads until the answer, or until the connection ends: then undefined. Throws Fault `too_large`, or the signal's reason. */
  async read(body: Readable, signal: AbortSignal): Promise<Answer | undefined> {
    const { name, clock, maxMessageBytes, log } = this.#options
    const answered = Promise.withResolvers<void>()
    const reader = new EventReader(maxMessageBytes, {
      onEvent: ({ type, data }) => {
        if (type !== 'message' || data === '') return
        for (const message of readAll(data)) this.#take(message)
        if (this.#answer) answered.resolve()
      },
    })
    const whole = readChunks(body, (chunk) => {
      reader.push(chunk)
      this.#lastEventId = reader.lastEventId ?? this.#lastEventId
      this.#retryMs = reader.retryMs ?? this.#retryMs
    })
    try {
      await Promise.race([whole, answered.promise])
    } catch (error) {
      signal.throwIfAborted()
      if (error instanceof RangeError) throw tooLarge(name, undefined, maxMessageBytes)
      log.debug('a stream of a server broke off', { error })
    }
    // The server ends it; the connection can be used again then.
    const cancel = clock.after(END_MS, () => body.destroy())
    whole.then(cancel, cancel)
    return this.#answer
  }

  #take(message: Inbound): void {
    const { log } = this.#options
    const { id, onNotification, onRequest, reply } = this.#listener
    switch (message.kind) {
      case 'result':
      case 'error':
        if (message.id === id) this.#answer ??= message
        else log.debug('an answer to another request, on a stream', { id: message.id })
        return
      case 'notification':
        if (this.#answer) return
        if (message.method === 'notifications/cancelled') return this.#questions.cancel(message.value['requestId'])
        return this.#safely(() => onNotification({ method: message.method, params: message.params }, message.value))
      case 'request':
        void this.#questions.ask(message, onRequest, reply)
        return
      case 'malformed':
        log.debug('a server said something that is no message', { why: message.why })
    }
  }

  #safely(task: () => void): void {
    try {
      task()
    } catch (error) {
      this.#options.log.error('a message could not be handled', { error })
    }
  }
}
