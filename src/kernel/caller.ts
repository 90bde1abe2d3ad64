import type { Role } from './role.ts'

export { mayUse } from './scope.ts'

/** The protocol a call came in by. */
export type Via = 'mcp' | 'rest' | 'mqtt' | 'cli' | 'internal'

/**
 * Who is asking. Adapters make it from what they verified (a token, the broker's access control), never from what
 * the message says of itself.
 */
export interface Caller {
  /** Stable and unique: sessions, limits and the audit hang on it. A person's is the same whatever they log in with. */
  readonly id: string
  readonly name: string
  /** Grants (`scope.ts`): `area:verb`, `area:*` or `*`, and perhaps within what bounds. */
  readonly scopes: readonly string[]
  readonly via: Via
  /** The peer's address, where the protocol has one. */
  readonly address?: string
  /** Absent: somebody with a token and no role, who decides alone whatever the scopes allow. */
  readonly role?: Role
  /** The id of the person it is, or acts for. */
  readonly person?: string
  /**
   * What it came by: a token, a login, an OAuth client's grant. Whatever asks for something that needs a person's yes cannot
   * be what says yes.
   */
  readonly credential?: string
  /** The OAuth client that it came by: all of its credentials are one program's. */
  readonly client?: string
  /** What it could get by asking again for more (MCP, step-up). Absent: nothing beyond `scopes`. */
  readonly attainable?: readonly string[]
  /** What an access token was given for (`aud`), where that is how it came. */
  readonly audience?: string
  /** Wall-clock milliseconds at which its credential ends; absent: it does not. */
  readonly expiresMs?: number
}

/**
 * Whether it came by something that was lent: to a program, by another issuer, or for a time. Whatever lets somebody in for longer
 * is not for it to make.
 */
export const isLent = ({ client, audience, expiresMs }: Caller): boolean =>
  client !== undefined || (expiresMs !== undefined && audience === undefined)

/** Whoever reached the port and showed no token: may use open operations and nothing else. */
export function anonymous(via: Via, address?: string): Caller {
  return { id: 'anonymous', name: 'anonymous', scopes: [], via, ...(address !== undefined && { address }) }
}
