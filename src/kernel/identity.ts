import { hash } from 'node:crypto'
import type { Caller, Via } from './caller.ts'
import { Fault } from './fault.ts'

/** Whom a token was given to. */
export type Holder = Omit<Caller, 'via' | 'address'>

/** A token as somebody showed it. */
export interface ShownToken {
  readonly token: string
  /** SHA-256 in hex. */
  readonly hash: string
  /** The path of the endpoint it was shown at, where that has tokens of its own: `/mcp/kids`. Absent: the hub as a whole. */
  readonly resource?: string | undefined
  /** Too many wrong ones came from there: a source answers at once for what it has seen before, and with undefined for the rest. */
  readonly onlySeen?: true | undefined
}

/**
 * Finds the holder of a token; undefined: it is none of this source's. Answers at once for a token that it has seen before:
 * every call asks. Throws (or rejects with) Fault `unauthenticated` with the reason, for a token of its own that is not good.
 */
export type TokenSource = (shown: ShownToken) => Holder | undefined | Promise<Holder | undefined>

export interface Identity {
  /** Who presents this token. Throws Fault `unauthenticated`. */
  authenticate(token: string, via: Via, from?: ShownFrom): Caller | Promise<Caller>
  /** Adds tokens beside the owner's; returns what takes them out again. */
  addSource(source: TokenSource): () => void
  /** From now on this is the owner's token, and the one before it nobody's. */
  replaceOwnerToken(token: string): void
}

/** The owner's own token, while the hub runs. */
export interface OwnerToken {
  /**
   * Makes and keeps another. From that moment on the old one is refused, and what lives on it ends. Throws Fault `conflict` when it
   * comes from the environment, `storage_failed`.
   */
  rotate(): Promise<RotatedToken>
}

export interface RotatedToken {
  readonly token: string
  /**
   * The broker's login of the owner. `renewed`: at once. `restarted`: the broker was started anew for it. `failed`: the old token is
   * good there until the hub starts anew. `elsewhere`: the broker is another's, and knows no token of the hub's.
   */
  readonly broker: 'renewed' | 'restarted' | 'failed' | 'elsewhere'
}

export interface ShownFrom {
  /** The peer's address. */
  readonly address?: string | undefined
  readonly resource?: string | undefined
  readonly onlySeen?: true | undefined
}

/** SHA-256 in hex: enough for tokens of 256 random bits, which cannot be guessed from their hash. */
export const hashToken = (token: string): string => hash('sha256', token)

export const OWNER: Holder = { id: 'owner', name: 'owner', scopes: ['*'], role: 'owner', credential: 'owner' }

/** Tokens whose hash is kept beside them: more than a home has in use. */
const MOST_REMEMBERED = 256

export function createIdentity(ownerToken: string): Identity {
  let ownerHash = hashToken(ownerToken)
  const hashes = new Map<string, string>()
  let sources: readonly TokenSource[] = []

  /** Remembered of good tokens alone: whoever is answered sooner knew the token already. */
  const hashOf = (token: string) => hashes.get(token) ?? hashToken(token)

  const remember = ({ token, hash: hashed }: ShownToken) => {
    if (hashes.has(token)) return
    if (hashes.size >= MOST_REMEMBERED) hashes.clear()
    hashes.set(token, hashed)
  }

  /** Asks one source after the other, without a promise as long as none answers with one. */
  const holderOf = (shown: ShownToken): Holder | undefined | Promise<Holder | undefined> => {
    // Hashes: how far two are alike says nothing of the tokens.
    if (shown.hash === ownerHash) return OWNER
    const asked = sources
    for (let at = 0; at < asked.length; at++) {
      const holder = asked[at]?.(shown)
      if (holder instanceof Promise) return holder.then((found) => found ?? askRest(asked.slice(at + 1), shown))
      if (holder) return holder
    }
    return undefined
  }

  return {
    authenticate(token, via, { address, resource, onlySeen } = {}) {
      const shown = { token, hash: hashOf(token), resource, onlySeen }
      const callerOf = (holder: Holder | undefined): Caller => {
        if (!holder) throw unknownToken()
        remember(shown)
        return address === undefined ? { ...holder, via } : { ...holder, via, address }
      }
      const holder = holderOf(shown)
      return holder instanceof Promise ? holder.then(callerOf) : callerOf(holder)
    },
    addSource(source) {
      sources = [...sources, source]
      return () => void (sources = sources.filter((other) => other !== source))
    },
    replaceOwnerToken(token) {
      ownerHash = hashToken(token)
      hashes.clear()
    },
  }
}

async function askRest(sources: readonly TokenSource[], shown: ShownToken): Promise<Holder | undefined> {
  for (const source of sources) {
    const holder = await source(shown)
    if (holder) return holder
  }
  return undefined
}

const unknownToken = () =>
  new Fault('unauthenticated', 'The access token is not valid.', { hint: '`alicia token` prints the one that is.' })
