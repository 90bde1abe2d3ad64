import type { Caller } from './caller.ts'
import { covers } from './scope.ts'

/**
 * Whether a request may use what another request opened (2025-11-25, security best practices, "Session Hijacking"): only the same
 * caller, by the same credential, which may no less than it could then. A session is no way to what it was opened with.
 */
export function isSameHolder(opener: Caller, caller: Caller): boolean {
  if (opener.id !== caller.id || opener.credential !== caller.credential) return false
  if (opener.scopes === caller.scopes) return true
  return opener.scopes.every((grant) => caller.scopes.includes(grant) || covers(caller.scopes, grant))
}
