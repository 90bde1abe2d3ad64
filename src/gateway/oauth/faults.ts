import type { OAuthError as SdkOAuthError } from '@modelcontextprotocol/client'
import { Fault } from '../../kernel/fault.ts'

/** What somebody can do about it who has a terminal. */
export const loginHint = (upstream: string): string => `Log in with: alicia login ${upstream}`

/** The upstream wants a token of this person, and there is none that it would take. */
export const loginRequired = (upstream: string, why: string): Fault =>
  new Fault('unauthenticated', `${upstream} needs a login: ${why}.`, {
    hint: loginHint(upstream),
    details: { provider: upstream, login: upstream },
  })

const over = new WeakSet<Fault>()

/** The same, where there was a login until now: whoever is connected by it has to be told. */
export function loginOver(upstream: string, why: string): Fault {
  const fault = loginRequired(upstream, why)
  over.add(fault)
  return fault
}

/** Also of what was put into other words since. */
export const isLoginOver = (error: unknown): error is Fault =>
  error instanceof Fault && (over.has(error) || isLoginOver(error.cause))

/** The person is logged in, but may not do this: nothing is wrong with the upstream as a whole. */
export const scopesRequired = (upstream: string, scopes: readonly string[]): Fault =>
  new Fault('forbidden', `${upstream} wants permission for ${scopes.map(clean).join(', ')} besides.`, {
    hint: `Log in again to give it: alicia login ${upstream}`,
    details: { provider: upstream, login: upstream, scopes: scopes.map(clean) },
  })

/** Codes of RFC 6749 and its kin: words. Anything else an authorization server writes is not repeated. */
const CODE = /^[a-z_]{1,40}$/

/** What a person may read of a text that came from outside. */
export const clean = (text: string): string => text.replaceAll(/[^\x21-\x7E]/g, '?').slice(0, 100)

/** The `error` of an OAuth error response, or undefined. */
export function oauthCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || error.name !== 'OAuthError') return undefined
  const { code } = error as SdkOAuthError
  return CODE.test(code) ? code : 'unknown_error'
}

/** The authorization server does not know the hub's registration (any more). */
export function isUnknownClient(error: unknown): boolean {
  const code = error instanceof Fault ? error.details?.['oauth'] : oauthCode(error)
  return code === 'invalid_client' || code === 'unauthorized_client'
}

/**
 * A fault of what the SDK threw. Its own text stays out: it may quote an answer of the authorization server, and that
 * answer may hold a token.
 */
export function loginFault(upstream: string, doing: string, error: unknown): Fault {
  if (error instanceof Fault) return error
  const code = oauthCode(error)
  // The SDK's word for an answer that is no OAuth error at all, 5xx among them.
  const isDown = error instanceof Error && 'status' in error && Number(error.status) >= 500
  if (isDown || code === 'server_error' || code === 'temporarily_unavailable')
    return new Fault('unavailable', `The login server of ${upstream} failed at ${doing}.`, { hint: 'Try again later.' })
  const why = code ?? MEANINGS[error instanceof Error ? error.name : ''] ?? 'an answer that makes no sense'
  return new Fault('upstream_failed', `The login server of ${upstream} did not take part in ${doing}: ${why}.`, {
    details: { provider: upstream, ...(code !== undefined && { oauth: code }) },
  })
}

/** By the names of the SDK's classes and of Zod's. */
const MEANINGS: Readonly<Record<string, string>> = {
  IssuerMismatchError: 'it says that it is another one (issuer)',
  InsecureTokenEndpointError: 'its token endpoint is not HTTPS',
  RegistrationRejectedError: 'it registers no clients like this one',
}
