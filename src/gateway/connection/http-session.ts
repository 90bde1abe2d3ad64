import type { Clock } from '../../kernel/clock.ts'
import { Fault } from '../../kernel/fault.ts'
import { MODERN_REVISION, RPC, type Revision } from '../../kernel/mcp/protocol.ts'
import type { JsonText } from '../../kernel/mcp/raw.ts'
import { brokenWhileRunning } from '../../kernel/resilience/blame.ts'
import type { Answer } from './answer-stream.ts'
import { discard, readText } from './http-body.ts'
import { contentTypeOf, type HttpEndpoint } from './http-endpoint.ts'
import type { HttpAnswer } from './http-exchange.ts'
import { brokenOff, HttpRefusal, refusalOf } from './http-fault.ts'
import type { WireOptions } from './wire.ts'

/** How long the end of a session may take. */
const GOODBYE_MS = 2000

/** The HTTP side of Streamable HTTP: revision and session in the headers, and what a status means. */
export class HttpSession {
  readonly #name: string
  readonly #clock: Clock
  readonly #largestBytes: number
  readonly #endpoint: HttpEndpoint
  #revision: Revision | undefined
  #id: string | undefined

  constructor({ name, clock, maxMessageBytes }: WireOptions, endpoint: HttpEndpoint) {
    this.#name = name
    this.#clock = clock
    this.#largestBytes = maxMessageBytes
    this.#endpoint = endpoint
  }

  get isModern(): boolean {
    return this.#revision === MODERN_REVISION
  }

  agreed(revision: Revision): void {
    this.#revision = revision
  }

  /** The server's answer to `initialize` names the session, if there is one. */
  began(answer: HttpAnswer): void {
    this.#id = answer.header('mcp-session-id')
  }

  post(body: JsonText, signal: AbortSignal, more?: Readonly<Record<string, string>>): Promise<HttpAnswer> {
    const type = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' }
    return this.#endpoint.send({ method: 'POST', body, signal, headers: { ...this.#headers(), ...type, ...more } })
  }

  get(lastEventId: string | undefined, signal: AbortSignal): Promise<HttpAnswer> {
    const after = lastEventId !== undefined && { 'last-event-id': lastEventId }
    return this.#endpoint.send({
      method: 'GET',
      signal,
      headers: { ...this.#headers(), accept: 'text/event-stream', ...after },
    })
  }

  /** The body of an answer. Throws Fault `too_large`, `unavailable`, or the signal's reason. */
  async text(answer: HttpAnswer, signal: AbortSignal): Promise<string> {
    try {
      return await readText(answer.body, this.#name, this.#largestBytes)
    } catch (error) {
      signal.throwIfAborted()
      // Its head is here, so what was asked has arrived.
      throw error instanceof Fault ? error : brokenWhileRunning(brokenOff(this.#name, error))
    }
  }

  /** Some servers put the request's id into a refusal that has nothing to do with the request. */
  concerns(answer: HttpAnswer, found: Answer): boolean {
    const { status } = answer
    if (status === 404) return this.#id !== undefined && !isUnknownMethod(found)
    if (status === 403) return answer.header('www-authenticate') !== undefined
    return status === 401 || status === 429 || (status >= 502 && status <= 504)
  }

  /** What an answer means that answers nothing; `gone`: the server does not know the session any more. */
  refusal(answer: HttpAnswer, body: string): Fault | 'gone' {
    const { status } = answer
    if (status >= 200 && status < 300) return notAnAnswer(this.#name, status, contentTypeOf(answer))
    const fault = refusalOf(this.#name, this.#endpoint.url, answer, { body, clock: this.#clock })
    return this.#id !== undefined && fault instanceof HttpRefusal && isSessionGone(fault) ? 'gone' : fault
  }

  /** There is nothing to say goodbye to. */
  forget(): void {
    this.#id = undefined
  }

  /** Ends the session on the server, too (2025-11-25, "Session Management"). Never throws. */
  async end(): Promise<void> {
    if (this.#id !== undefined) await this.#goodbye()
    this.#endpoint.close()
  }

  async #goodbye(): Promise<void> {
    const late = new AbortController()
    const cancel = this.#clock.after(GOODBYE_MS, () => late.abort())
    try {
      const { body } = await this.#endpoint.send({ method: 'DELETE', signal: late.signal, headers: this.#headers() })
      discard(body)
    } catch {
      // The server ends the session itself some day.
    } finally {
      cancel()
    }
  }

  #headers(): Record<string, string> {
    return {
      ...(this.#revision !== undefined && { 'mcp-protocol-version': this.#revision }),
      ...(this.#id !== undefined && { 'mcp-session-id': this.#id }),
    }
  }
}

const isUnknownMethod = (answer: Answer) => answer.kind === 'error' && answer.error.code === RPC.methodNotFound

/** A 404, or what the official libraries say after a restart: 400 and a sentence about the session. */
function isSessionGone({ answeredStatus, error }: HttpRefusal): boolean {
  if (answeredStatus === 404) return true
  return answeredStatus === 400 && error !== undefined && /session|not initialized/i.test(error.message)
}

function notAnAnswer(name: string, status: number, type: string): Fault {
  const what = type === 'application/json' ? 'JSON that does not answer the request' : type || 'nothing'
  return new Fault('upstream_failed', `${name} answered HTTP ${status} with ${what}.`, {
    hint: 'Check whether its `url` is the address of an MCP endpoint.',
    details: { provider: name },
  })
}
