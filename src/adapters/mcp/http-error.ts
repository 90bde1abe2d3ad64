import type { RpcError, Id } from '../../kernel/mcp/message.ts'
import type { HttpExchange } from './http-exchange.ts'
import { errorText } from './outgoing.ts'
import { answerJson } from './reply.ts'

export const answerAccepted = (http: HttpExchange): void => http.answer(202, {})

/** A request that was refused before anything ran: the HTTP status says so too. */
export function answerError(http: HttpExchange, error: RpcError, id?: Id): void {
  const status = error.status === 200 ? 400 : error.status
  const allow: Record<string, string> = status === 405 ? { allow: 'POST, GET, DELETE' } : {}
  answerJson(http, errorText(id, error), status, { ...challengeOf(error), ...allow })
}

/** RFC 6750 §3: what to come back with. */
export function challengeOf(error: RpcError): Record<string, string> {
  if (error.status === 401) return { 'www-authenticate': 'Bearer' }
  if (error.status !== 403) return {}
  const scope = (error.data as { details?: { scope?: string } } | undefined)?.details?.scope
  return scope === undefined ? {} : { 'www-authenticate': `Bearer error="insufficient_scope", scope="${scope}"` }
}
