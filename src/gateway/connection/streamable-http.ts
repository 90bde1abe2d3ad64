import type { Readable } from 'node:stream'
import { sleep } from '../../kernel/clock.ts'
import { Fault } from '../../kernel/fault.ts'
import { MODERN_REVISION, RPC, type Revision } from '../../kernel/mcp/protocol.ts'
import type { JsonText } from '../../kernel/mcp/raw.ts'
import { RelayedError, type RelayedResult } from '../../kernel/mcp/relayed.ts'
import type { UpstreamRequest } from './connection.ts'
import { AnswerStream, type Answer } from './answer-stream.ts'
import { discard, readText } from './http-body.ts'
import { contentTypeOf, type HttpEndpoint } from './http-endpoint.ts'
import type { HttpAnswer } from './http-exchange.ts'
import { brokenOff, HttpRefusal, refusalOf } from './http-fault.ts'
import { readAll } from './inbound.ts'
import { listen } from './listening.ts'
import { mirrorHeaders } from './mcp-headers.ts'
import { Questions } from './questions.ts'
import type { Wire, WireOptions } from './wire.ts'

/** How long the end of a session may take. */
const GOODBYE_MS = 2000
/** Attempts in a row to take up a stream that broke off and brought nothing since. */
const MOST_RESUMES = 5

/** Streamable HTTP: every request is a POST of its own, which is answered with JSON or with a stream (2025-03-26 to 2026-07-28). */
export class StreamableHttp implements Wire {
  readonly correlates = true
  readonly #options: WireOptions
  readonly #endpoint: HttpEndpoint
  readonly #questions: Questions
  /** Ends everything that runs. */
  readonly #over = new AbortController()
  #revision: Revision | undefined
  #session: string | undefined
  #lastId = 0
  #running = 0

  constructor(options: WireOptions, endpoint: HttpEndpoint) {
    this.#options = options
    this.#endpoint = endpoint
    this.#questions = new Questions(options.log)
  }

  get running(): number {
    return this.#running
  }

  get ended(): boolean {
    return this.#over.signal.aborted
  }

  agreed(revision: Revision): void {
    this.#revision = revision
  }

