import type { Clock } from '../../kernel/clock.ts'
import { connectionReason, errorCodeOf } from '../../kernel/connection-reason.ts'
import { Fault, type FaultCode } from '../../kernel/fault.ts'
import { isObject } from '../../kernel/mcp/message.ts'
import { shortened, type RelayedErrorBody } from '../../kernel/mcp/relayed.ts'
import { brokenWhileRunning } from '../../kernel/resilience/blame.ts'
import type { AnswerHead } from './http-exchange.ts'
import { LoginRequired } from './login-required.ts'

/** The server refused a request with an HTTP status and no JSON-RPC error that answers it. */
export class HttpRefusal extends Fault {
  readonly answeredStatus: number
  /** A JSON-RPC error that names no request. */
  readonly error: RelayedErrorBody | undefined

  constructor(
    name: string,
    status: number,
    more: { error?: RelayedErrorBody | undefined; retryAfterMs?: number } = {},
  ) {
    const { error, retryAfterMs } = more
    const says = error ? `: ${shortened(error.message)}` : '.'
    super(codeOf(status), `${name} answered HTTP ${status}${says}`, {
      hint: hintOf(status),
      details: { provider: name, status },
      ...(retryAfterMs !== undefined && { retryAfterMs }),
    })
    this.answeredStatus = status
    this.error = error
  }
}

/** What passes by itself is `unavailable`; a retry of anything else meets the same answer. */
function codeOf(status: number): FaultCode {
  if (status === 429 || status === 408 || (status >= 502 && status <= 504)) return 'unavailable'
  return status === 413 ? 'too_large' : 'upstream_failed'
}

function hintOf(status: number): string {
  if (status === 429) return 'It is asked too often; wait before the next call.'
  if (status === 404 || status === 405) return 'Check the path of its `url`.'
  if (status === 403) return 'It does not let the hub in; check its `headers` and who may ask.'
  if (status >= 500) return 'The error is on its side; its own log says more.'
  return 'It does not accept what it was sent; its own log says more.'
}

/** The fault of an answer that is neither a result nor a JSON-RPC error for the request. */
export function refusalOf(name: string, url: URL, answer: AnswerHead, more: { body: string; clock: Clock }): Fault {
  const { status } = answer
  const challenge = answer.header('www-authenticate')
  if (status === 401 || (status === 403 && challenge !== undefined))
    return new LoginRequired(name, { status, challenge, url: url.origin + url.pathname })
  const retryAfterMs = readRetryAfter(answer.header('retry-after'), more.clock)
  return new HttpRefusal(name, status, {
    error: errorOf(more.body),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  })
}

/** RFC 9110, 10.2.3: seconds, or a date. Milliseconds from now. */
export function readRetryAfter(value: string | undefined, clock: Clock): number | undefined {
  if (value === undefined) return undefined
  const ms = /^\d{1,9}$/.test(value.trim()) ? Number(value) * 1000 : Date.parse(value) - clock.now()
  return Number.isNaN(ms) ? undefined : Math.max(0, ms)
}

/** A JSON-RPC error, whichever request it is for. */
export function errorOf(body: string): RelayedErrorBody | undefined {
  try {
    const value: unknown = JSON.parse(body)
    const error = isObject(value) ? value['error'] : undefined
    if (!isObject(error)) return undefined
    const { code, message, data } = error
    if (typeof code !== 'number' || typeof message !== 'string') return undefined
    return { code, message, ...(data !== undefined && { data }) }
  } catch {
    return undefined
  }
}

/** With these, the request may have arrived; with the others there was no connection. */
const BROKE_LATER: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'UND_ERR_SOCKET'])

/** The connection to a server failed, or broke before the answer was whole. */
export function brokenOff(name: string, error: unknown): Fault {
  if (error instanceof Fault) return error
  const code = errorCodeOf(error)
  const fault = new Fault('unavailable', `${name} cannot be reached: ${connectionReason(error)}.`, {
    hint: 'See whether it runs and whether its `url` is right.',
    details: { provider: name },
    cause: error,
  })
  const hasArrived = (code === undefined || BROKE_LATER.has(code)) && !isOfConnecting(error)
  return hasArrived ? brokenWhileRunning(fault) : fault
}

/** At each address, where a host has several. */
function isOfConnecting(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.every(isOfConnecting)
  if (!(error instanceof Error)) return false
  return ('syscall' in error && error.syscall === 'connect') || isOfConnecting(error.cause)
}

export const redirectFault = (name: string, status: number, to: URL | null): Fault =>
  new Fault('upstream_failed', `${name} sends elsewhere (HTTP ${status}), which is not followed.`, {
    hint: to ? `If that is right, set its \`url\` to ${to.origin}${to.pathname}.` : 'Check its `url`.',
    details: { provider: name },
  })
