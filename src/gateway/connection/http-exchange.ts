import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { pipeline, Readable, type Transform } from 'node:stream'
import { constants, createBrotliDecompress, createGunzip, createInflate, createZstdDecompress } from 'node:zlib'

export interface HttpRequest {
  readonly url: URL
  readonly method: 'GET' | 'POST' | 'DELETE'
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  readonly signal: AbortSignal
}

/** The beginning of an answer. */
export interface AnswerHead {
  readonly status: number
  /** `name` in lower case. */
  header(name: string): string | undefined
}

/** An answer whose body has not been read. Somebody must read or discard it. */
export interface HttpAnswer extends AnswerHead {
  readonly body: Readable
}

/** One request and its answer; follows no redirect. Rejects with whatever broke. */
export interface Exchange {
  (request: HttpRequest): Promise<HttpAnswer>
}

/** Connections that were idle for longer are not used again: many servers close theirs after five seconds. */
const IDLE_MS = 4000

/** Node's own client, with connections that are kept. Measured at twice the calls of `fetch`. */
export function createExchange(secure: boolean): { exchange: Exchange; close: () => void } {
  const agent = new (secure ? HttpsAgent : HttpAgent)({ keepAlive: true, timeout: IDLE_MS })
  const send = secure ? httpsRequest : httpRequest
  return {
    exchange: ({ url, method, headers, body, signal }) =>
      new Promise((resolve, reject) => {
        const request = send(url, { method, headers, agent, signal })
        request.on('response', (response) => resolve(nodeAnswer(response)))
        request.on('error', reject)
        request.end(body)
      }),
    close: () => agent.destroy(),
  }
}

const nodeAnswer = (response: IncomingMessage): HttpAnswer => ({
  status: response.statusCode ?? 0,
  header(name) {
    const value = response.headers[name]
    return Array.isArray(value) ? value.join(', ') : value
  },
  body: decoded(response),
})

/** An empty body is none of these, and a refusal says its coding all the same. */
const LENIENT = { finishFlush: constants.Z_SYNC_FLUSH }

/** A server that is told of no coding may take any (RFC 9110, 12.5.3), and some do whatever they are told. */
const DECODERS: Readonly<Record<string, () => Transform>> = {
  gzip: () => createGunzip(LENIENT),
  'x-gzip': () => createGunzip(LENIENT),
  deflate: () => createInflate(LENIENT),
  br: () => createBrotliDecompress({ finishFlush: constants.BROTLI_OPERATION_FLUSH }),
  zstd: () => createZstdDecompress({ finishFlush: constants.ZSTD_e_flush }),
}

/** The body without its `Content-Encoding`; what breaks on either side of the decoder breaks it. */
function decoded(response: IncomingMessage): Readable {
  const coding = response.headers['content-encoding']
  const decoder = coding === undefined ? undefined : DECODERS[coding.trim().toLowerCase()]?.()
  return decoder ? pipeline(response, decoder, () => {}) : response
}

/** The same over somebody's `fetch`, which logs in where that is needed. */
export const fetchExchange =
  (fetch: typeof globalThis.fetch): Exchange =>
  async ({ url, method, headers, body, signal }) => {
    const response = await fetch(url, {
      method,
      headers,
      signal,
      redirect: 'manual',
      ...(body !== undefined && { body }),
    })
    return {
      status: response.status,
      header: (name) => response.headers.get(name) ?? undefined,
      body: response.body ? Readable.fromWeb(response.body) : Readable.from([]),
    }
  }
