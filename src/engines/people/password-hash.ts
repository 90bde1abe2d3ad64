import { argon2, randomBytes, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'

/** What a guess costs (RFC 9106, 3.1): memory in KiB, passes over it, lanes. */
export interface HashCost {
  readonly memoryKiB: number
  readonly passes: number
  readonly lanes: number
}

/** OWASP's least for argon2id: about 30 ms and 19 MiB; more would let a few logins push the rest of the hub aside. */
export const CURRENT_COST: HashCost = { memoryKiB: 19_456, passes: 2, lanes: 1 }

const VERSION = 19
const SALT_BYTES = 16
const HASH_BYTES = 32

/** A stored hash comes from the database: its cost is not believed without bounds. */
const MOST_MEMORY_KIB = 262_144
const MOST_PASSES = 10

const derive = promisify(argon2)

/** The password's hash as a PHC string, with the salt and what it cost. */
export async function hashPassword(password: string, cost = CURRENT_COST): Promise<string> {
  const salt = randomBytes(SALT_BYTES)
  const hash = await hashOf(password, salt, cost)
  return `$argon2id$v=${VERSION}$m=${cost.memoryKiB},t=${cost.passes},p=${cost.lanes}$${unpadded(salt)}$${unpadded(hash)}`
}

/**
 * Whether it is the password of that hash. Without one, or with one that cannot be read, it takes as long and is false: else the
 * time would tell which names there are.
 */
export async function verifyPassword(password: string, stored: string | undefined): Promise<boolean> {
  const parsed = stored === undefined ? undefined : parsePhc(stored)
  const hash = await hashOf(password, parsed?.salt ?? Buffer.alloc(SALT_BYTES), parsed?.cost ?? CURRENT_COST)
  return parsed !== undefined && timingSafeEqual(hash, parsed.hash)
}

/** Whether it was made with another cost than one made now would be. */
export function isOutdated(stored: string): boolean {
  const cost = parsePhc(stored)?.cost
  return (
    cost?.memoryKiB !== CURRENT_COST.memoryKiB ||
    cost.passes !== CURRENT_COST.passes ||
    cost.lanes !== CURRENT_COST.lanes
  )
}

/** The same letters are the same bytes, whichever keyboard they come from (RFC 8265, 4.2 takes NFC; phones send both forms of more). */
const hashOf = (password: string, nonce: Uint8Array, { memoryKiB, passes, lanes }: HashCost): Promise<Buffer> =>
  derive('argon2id', {
    message: Buffer.from(password.normalize('NFKC')),
    nonce,
    memory: memoryKiB,
    passes,
    parallelism: lanes,
    tagLength: HASH_BYTES,
  })

interface Parsed {
  readonly cost: HashCost
  readonly salt: Buffer
  readonly hash: Buffer
}

function parsePhc(text: string): Parsed | undefined {
  const found = /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,2}),p=(\d)\$([\w+/]{11,64})\$([\w+/]{43})$/.exec(text)
  if (!found) return undefined
  const [, memory, passes, lanes, salt = '', hash = ''] = found
  const cost = { memoryKiB: Number(memory), passes: Number(passes), lanes: Number(lanes) }
  const isAffordable =
    cost.lanes >= 1 && cost.passes >= 1 && cost.passes <= MOST_PASSES && cost.memoryKiB <= MOST_MEMORY_KIB
  if (!isAffordable || cost.memoryKiB < 8 * cost.lanes) return undefined
  return { cost, salt: Buffer.from(salt, 'base64'), hash: Buffer.from(hash, 'base64') }
}

/** PHC strings have base64 without `=`. */
const unpadded = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64').replace(/=+$/, '')
