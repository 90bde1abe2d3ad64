import type { IncomingMessage, ServerResponse } from 'node:http'

/** Marks answers as readable; returns the headers of the answer (204) to a preflight, undefined for anything else. */
export type Cors = (request: IncomingMessage, response: ServerResponse) => Record<string, string> | undefined

/** How long a browser may remember a preflight's answer, in seconds. */
const REMEMBER_S = '600'

/** What a page may read of an answer beside its body. */
const EXPOSED = 'X-Request-Id, Retry-After, RateLimit, RateLimit-Policy, WWW-Authenticate, Allow, Mcp-Session-Id'

/**
 * Cross-origin sharing (Fetch, 3.3) with exactly these origins. No cookie is ever looked at, so no credentials are
 * allowed: a page has to bring a token of its own. Whether an origin may ask at all is the guard's decision.
 */
export function createCors(origins: readonly string[]): Cors {
  const shared = new Set(origins)
  return (request, response) => {
    const { origin } = request.headers
    if (origin === undefined || !shared.has(origin)) return undefined
    response.setHeader('access-control-allow-origin', origin)
    response.setHeader('access-control-expose-headers', EXPOSED)
    // A cache must not give the answer for one origin to another.
    response.setHeader('vary', 'Origin')
    const wanted = request.headers['access-control-request-headers']
    if (request.method !== 'OPTIONS' || request.headers['access-control-request-method'] === undefined) return undefined
    return {
      'access-control-allow-methods': 'GET, HEAD, POST, PUT, DELETE',
      'access-control-max-age': REMEMBER_S,
      ...(wanted !== undefined && { 'access-control-allow-headers': wanted }),
    }
  }
}
