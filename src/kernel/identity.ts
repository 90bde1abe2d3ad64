import { hash, timingSafeEqual } from 'node:crypto'
import type { Caller, Via } from './caller.ts'
import { Fault } from './fault.ts'

/** Whom a token was given to. */
export type Holder = Pick<Caller, 'id' | 'name' | 'scopes'>

/** Finds the holder of a token by its hash, or undefined. Tokens themselves are not kept. */
export type TokenSource = (tokenHash: string) => Holder | undefined

export interface Identity {
  /** Who presents this token. Throws Fault `unauthenticated`. */
  authenticate(token: string, via: Via, address?: string): Caller
  /** Adds tokens beside the owner's; returns what takes them out again. */
  addSource(source: TokenSource): () => void
}

/** SHA-256 in hex: enough for tokens of 256 random bits, which cannot be guessed from their hash. */
export const hashToken = (token: string): string => hash('sha256', token)

export const OWNER: Holder = { id: 'owner', name: 'owner', scopes: ['*'] }

export function createIdentity(ownerToken: string): Identity {
  const ownerHash = Buffer.from(hashToken(ownerToken))
  const sources = new Set<TokenSource>()
  const holderOf = (token: string): Holder | undefined => {
    const hashed = hashToken(token)
    if (timingSafeEqual(Buffer.from(hashed), ownerHash)) return OWNER
    for (const source of sources) {
      const holder = source(hashed)
      if (holder) return holder
    }
    return undefined
  }
  return {
    authenticate(token, via, address) {
      const holder = holderOf(token)
      if (holder) return { ...holder, via, ...(address !== undefined && { address }) }
      throw new Fault('unauthenticated', 'The access token is not valid.', {
        hint: '`alicia token` prints the one that is.',
      })
    },
    addSource(source) {
      sources.add(source)
      return () => void sources.delete(source)
    },
  }
}
