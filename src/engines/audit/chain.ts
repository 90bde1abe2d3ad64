import { timingSafeEqual } from 'node:crypto'
import { hmacSha256, type Hmac } from './hmac.ts'

/** A key of the chain: HMAC-SHA-256 with 32 random bytes that are for this alone. */
export interface ChainKey {
  readonly id: string
  readonly bytes: Buffer
}

/** The keys of the chain: the first one signs, all verify. */
export type ChainKeys = () => readonly ChainKey[]

/** Where a chain is: the last entry of it that is known. */
export interface Head {
  /** Names the chain: each hub has one of its own. */
  readonly chain: string
  /** 0: there is no entry yet. */
  readonly seq: number
  /** What all entries up to this one take, roughly; for the cap in size. */
  readonly bytes: number
  /** Of that entry; empty before the first. */
  readonly mac: string
}

/** The columns of an entry, in their order, without what the chain adds to it. */
export type Values = readonly (string | number | null)[]

/** An entry in its chain. */
export interface Link extends Head {
  readonly values: Values
}

/** What a row takes besides its text: the mac, the indexes, the row itself. */
const ROW_BYTES = 200

/**
 * Signs entries one after the other. The mac of each is over the one before it, its place and all of its columns:
 * `<key id>.<HMAC-SHA-256 in base64url>`. Changing, removing, adding or moving one shows in it or in the next.
 */
export class ChainSigner {
  readonly #keys: ChainKeys
  readonly #hmacs = new Map<string, Hmac>()

  constructor(keys: ChainKeys) {
    this.#keys = keys
  }

  /** The link that follows this head. `text`: its values as JSON. */
  append(head: Head, text: string): Link {
    const [key] = this.#keys()
    if (!key) throw new TypeError('A chain needs a key.')
    const place = { chain: head.chain, seq: head.seq + 1, bytes: head.bytes + text.length + ROW_BYTES }
    return { ...place, mac: this.#mac(key, contentOf(head.mac, place, text)), values: JSON.parse(text) as Values }
  }

  /** Whether the link follows one with that mac. `unknown_key`: it was signed with a key that is not there. */
  check(link: Link, previousMac: string): 'good' | 'bad' | 'unknown_key' {
    const key = this.#keyOf(link.mac)
    if (!key) return /^[0-9a-f]{8}\./.test(link.mac) ? 'unknown_key' : 'bad'
    return isSame(this.#mac(key, contentOf(previousMac, link, JSON.stringify(link.values))), link.mac) ? 'good' : 'bad'
  }

  /** What its mac would be after that one, under the key that it names; undefined: that key is not there. */
  macAs(link: Link, previousMac: string): string | undefined {
    const key = this.#keyOf(link.mac) ?? this.#keyOf(previousMac)
    return key && this.#mac(key, contentOf(previousMac, link, JSON.stringify(link.values)))
  }

  /** Signs something about a chain that is no entry, such as where what was pruned ended. */
  sign(...parts: readonly (string | number)[]): string {
    const [key] = this.#keys()
    if (!key) throw new TypeError('A chain needs a key.')
    return this.#mac(key, `anchor\n${JSON.stringify(parts)}`)
  }

  isSigned(signature: string, ...parts: readonly (string | number)[]): boolean {
    const key = this.#keyOf(signature)
    return key !== undefined && isSame(this.#mac(key, `anchor\n${JSON.stringify(parts)}`), signature)
  }

  #keyOf(mac: string): ChainKey | undefined {
    const id = mac.slice(0, mac.indexOf('.'))
    return this.#keys().find((key) => key.id === id)
  }

  #mac(key: ChainKey, content: string): string {
    const hmac = this.#hmacs.get(key.id) ?? hmacSha256(key.bytes)
    this.#hmacs.set(key.id, hmac)
    return `${key.id}.${hmac(content)}`
  }
}

/** The links of these entries, the first of which follows `after`. */
export function linkAll(signer: ChainSigner, texts: readonly string[], after: Head): Link[] {
  const links: Link[] = []
  for (const text of texts) links.push(signer.append(links.at(-1) ?? after, text))
  return links
}

/** No two entries have the same: the places are numbers, the macs have no line end, and the rest is JSON. */
const contentOf = (previousMac: string, { chain, seq, bytes }: Omit<Head, 'mac'>, text: string): string =>
  `entry\n${previousMac}\n${chain}\n${seq}\n${bytes}\n${text}`

const isSame = (one: string, other: string): boolean => {
  const [a, b] = [Buffer.from(one), Buffer.from(other)]
  return a.length === b.length && timingSafeEqual(a, b)
}
