import { bearerChallenge, canStepUp } from '../../kernel/bearer.ts'
import type { Caller } from '../../kernel/caller.ts'
import type { ExactId, RpcError } from '../../kernel/mcp/message.ts'
import { comeBackHeaders } from '../../kernel/rate-limit-headers.ts'
import type { HttpExchange } from './http-exchange.ts'
import { errorText } from './outgoing.ts'
import { answerJson } from './reply.ts'

export const answerAccepted = (http: HttpExchange): void => http.answer(202, {})

/** A request that was refused before anything ran: the HTTP status says so too. */
export function answerError(http: HttpExchange, error: RpcError, id?: ExactId): void {
  const status = error.status === 200 ? 400 : error.status
  const allow: Record<string, string> = status === 405 ? { allow: 'POST, GET, DELETE' } : {}
  answerJson(http, errorText(id, error), status, { ...challengeOf(error, http), ...allow })
}

/** RFC 6750, 3: what to come back with; RFC 9728, 5.1: where it says who gives that. Or when to come back. */
export function challengeOf(error: RpcError, http: HttpExchange, caller?: Caller): Record<string, string> {
  const { metadataUrl } = http
  if (error.status === 401) {
    const isShown = http.header('authorization') !== undefined
    return { 'www-authenticate': bearerChallenge({ ...(isShown && { error: 'invalid_token' }), metadataUrl }) }
  }
  if (error.status !== 403) return comeBackHeaders(error.data ?? {})
  const scope = (error.data as { details?: { scope?: string } } | undefined)?.details?.scope
  if (scope === undefined || (caller && !canStepUp(caller, scope))) return {}
  return { 'www-authenticate': bearerChallenge({ error: 'insufficient_scope', scope, metadataUrl }) }
}
