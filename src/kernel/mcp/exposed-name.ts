import { hash } from 'node:crypto'

/** What every client and model API takes as a name: some refuse other characters, some more than 64. */
const FITTING = /^[A-Za-z0-9_-]{1,64}$/
const LONGEST = 64
/** Hexadecimal digits that tell names apart which were cut or cleaned to the same. */
const HASH_DIGITS = 8

export interface NameClaim {
  /** Who asks, the same each time: the name once given stays with it. */
  readonly owner: string
  readonly provider: string
  /** What the provider itself calls the thing: any characters, any length. */
  readonly own: string
}

/**
 * The name under which a provider's thing is offered: its own where that is free and fits, else with the provider before
 * it. `owners` is what was given so far; a name in it never goes to anybody else, so that none changes under a client
 * because a provider came or went. At most 64 characters of `[A-Za-z0-9_-]`.
 */
export function claimName(owners: Map<string, string>, { owner, provider, own }: NameClaim): string {
  const prefixed = `${provider}_${own}`
  for (const name of candidates(own, prefixed)) {
    if ((owners.get(name) ?? owner) !== owner) continue
    owners.set(name, owner)
    return name
  }
  throw new TypeError(`No free name for ${owner}.`)
}

/** Without end: a provider may call its things what another's would be called, and must not take the last name from it. */
function* candidates(own: string, prefixed: string): Generator<string> {
  yield fit(own)
  yield fit(prefixed)
  yield hashed(prefixed)
  for (let count = 2; ; count++) yield hashed(prefixed, count)
}

/** Names and addresses that are kept for whom they were given to. */
const MOST_KEPT = 50_000

/**
 * Forgets the oldest that nobody uses, where there are too many: a server that calls its things something else each time
 * would fill the memory with them.
 */
export function forgetUnused(owners: Map<string, string>, isUsed: (name: string, owner: string) => boolean): void {
  if (owners.size <= MOST_KEPT) return
  for (const [name, owner] of owners) {
    if (isUsed(name, owner)) continue
    owners.delete(name)
    if (owners.size <= MOST_KEPT) return
  }
}

function fit(name: string): string {
  if (FITTING.test(name)) return name
  const cleaned = clean(name)
  return cleaned.length <= LONGEST && /[A-Za-z0-9]/.test(cleaned) ? cleaned : hashed(name)
}

const hashed = (name: string, count = 1): string =>
  `${clean(name).slice(0, LONGEST - HASH_DIGITS - 1)}_${hash('sha256', count === 1 ? name : `${name}\n${count}`).slice(0, HASH_DIGITS)}`

const clean = (name: string): string => name.replaceAll(/[^A-Za-z0-9_-]+/g, '_')
