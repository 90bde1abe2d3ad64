import { bearerChallenge } from '../../kernel/bearer.ts'
import { faultBody, problemDetails, type Fault } from '../../kernel/fault.ts'
import { comeBackHeaders } from '../../kernel/rate-limit-headers.ts'

export interface ProblemContext {
  /** Under which the hub's log has the call. */
  readonly requestId?: string
  /** Whether the caller showed a token: RFC 6750, 3.1 wants an error code only then. */
  readonly tokenShown?: boolean
  /** Where the hub describes itself as a protected resource (RFC 9728). */
  readonly metadataUrl?: string | undefined
}

export interface Problem {
  readonly status: number
  readonly headers: Record<string, string>
  /** JSON. */
  readonly body: string
}

/** A fault as problem details (RFC 9457), with the headers its status asks for. */
export function problem(fault: Fault, context: ProblemContext = {}): Problem {
  const { requestId } = context
  return {
    status: fault.status,
    headers: {
      'content-type': 'application/problem+json',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      ...(requestId !== undefined && { 'x-request-id': requestId }),
      ...comeBackHeaders(faultBody(fault)),
      ...challenge(fault, context),
      ...allowed(fault),
    },
    body: JSON.stringify(problemDetails(fault, requestId)),
  }
}

export function problemResponse(fault: Fault, context?: ProblemContext): Response {
  const { status, headers, body } = problem(fault, context)
  return new Response(body, { status, headers })
}

/** RFC 6750, 3: what the client has to show, and what was wrong with what it showed. */
function challenge(fault: Fault, { tokenShown, metadataUrl }: ProblemContext): { 'www-authenticate'?: string } {
  if (fault.code === 'unauthenticated')
    return { 'www-authenticate': bearerChallenge({ ...(tokenShown && { error: 'invalid_token' }), metadataUrl }) }
  const scope = fault.code === 'forbidden' ? fault.details?.['scope'] : undefined
  if (typeof scope !== 'string') return {}
  return { 'www-authenticate': bearerChallenge({ error: 'insufficient_scope', scope, metadataUrl }) }
}

/** RFC 9110, 15.5.6: a 405 says which methods there are. */
function allowed(fault: Fault): { allow?: string } {
  const methods = fault.code === 'method_not_allowed' ? fault.details?.['allow'] : undefined
  return Array.isArray(methods) ? { allow: methods.join(', ') } : {}
}
