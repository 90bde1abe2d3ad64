/** The protocol a call came in by. */
export type Via = 'mcp' | 'rest' | 'mqtt' | 'cli' | 'internal'

/**
 * Who is asking. Adapters make it from what they verified (a token, the broker's access control), never from what
 * the message says of itself.
 */
export interface Caller {
  /** Stable and unique: sessions, limits and the audit hang on it. */
  readonly id: string
  readonly name: string
  /** `area:verb`, `area:*` or `*`. */
  readonly scopes: readonly string[]
  readonly via: Via
  /** The peer's address, where the protocol has one. */
  readonly address?: string
}

/** Whether these scopes include that one. `null` asks for nothing: it is open to whoever can reach the hub. */
export function mayUse(scopes: readonly string[], wanted: string | null): boolean {
  if (wanted === null) return true
  const area = wanted.slice(0, wanted.indexOf(':'))
  return scopes.some((scope) => scope === '*' || scope === wanted || scope === `${area}:*`)
}

/** Whoever reached the port and showed no token: may use open operations and nothing else. */
export function anonymous(via: Via, address?: string): Caller {
  return { id: 'anonymous', name: 'anonymous', scopes: [], via, ...(address !== undefined && { address }) }
}
