import { anonymous, type Caller, type Via } from '../../kernel/caller.ts'
import { Fault } from '../../kernel/fault.ts'
import type { Identity, ShownFrom } from '../../kernel/identity.ts'
import { RecentMap } from '../../kernel/recent-map.ts'
import { WrongTokens } from './wrong-tokens.ts'

/**
 * Who asks, from the `Authorization` header alone: a token in a query would end up in logs and histories. Without
 * the header the caller is anonymous. Throws Fault `unauthenticated` for a malformed header or an invalid token, `rate_limited`
 * after too many of those.
 */
export type Authenticate = (
  authorization: string | null | undefined,
  via: Via,
  from?: ShownFrom,
) => Caller | Promise<Caller>

/** RFC 6750, 2.1; the scheme's case does not matter (RFC 9110, 11.1). */
const BEARER = /^bearer +([A-Za-z0-9\-._~+/]+=*) *$/i

const MOST_REMEMBERED = 256

export function createAuthenticate(
  identity: Pick<Identity, 'authenticate'>,
  wrongTokens: WrongTokens = new WrongTokens(),
): Authenticate {
  /** The token in a header that was good before: the same few come with every request. */
  const tokens = new RecentMap<string>(MOST_REMEMBERED)
  return (authorization, via, from) => {
    if (authorization === null || authorization === undefined) return anonymous(via, from?.address)
    const seen = tokens.get(authorization)
    const token = seen ?? BEARER.exec(authorization)?.[1]
    if (token === undefined) throw malformed()
    const address = from?.address
    const asked = wrongTokens.isFlooding(address) ? { ...from, onlySeen: true as const } : from
    const refuse = (error: unknown): never => {
      throw wrongTokens.failed(error, address)
    }
    try {
      const caller = identity.authenticate(token, via, asked)
      if (caller instanceof Promise) return caller.catch(refuse)
      if (seen === undefined) tokens.set(authorization, token)
      return caller
    } catch (error) {
      return refuse(error)
    }
  }
}

const malformed = () =>
  new Fault('unauthenticated', 'The Authorization header is malformed.', {
    hint: 'It has to be "Authorization: Bearer <token>".',
  })
