import { hash } from 'node:crypto'

/** HMAC-SHA-256 of a text in UTF-8, in base64url. */
export type Hmac = (text: string) => string

/** SHA-256 works on blocks of that many bytes (FIPS 180-4, 1). */
const BLOCK_BYTES = 64
const HASH_BYTES = 32
const INNER = 0x36
const OUTER = 0x5c
/** UTF-8 takes at most three bytes for a UTF-16 code unit. */
const MOST_BYTES_OF_A_UNIT = 3
const SMALLEST_ROOM_BYTES = 1024

/**
 * HMAC by its definition (RFC 2104, 2) over one-shot hashes: `createHmac` makes and looks up so many things that a text of 300
 * bytes takes it twice as long, and each call of the hub is signed. Throws RangeError for a key of more than 64 bytes.
 */
export function hmacSha256(key: Buffer): Hmac {
  if (key.length > BLOCK_BYTES) throw new RangeError(`The key has ${key.length} bytes; the most are ${BLOCK_BYTES}.`)
  let inner = padded(key, INNER, SMALLEST_ROOM_BYTES)
  const outer = padded(key, OUTER, HASH_BYTES)
  return (text) => {
    const most = text.length * MOST_BYTES_OF_A_UNIT
    if (BLOCK_BYTES + most > inner.length) inner = padded(key, INNER, 2 * most)
    const end = BLOCK_BYTES + inner.write(text, BLOCK_BYTES)
    outer.write(hash('sha256', inner.subarray(0, end), 'latin1'), BLOCK_BYTES, 'latin1')
    return hash('sha256', outer, 'base64url')
  }
}

/** The key, spread over a block, with room behind it. */
function padded(key: Buffer, pad: number, room: number): Buffer {
  const block = Buffer.alloc(BLOCK_BYTES + room)
  for (let at = 0; at < BLOCK_BYTES; at++) block[at] = (key[at] ?? 0) ^ pad
  return block
}
