import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Caller } from '../../kernel/caller.ts'
import { systemClock } from '../../kernel/clock.ts'
import type { RateLimitHeaders } from '../../kernel/rate-limit-headers.ts'
import { readIncomingText } from './read-incoming-json.ts'
import type { BodyLimits } from './read-json.ts'

export interface ExchangeOptions {
  readonly limits: BodyLimits
  /** Throws Fault `unauthenticated`. */
  authenticate(request: IncomingMessage): Caller | Promise<Caller>
  /** What a caller has left, as headers; undefined: as much as it likes. */
  quota?(caller: Caller): RateLimitHeaders | undefined
  /** Where the endpoint describes itself as a protected resource (RFC 9728), at the origin that was asked. */
  metadataUrl?(request: IncomingMessage): string
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
  #caller: Caller | undefined

  constructor(request: IncomingMessage, response: ServerResponse, options: ExchangeOptions) {
    this.method = request.method ?? 'GET'
    this.#request = request
    this.#response = response
    this.#options = options
  }

  get metadataUrl(): string | undefined {
    return this.#options.metadataUrl?.(this.#request)
  }

  header(name: string): string | undefined {
    const value = this.#request.headers[name]
    return Array.isArray(value) ? value.join(', ') : value
  }

  query(name: string): string | undefined {
    const { url = '' } = this.#request
    return new URLSearchParams(url.slice(url.indexOf('?') + 1)).get(name) ?? undefined
  }

  authenticate(): Caller | Promise<Caller> {
    const shown = this.#options.authenticate(this.#request)
    if (shown instanceof Promise) return shown.then((caller) => (this.#caller = caller))
    return (this.#caller = shown)
  }

  /** Throws Fault `too_large`, `unsupported_media` or `invalid_request`. */
  body(): Promise<string | undefined> {
    return readIncomingText(this.#request, this.#options.limits)
  }

  answer(status: number, headers: Readonly<Record<string, string>>, body?: string): void {
    const response = this.#response
    if (response.headersSent || response.destroyed) return
    // All at once, as a list: headers that are set one by one, or gathered in an object, take Node longer.
    const list: (string | number)[] = this.#withQuota(headers)
    const bytes = body === undefined ? 0 : Buffer.byteLength(body)
    if (status !== NO_CONTENT) list.push('content-length', bytes)
    if (status === TOO_LARGE) list.push('connection', 'close')
    response.writeHead(status, list)
    // Of text in ASCII each character is a byte: Node need not count and encode it once more.
    const encoding = bytes === body?.length ? 'latin1' : 'utf8'
    if (status !== TOO_LARGE) return void (body === undefined ? response.end() : response.end(body, encoding))
    if (body !== undefined) response.write(body)
    linger(this.#request, () => response.end())
  }

  open(headers: Readonly<Record<string, string>>): NodeSink {
    if (!this.#response.headersSent) this.#response.writeHead(200, this.#withQuota(headers)).flushHeaders()
    return new NodeSink(this.#response)
  }

  /** Names and values in turn, with what the caller has left, where an answer does not say that itself. */
  #withQuota(headers: Readonly<Record<string, string>>): string[] {
    const list: string[] = []
    const quota = this.#caller && this.#options.quota?.(this.#caller)
    if (quota && headers['ratelimit'] === undefined)
      list.push('ratelimit-policy', quota['ratelimit-policy'], 'ratelimit', quota.ratelimit)
    for (const name in headers) list.push(name, headers[name] ?? '')
    return list
  }

  onLeave(left: () => void): void {
    const response = this.#response
    if (response.destroyed && !response.writableFinished) return left()
    // Once: a connection that idles keeps its latest response, which would keep all that listens to it, and so the request's text.
    response.once('close', () => response.writableFinished || left())
  }
}

const NO_CONTENT = 204
const TOO_LARGE = 413

/** How long the rest of a body that is too large is thrown away, milliseconds. */
const LINGER_MS = 1000

/**
 * A connection that is closed while its client still sends is reset, and the client may never see why. So the rest is read
 * and thrown away for a while (RFC 9112, 9.6).
 */
function linger(request: IncomingMessage, done: () => void): void {
  if (request.complete) return done()
  const cancel = systemClock.after(LINGER_MS, done)
  request.once('close', () => {
    cancel()
    done()
  })
  request.once('end', done).resume()
}

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
