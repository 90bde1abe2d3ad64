/** Scopes are words with spaces between (RFC 6749, section 3.3). */
export type Scopes = readonly string[]

export const readScopes = (text: string | undefined): Scopes => (text ?? '').split(' ').filter((word) => word !== '')

/** Each once, in the order in which they came. */
export const unite = (...sets: readonly Scopes[]): Scopes => [...new Set(sets.flat())]

export const includes = (all: Scopes, some: Scopes): boolean => some.every((scope) => all.includes(scope))

/** Gives a refresh token, where the authorization server says that it knows it (2026-07-28, authorization, "Refresh Tokens"). */
const OFFLINE = 'offline_access'

export interface ScopeSources {
  readonly configured: Scopes | undefined
  /** Of the server's latest refusal. */
  readonly challenged: Scopes
  /** `scopes_supported` of the upstream's metadata. */
  readonly listed: Scopes
  /** Of what the person has, and of what the server has asked for since. */
  readonly before: Scopes
  /** `scopes_supported` of the authorization server. */
  readonly known: Scopes
}

/** What to ask for (2026-07-28, authorization, "Scope Selection Strategy"). Empty: leave it to the authorization server. */
export function chooseScopes({ configured, challenged, listed, before, known }: ScopeSources): Scopes {
  const first = configured ?? (challenged.length > 0 ? challenged : listed)
  const wanted = unite(before, first)
  return wanted.length > 0 && known.includes(OFFLINE) ? unite(wanted, [OFFLINE]) : wanted
}