  listen(): void {
    const { handlers } = this.#options
    const stream = new AnswerStream(this.#options, this.#questions, {
      onNotification: (notification) => handlers.onNotification(notification),
      onRequest: (request) => handlers.onRequest(request),
      reply: (message) => this.#reply(message),
    })
    void listen(stream, {
      ...this.#options,
      signal: this.#over.signal,
      get: (lastEventId) => this.#get(lastEventId, this.#over.signal),
      onGone: () => this.#gone(),
    })
  }

  async request(request: UpstreamRequest): Promise<RelayedResult> {
    this.#over.signal.throwIfAborted()
    request.signal.throwIfAborted()
    const id = ++this.#lastId
    const call = new AbortController()
    const withdraw = () => {
      call.abort(request.signal.reason)
      this.#withdraw(id, request.method)
    }
    const end = () => call.abort(this.#over.signal.reason)
    request.signal.addEventListener('abort', withdraw)
    this.#over.signal.addEventListener('abort', end)
    this.#running++
    try {
      return await this.#ask(request, id, call.signal)
    } finally {
      this.#running--
      request.signal.removeEventListener('abort', withdraw)
      this.#over.signal.removeEventListener('abort', end)
    }
  }

  async notify(method: string, params: JsonText): Promise<void> {
    this.#over.signal.throwIfAborted()
    const modern = this.#revision === MODERN_REVISION ? mirrorHeaders(method, params) : undefined
    await this.#tell(`{"jsonrpc":"2.0","method":${JSON.stringify(method)},"params":${params}}`, modern)
  }

  async close(): Promise<void> {
    if (!this.ended) this.#finish(`${this.#options.name}: the hub closed the connection.`)
    if (this.#session !== undefined) await this.#goodbye()
    this.#endpoint.close()
  }

  async #ask(request: UpstreamRequest, id: number, signal: AbortSignal): Promise<RelayedResult> {
    const { method } = request
    const params = request.params(id)
    const body = `{"jsonrpc":"2.0","id":${id},"method":${JSON.stringify(method)},"params":${params}}`
    const isModern = this.#revision === MODERN_REVISION || method === 'server/discover'
    const answer = await this.#post(body, signal, isModern ? mirrorHeaders(method, params, request.headers) : undefined)
    if (method === 'initialize') this.#session = answer.header('mcp-session-id')
    const type = contentTypeOf(answer)
    if (answer.status === 200 && type === 'text/event-stream') return await this.#follow(answer, request, id, signal)
    const text = await this.#text(answer, signal)
    const found = type === 'application/json' ? this.#answerIn(text, id) : undefined
    if (found && !this.#concernsTransport(answer, found)) return resultOf(this.#options.name, found)
    throw this.#refused(answer, text)
  }

  /** Reads the stream of one request until its answer; takes it up again where it broke off. */
  async #follow(first: HttpAnswer, request: UpstreamRequest, id: number, signal: AbortSignal): Promise<RelayedResult> {
    const { name, handlers, clock } = this.#options
    const stream = new AnswerStream(this.#options, this.#questions, {
      id,
      onNotification: (notification) => request.onNotification?.(notification),
      onRequest: request.onRequest ?? ((asked) => handlers.onRequest(asked)),
      reply: (message) => this.#reply(message),
    })
    let body: Readable | undefined = first.body
    for (let resumes = 0; ; resumes++) {
      const before = stream.lastEventId
      const found = body && (await stream.read(body, signal))
      if (found) return resultOf(name, found)
      if (stream.lastEventId !== before) resumes = 0
      if (this.#revision === MODERN_REVISION || stream.lastEventId === undefined || resumes === MOST_RESUMES)
        throw new Fault('unavailable', `${name} ended its answer before it was whole.`, { details: { provider: name } })
      await sleep(clock, stream.retryMs, signal)
      body = await this.#resume(stream.lastEventId, signal)
    }
  }

  /** The rest of a stream; undefined while the server cannot be reached. */
  async #resume(lastEventId: string, signal: AbortSignal): Promise<Readable | undefined> {
    let answer: HttpAnswer
    try {
      answer = await this.#get(lastEventId, signal)
    } catch (error) {
      signal.throwIfAborted()
      if (error instanceof Fault && error.code === 'unavailable') return undefined
      throw error
    }
    if (contentTypeOf(answer) === 'text/event-stream') return answer.body
    throw this.#refused(answer, await this.#text(answer, signal))
  }

  #answerIn(text: string, id: number): Answer | undefined {
    return readAll(text).find(
      (each): each is Answer => (each.kind === 'result' || each.kind === 'error') && each.id === id,
    )
  }

  /** Some servers put the request's id into a refusal that has nothing to do with the request. */
  #concernsTransport(answer: HttpAnswer, found: Answer): boolean {
    const { status } = answer
    if (status === 404) return this.#session !== undefined && !isUnknownMethod(found)
    return (
      status === 401 ||
      (status === 403 && answer.header('www-authenticate') !== undefined) ||
      status === 429 ||
      (status >= 502 && status <= 504)
    )
  }

  async #text(answer: HttpAnswer, signal: AbortSignal): Promise<string> {
    const { name, maxMessageBytes } = this.#options
    try {
      return await readText(answer.body, name, maxMessageBytes)
    } catch (error) {
      signal.throwIfAborted()
      throw brokenOff(name, error)
    }
  }

  /** What an answer means that answers nothing. */
  #refused(answer: HttpAnswer, body: string): Fault {
    const { name, clock } = this.#options
    const { status } = answer
    if (status >= 200 && status < 300) return notAnAnswer(name, status, contentTypeOf(answer))
    const fault = refusalOf(name, this.#endpoint.url, answer, { body, clock })
    return this.#session !== undefined && fault instanceof HttpRefusal && isSessionGone(fault) ? this.#gone() : fault
  }

  async #post(body: JsonText, signal: AbortSignal, more?: Readonly<Record<string, string>>): Promise<HttpAnswer> {
    return await this.#endpoint.send({
      method: 'POST',
      body,
      signal,
      headers: {
        ...this.#headers(),
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        ...more,
      },
    })
  }

  #get(lastEventId: string | undefined, signal: AbortSignal): Promise<HttpAnswer> {
    return this.#endpoint.send({
      method: 'GET',
      signal,
      headers: {
        ...this.#headers(),
        accept: 'text/event-stream',
        ...(lastEventId !== undefined && { 'last-event-id': lastEventId }),
      },
    })
  }

  #headers(): Record<string, string> {
    return {
      ...(this.#revision !== undefined && { 'mcp-protocol-version': this.#revision }),
      ...(this.#session !== undefined && { 'mcp-session-id': this.#session }),
    }
  }

  /** Sends what has no answer. Throws Fault when the server refuses it. */
  async #tell(message: JsonText, more?: Readonly<Record<string, string>>): Promise<void> {
    const answer = await this.#post(message, this.#over.signal, more)
    if (answer.status < 300) return discard(answer.body)
    throw this.#refused(answer, await this.#text(answer, this.#over.signal))
  }

  #reply(message: JsonText): void {
    this.#tell(message).catch((error: unknown) =>
      this.#options.log.debug('an answer did not reach its server', { error }),
    )
  }

  /** 2026-07-28 takes the closed stream for it; before, a closed stream meant nothing. */
  #withdraw(id: number, method: string): void {
    if (this.#revision === MODERN_REVISION || method === 'initialize' || method === 'server/discover') return
    this.#reply(
      `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":${id},"reason":"The caller withdrew the call."}}`,
    )
  }

  /** 2025-11-25, "Session Management": whoever wants to go on begins a new session. */
  #gone(): Fault {
    const { name, handlers } = this.#options
    const reason = 'its session is gone; it was restarted or forgot it.'
    this.#session = undefined
    if (!this.ended) {
      this.#finish(`${name}: ${reason}`)
      handlers.onClose(reason)
    }
    return this.#over.signal.reason as Fault
  }

  #finish(message: string): void {
    const fault = new Fault('unavailable', message, { details: { provider: this.#options.name } })
    this.#over.abort(fault)
    this.#questions.end(fault)
  }

  async #goodbye(): Promise<void> {
    const late = new AbortController()
    const cancel = this.#options.clock.after(GOODBYE_MS, () => late.abort())
    try {
      const { body } = await this.#endpoint.send({ method: 'DELETE', signal: late.signal, headers: this.#headers() })
      discard(body)
    } catch {
      // The server ends the session itself some day.
    } finally {
      cancel()
    }
  }
}

function resultOf(name: string, answer: Answer): RelayedResult {
  if (answer.kind === 'result') return answer.result
  throw new RelayedError(name, answer.error)
}

const isUnknownMethod = (answer: Answer) => answer.kind === 'error' && answer.error.code === RPC.methodNotFound

/** A 404, or what the official libraries say after a restart: 400 and a sentence about the session. */
function isSessionGone({ answeredStatus, error }: HttpRefusal): boolean {
  if (answeredStatus === 404) return error?.code !== RPC.methodNotFound
  return answeredStatus === 400 && error !== undefined && /session|not initialized/i.test(error.message)
}

function notAnAnswer(name: string, status: number, type: string): Fault {
  const what = type === 'application/json' ? 'JSON that does not answer the request' : type || 'nothing'
  return new Fault('upstream_failed', `${name} answered HTTP ${status} with ${what}.`, {
    hint: 'Check whether its `url` is the address of an MCP endpoint.',
    details: { provider: name },
  })
}
