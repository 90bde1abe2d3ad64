import type { Clock } from '../../kernel/clock.ts'
import { Fault } from '../../kernel/fault.ts'
import type { Holder, ShownToken } from '../../kernel/identity.ts'
import { RecentMap } from '../../kernel/recent-map.ts'

/** A token whose signature and claims were found good. */
export interface GoodToken {
  /** Wall-clock milliseconds at which it ends. */
  readonly untilMs: number
  /** Wall-clock milliseconds from which on it is checked as if it were new; absent: never. */
  readonly recheckMs?: number
  /** The one endpoint it may be shown at. */
  readonly resource?: string
  /** Who holds it as things are now; undefined: nobody, because the person or the login is gone. Takes next to no time. */
  holder(): Holder | undefined
}

/** Good tokens, so that a signature is checked once and not with every call. */
export interface SeenTokens {
  /** The holder, where the token is known. Throws Fault `unauthenticated` when it is not good any more, or not here. */
  find(shown: ShownToken): Holder | undefined
  /** Remembers it. Throws the same. */
  add(shown: ShownToken, token: GoodToken): Holder
  /** A person or a login is not what it was: holders are asked for anew. */
  changed(): void
}

interface Seen extends GoodToken {
  current: Holder | undefined
  /** The round of changes that `current` is from. */
  round: number
}

/** A home has a handful of clients, and each a token every ten minutes; an entry takes about a kilobyte. */
const MOST_SEEN = 1000

export function createSeenTokens(clock: Clock): SeenTokens {
  const seen = new RecentMap<Seen>(MOST_SEEN)
  let round = 0

  const answer = (token: Seen, resource: string | undefined): Holder => {
    if (clock.now() >= token.untilMs || (token.resource !== undefined && token.resource !== resource)) throw notGood()
    if (token.round !== round) {
      token.round = round
      token.current = token.holder()
    }
    if (token.current === undefined) throw notGood()
    return token.current
  }

  return {
    find({ hash, resource, onlySeen }) {
      const known = seen.get(hash)
      if (known?.recheckMs !== undefined && !onlySeen && clock.now() >= known.recheckMs) {
        seen.delete(hash)
        return undefined
      }
      return known && answer(known, resource)
    },
    add({ hash, resource }, token) {
      const entry: Seen = { ...token, current: token.holder(), round }
      const holder = answer(entry, resource)
      seen.set(hash, entry)
      return holder
    },
    changed: () => void (round += 1),
  }
}

/** The same words whatever is wrong: what it was helps only whoever tries to forge one. */
export const notGood = (): Fault =>
  new Fault('unauthenticated', 'The access token is not valid.', {
    hint: 'It may have ended: get another with the refresh token, or log in again.',
  })
