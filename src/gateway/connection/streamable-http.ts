import type { Readable } from 'node:stream'
import { sleep } from '../../kernel/clock.ts'
import { Fault } from '../../kernel/fault.ts'
import type { Params } from '../../kernel/mcp/message.ts'
import type { Revision } from '../../kernel/mcp/protocol.ts'
import type { JsonText } from '../../kernel/mcp/raw.ts'
import { RelayedError, type RelayedResult } from '../../kernel/mcp/relayed.ts'
import { brokenWhileRunning } from '../../kernel/resilience/blame.ts'
import type { ServerNotification, UpstreamRequest } from './connection.ts'
import { SmallMap } from '../../kernel/small-map.ts'
import { AnswerStream, type Answer } from './answer-stream.ts'
import { discard } from './http-body.ts'
import { contentTypeOf, type HttpEndpoint } from './http-endpoint.ts'
import type { HttpAnswer } from './http-exchange.ts'
import { HttpSession } from './http-session.ts'
import { readAll } from './inbound.ts'
import { listen } from './listening.ts'
import { mirrorHeaders } from './mcp-headers.ts'
import { Questions } from './questions.ts'
import { SessionGone } from './session-gone.ts'
import type { Wire, WireOptions } from './wire.ts'

/** Attempts in a row to take up a stream that broke off and brought nothing since. */
const MOST_RESUMES = 5

const GONE = 'its session is gone; it was restarted or forgot it'

/** A request that waits for its answer. */
interface Call {
  readonly request: UpstreamRequest
  readonly controller: AbortController
}

type Hearer = Pick<UpstreamRequest, 'onNotification'>

/** Streamable HTTP: every request is a POST of its own, which is answered with JSON or with a stream (2025-03-26 to 2026-07-28). */
export class StreamableHttp implements Wire {
  readonly correlates = true
  readonly #options: WireOptions
  readonly #session: HttpSession
  readonly #questions: Questions
  readonly #calls = new SmallMap<number, Call>()
  /** Ends what is no call. */
  readonly #over = new AbortController()
  #lastId = 0

  constructor(options: WireOptions, endpoint: HttpEndpoint) {
    this.#options = options
    this.#session = new HttpSession(options, endpoint)
    this.#questions = new Questions(options.log)
  }

  get running(): number {
    return this.#calls.size
  }

  get ended(): boolean {
    return this.#over.signal.aborted
  }

  agreed(revision: Revision): void {
    this.#session.agreed(revision)
  }

  listen(): void {
    const { handlers } = this.#options
    const { signal } = this.#over
    const stream = new AnswerStream(this.#options, this.#questions, {
      onNotification: (notification, value) => this.#heard(notification, value, handlers),
      onRequest: (request) => handlers.onRequest(request),
      reply: (message) => this.#reply(message),
    })
    const get = (lastEventId: string | undefined) => this.#session.get(lastEventId, signal)
    void listen(stream, { ...this.#options, signal, get, onGone: () => this.#gone(), onGap: () => handlers.onGap?.() })
  }

  async request(request: UpstreamRequest): Promise<RelayedResult> {
    this.#over.signal.throwIfAborted()
    request.signal.throwIfAborted()
    const id = ++this.#lastId
    const call = { request, controller: new AbortController() }
    const withdraw = () => {
      call.controller.abort(request.signal.reason)
      this.#withdraw(id, request.method)
    }
    request.signal.addEventListener('abort', withdraw)
    this.#calls.set(id, call)
    try {
      return await this.#ask(request, id, call.controller.signal)
    } finally {
      this.#calls.delete(id)
      request.signal.removeEventListener('abort', withdraw)
    }
  }

  async notify(method: string, params: JsonText): Promise<void> {
    this.#over.signal.throwIfAborted()
    const mirrored = this.#session.isModern ? mirrorHeaders(method, params) : undefined
    await this.#tell(`{"jsonrpc":"2.0","method":${JSON.stringify(method)},"params":${params}}`, mirrored)
  }

  async close(): Promise<void> {
    if (!this.ended) this.#finish(`${this.#options.name}: the hub closed the connection.`)
    await this.#session.end()
  }

  async #ask(request: UpstreamRequest, id: number, signal: AbortSignal): Promise<RelayedResult> {
    const session = this.#session
    const { method } = request
    const params = request.params(id)
    const body = `{"jsonrpc":"2.0","id":${id},"method":${JSON.stringify(method)},"params":${params}}`
    const isModern = session.isModern || method === 'server/discover'
    const answer = await session.post(
      body,
      signal,
      isModern ? mirrorHeaders(method, params, request.headers) : undefined,
    )
    if (method === 'initialize') session.began(answer)
    const type = contentTypeOf(answer)
    if (answer.status === 200 && type === 'text/event-stream')
      return await this.#follow(answer.body, request, id, signal)
    const text = await session.text(answer, signal)
    const found = type === 'application/json' ? answerIn(text, id) : undefined
    if (found && !session.concerns(answer, found)) return resultOf(this.#options.name, found)
    throw this.#refused(answer, text)
  }

  /** Reads the stream of one request until its answer; takes it up again where it broke off. */
  async #follow(first: Readable, request: UpstreamRequest, id: number, signal: AbortSignal): Promise<RelayedResult> {
    const { name, handlers, clock } = this.#options
    const stream = new AnswerStream(this.#options, this.#questions, {
      id,
      onNotification: (notification, value) => this.#heard(notification, value, request),
      onRequest: (asked) => request.onRequest?.(asked) ?? handlers.onRequest(asked),
      reply: (message) => this.#reply(message),
    })
    let body: Readable | undefined = first
    for (let resumes = 0; ; resumes++) {
      const before = stream.lastEventId
      const found = body && (await stream.read(body, signal))
      if (found) return resultOf(name, found)
      if (stream.lastEventId !== before) resumes = 0
      if (this.#session.isModern || stream.lastEventId === undefined || resumes === MOST_RESUMES)
        throw brokenWhileRunning(
          new Fault('unavailable', `${name} ended its answer before it was whole.`, { details: { provider: name } }),
        )
      request.onLetGo?.()
      await sleep(clock, stream.retryMs, signal)
      body = await this.#resume(stream.lastEventId, signal)
    }
  }

