import { createCipheriv, createDecipheriv } from 'node:crypto'
import { damaged } from './broken.ts'

/** Bytes of plaintext in each chunk but the last. */
export const CHUNK_BYTES = 65_536
const TAG_BYTES = 16
const SEALED_BYTES = CHUNK_BYTES + TAG_BYTES

/**
 * STREAM (Hoang, Reyhanitabar, Rogaway, Vizár 2015; as in age): each chunk under its number, the last one marked as such, so
 * that chunks left out, put in another order, or cut off at the end are noticed. The key is of this file alone, so the number
 * may be the nonce (NIST SP 800-38D, 8.2.1).
 */
function nonceOf(number: number, isLast: boolean): Buffer {
  const nonce = Buffer.alloc(12)
  nonce.writeBigUInt64BE(BigInt(number), 3)
  nonce[11] = isLast ? 1 : 0
  return nonce
}

/** Encrypts what comes, in chunks. The last is empty only where there is nothing at all. */
export async function* encryptChunks(
  key: Buffer,
  plain: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<Buffer> {
  let number = 0
  const sealed = (chunk: Buffer, isLast: boolean) => {
    const cipher = createCipheriv('aes-256-gcm', key, nonceOf(number++, isLast))
    return Buffer.concat([cipher.update(chunk), cipher.final(), cipher.getAuthTag()])
  }
  // One is held back: whether it is the last shows only when another comes.
  let held: Buffer | undefined
  for await (const chunk of cut(plain, CHUNK_BYTES)) {
    if (held) yield sealed(held, false)
    held = chunk
  }
  yield sealed(held ?? Buffer.alloc(0), true)
}

/** Throws Fault `storage_failed` at the first chunk that is not what was encrypted; what came before it is good. */
export async function* decryptChunks(
  key: Buffer,
  sealed: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<Buffer> {
  let number = 0
  const opened = (chunk: Buffer, isLast: boolean) => {
    const tagAt = chunk.length - TAG_BYTES
    if (tagAt < 0) throw damaged()
    const decipher = createDecipheriv('aes-256-gcm', key, nonceOf(number++, isLast), { authTagLength: TAG_BYTES })
    decipher.setAuthTag(chunk.subarray(tagAt))
    try {
      return Buffer.concat([decipher.update(chunk.subarray(0, tagAt)), decipher.final()])
    } catch (cause) {
      throw damaged(cause)
    }
  }
  let held: Buffer | undefined
  for await (const chunk of cut(sealed, SEALED_BYTES)) {
    if (held) yield opened(held, false)
    held = chunk
  }
  if (!held) throw damaged()
  yield opened(held, true)
}

/** The same bytes in pieces of that size; the last may be shorter, and none is empty. */
async function* cut(pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>, bytes: number): AsyncGenerator<Buffer> {
  let parts: Uint8Array[] = []
  let length = 0
  for await (const piece of pieces) {
    let rest = piece
    while (length + rest.length >= bytes) {
      parts.push(rest.subarray(0, bytes - length))
      rest = rest.subarray(bytes - length)
      yield Buffer.concat(parts)
      parts = []
      length = 0
    }
    if (rest.length > 0) parts.push(rest)
    length += rest.length
  }
  if (length > 0) yield Buffer.concat(parts)
}
