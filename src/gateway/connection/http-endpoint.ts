import type { Readable } from 'node:stream'
import { Fault } from '../../kernel/fault.ts'
import { brokenOff, redirectFault } from './http-fault.ts'
import { createExchange, fetchExchange, type Exchange, type HttpAnswer, type HttpRequest } from './http-exchange.ts'
import { discard } from './http-body.ts'

/** Redirects within one origin that are followed. */
const MOST_REDIRECTS = 3
/** These repeat the request as it was; the others make a GET of it. */
const SAME_METHOD: ReadonlySet<number> = new Set([307, 308])
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])

export interface EndpointOptions {
  readonly name: string
  readonly url: string
  /** The user's own, sent with every request. */
  readonly headers: Readonly<Record<string, string>>
  readonly fetch?: typeof fetch
  /** Asked for before each request. */
  readonly moreHeaders?: () => Promise<Readonly<Record<string, string>>>
}

/** The one origin that a connection talks to: its headers never go to another. */
export class HttpEndpoint {
  readonly name: string
  readonly #options: EndpointOptions
  readonly #exchange: Exchange
  readonly #closeExchange: () => void
  readonly #headers: Readonly<Record<string, string>>
  #url: URL

  /** Throws Fault `invalid_input` for what is no HTTP address. */
  constructor(options: EndpointOptions) {
    this.name = options.name
    this.#options = options
    this.#url = readUrl(options.name, options.url)
    this.#headers = lowerCase(options.headers)
    if (options.fetch) {
      this.#exchange = fetchExchange(options.fetch)
      this.#closeExchange = () => {}
    } else {
      const { exchange, close } = createExchange(this.#url.protocol === 'https:')
      this.#exchange = exchange
      this.#closeExchange = close
    }
  }

  get url(): URL {
    return this.#url
  }

  /** Sends one request. Throws Fault `unavailable` when there is no answer, or the signal's reason. */
  async send(request: Omit<HttpRequest, 'url'> & { readonly url?: URL }): Promise<HttpAnswer> {
    const more = this.#options.moreHeaders
    const headers = {
      ...this.#headers,
      ...(more && lowerCase(await more())),
      ...request.headers,
    }
    let url = request.url ?? this.#url
    for (let count = 0; ; count++) {
      const answer = await this.#try({ ...request, url, headers })
      if (!REDIRECTS.has(answer.status)) return answer
      discard(answer.body)
      const to = this.#redirected(url, answer, request.method)
      if (count === MOST_REDIRECTS) throw new Fault('upstream_failed', `${this.name} redirects in a circle.`)
      // The address itself has moved, not what is below it.
      if (url === this.#url) this.#url = to
      url = to
    }
  }

  /** An address the server named. Throws Fault when it leads to another origin: the headers may be secrets. */
  resolve(address: string): URL {
    const url = URL.parse(address, this.#url)
    if (url?.origin === this.#url.origin) return url
    throw new Fault('upstream_failed', `${this.name} wants its messages sent to another origin, ${url?.origin}.`, {
      hint: 'If that is right, set its `url` to an address there.',
      details: { provider: this.name },
    })
  }

  close(): void {
    this.#closeExchange()
  }

  async #try(request: HttpRequest): Promise<HttpAnswer> {
    try {
      return await this.#exchange(request)
    } catch (error) {
      if (request.signal.aborted) throw request.signal.reason
      throw brokenOff(this.name, error)
    }
  }

  #redirected(from: URL, answer: HttpAnswer, method: string): URL {
    const to = URL.parse(answer.header('location') ?? '', from)
    if (to?.origin !== from.origin || (method !== 'GET' && !SAME_METHOD.has(answer.status)))
      throw redirectFault(this.name, answer.status, to)
    return to
  }
}

function readUrl(name: string, address: string): URL {
  const url = URL.parse(address)
  if (url && (url.protocol === 'http:' || url.protocol === 'https:')) return url
  throw new Fault('invalid_input', `${name}: its \`url\` is no http or https address.`)
}

const lowerCase = (headers: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))

/** A stream of events, or undefined where the answer is something else. */
export const eventStreamOf = (answer: HttpAnswer): Readable | undefined =>
  contentTypeOf(answer) === 'text/event-stream' ? answer.body : undefined

/** Without parameters, in lower case. */
export const contentTypeOf = (answer: HttpAnswer): string =>
  (answer.header('content-type') ?? '').split(';', 1).join('').trim().toLowerCase()