  /** The rest of a stream; undefined while the server cannot be reached. */
  async #resume(lastEventId: string, signal: AbortSignal): Promise<Readable | undefined> {
    let answer: HttpAnswer
    try {
      answer = await this.#session.get(lastEventId, signal)
    } catch (error) {
      signal.throwIfAborted()
      if (error instanceof Fault && error.code === 'unavailable') return undefined
      throw error
    }
    if (answer.status === 200 && contentTypeOf(answer) === 'text/event-stream') return answer.body
    const refusal = this.#refused(answer, await this.#session.text(answer, signal))
    // This one has run.
    throw refusal instanceof SessionGone ? this.#over.signal.reason : refusal
  }

  /**
   * Progress says by its token whose it is, and some servers send it on the stream of what concerns no request: 2025-11-25,
   * "Listening for Messages from the Server", advises against that and does not forbid it.
   */
  #heard(notification: ServerNotification, { progressToken }: Params, otherwise: Hearer): void {
    const isProgress = notification.method === 'notifications/progress' && typeof progressToken === 'number'
    const owner: Hearer = (isProgress ? this.#calls.get(progressToken)?.request : undefined) ?? otherwise
    owner.onNotification?.(notification)
  }

  /** Sends what has no answer. Throws Fault when the server refuses it. */
  async #tell(message: JsonText, more?: Readonly<Record<string, string>>): Promise<void> {
    const { signal } = this.#over
    const answer = await this.#session.post(message, signal, more)
    if (answer.status < 300) return discard(answer.body)
    throw this.#refused(answer, await this.#session.text(answer, signal))
  }

  #reply(message: JsonText): void {
    this.#tell(message).catch((error: unknown) =>
      this.#options.log.debug('a message did not reach its server', { error }),
    )
  }

  /** 2026-07-28 takes the closed stream for it; before, a closed stream meant nothing. */
  #withdraw(id: number, method: string): void {
    if (this.#session.isModern || method === 'initialize' || method === 'server/discover') return
    this.#reply(
      `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":${id},"reason":"The caller withdrew the call."}}`,
    )
  }

  #refused(answer: HttpAnswer, body: string): Fault {
    const refusal = this.#session.refusal(answer, body)
    return refusal === 'gone' ? this.#gone() : refusal
  }

  /** 2025-11-25, "Session Management": whoever wants to go on begins a new session. */
  #gone(): Fault {
    const { name, handlers } = this.#options
    this.#session.forget()
    if (!this.ended) {
      this.#finish(`${name}: ${GONE}.`)
      handlers.onClose(GONE)
    }
    // The request that heard of it has not run.
    return new SessionGone(name, GONE)
  }

  #finish(message: string): void {
    const fault = brokenWhileRunning(new Fault('unavailable', message, { details: { provider: this.#options.name } }))
    this.#over.abort(fault)
    for (const { controller } of this.#calls.values()) controller.abort(fault)
    this.#questions.end(fault)
  }
}

const answerIn = (text: string, id: number): Answer | undefined =>
  readAll(text).find((each): each is Answer => (each.kind === 'result' || each.kind === 'error') && each.id === id)

function resultOf(name: string, answer: Answer): RelayedResult {
  if (answer.kind === 'result') return answer.result
  throw new RelayedError(name, answer.error)
}
