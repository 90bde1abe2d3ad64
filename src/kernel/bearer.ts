import type { Caller } from './caller.ts'
import { boundsFor, mayUse } from './scope.ts'

export interface Challenge {
  /** RFC 6750, 3.1; only where a token was shown. */
  readonly error?: 'invalid_token' | 'insufficient_scope'
  /** What the operation needs: exactly that, not what the caller has besides. */
  readonly scope?: string
  /** Where the protected resource describes itself (RFC 9728, 5.1). */
  readonly metadataUrl?: string | undefined
}

/** The `WWW-Authenticate` header of a refusal. */
export function bearerChallenge({ error, scope, metadataUrl }: Challenge): string {
  const facts = Object.entries({ realm: 'alicia', error, scope, resource_metadata: metadataUrl })
  return `Bearer ${facts.flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${quoted(value)}`])).join(', ')}`
}

/** RFC 9110, 5.6.4. */
const quoted = (text: string) => `"${text.replaceAll(/["\\]/g, String.raw`\$&`)}"`

/**
 * Whether asking for a token with more scope can help the caller: a client that steps up for what its person may not do would
 * ask that person again and again.
 */
export function canStepUp({ scopes, attainable }: Pick<Caller, 'scopes' | 'attainable'>, scope: string): boolean {
  if (attainable === undefined || mayUse(attainable, scope)) return true
  return boundsFor(attainable, scope).length > 0 && boundsFor(scopes, scope).length === 0
}
