import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Caller } from '../../kernel/caller.ts'
import { readIncomingText } from './read-incoming-json.ts'
import type { BodyLimits } from './read-json.ts'

export interface ExchangeOptions {
  readonly limits: BodyLimits
  /** Throws Fault `unauthenticated`. */
  authenticate(request: IncomingMessage): Caller
}

/**
 * A request and its answer on Node's own objects. Dressing them as `Request` and `Response` with a stream between costs
 * more than a whole call of a trivial operation.
 */
export class NodeExchange {
  readonly method: string
  readonly #request: IncomingMessage
  readonly #response: ServerResponse
  readonly #options: ExchangeOptions

  constructor(request: IncomingMessage, response: ServerResponse, options: ExchangeOptions) {
    this.method = request.method ?? 'GET'
    this.#request = request
    this.#response = response
    this.#options = options
  }

  header(name: string): string | undefined {
    const value = this.#request.headers[name]
    return Array.isArray(value) ? value.join(', ') : value
  }

  query(name: string): string | undefined {
    const { url = '' } = this.#request
    return new URLSearchParams(url.slice(url.indexOf('?') + 1)).get(name) ?? undefined
  }

  authenticate(): Caller {
    return this.#options.authenticate(this.#request)
  }

  /** Throws Fault `too_large`, `unsupported_media` or `invalid_request`. */
  body(): Promise<string | undefined> {
    return readIncomingText(this.#request, this.#options.limits)
  }

  answer(status: number, headers: Readonly<Record<string, string>>, body?: string): void {
    const response = this.#response
    if (response.headersSent || response.destroyed) return
    // All at once: headers that are set one by one take Node a slower way.
    response
      .writeHead(status, {
        ...headers,
        ...(status !== NO_CONTENT && { 'content-length': body === undefined ? 0 : Buffer.byteLength(body) }),
        // Of a body that is too large the rest would be read only to be thrown away.
        ...(status === TOO_LARGE && { connection: 'close' }),
      })
      .end(body)
  }

  open(headers: Readonly<Record<string, string>>): NodeSink {
    if (!this.#response.headersSent) this.#response.writeHead(200, headers).flushHeaders()
    return new NodeSink(this.#response)
  }

  onLeave(left: () => void): void {
    const response = this.#response
    if (response.destroyed && !response.writableFinished) return left()
    response.on('close', () => response.writableFinished || left())
  }
}

const NO_CONTENT = 204
const TOO_LARGE = 413

/** An answer that goes on. */
class NodeSink {
  readonly #response: ServerResponse

  constructor(response: ServerResponse) {
    this.#response = response
  }

  write(text: string): void {
    if (!this.#response.destroyed) this.#response.write(text)
  }

  get waitingBytes(): number {
    return this.#response.writableLength
  }

  end(): void {
    this.#response.end()
  }

  cut(): void {
    this.#response.destroy()
  }
}
