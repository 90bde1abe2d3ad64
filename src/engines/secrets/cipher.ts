import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto'

/** An AES-256 key, and what stands for it in texts and files. */
export interface Key {
  /** 8 hex digits, made from the key; of no help in finding it. */
  readonly id: string
  readonly bytes: Buffer
}

export const KEY_BYTES = 32
/** NIST SP 800-38D, 8.2.2: random nonces of 96 bits; 5.2.1.2: tags of 128 bits. */
const NONCE_BYTES = 12
const TAG_BYTES = 16

/** What sealing adds to a text, bytes. */
export const SEAL_BYTES = NONCE_BYTES + TAG_BYTES

/** NIST SP 800-38D, 8.3: with random nonces no key seals more than 2^32 texts. */
export const MOST_SEALED = 2 ** 32

export const keyOf = (bytes: Buffer): Key => ({
  id: createHash('sha256').update('alicia key id').update(bytes).digest('hex').slice(0, 8),
  bytes,
})

export const newKey = (): Key => keyOf(randomBytes(KEY_BYTES))

/** Nonce, cipher text and tag, one after the other. */
export function sealBytes({ bytes }: Key, plain: Uint8Array, associated: Uint8Array): Buffer {
  const nonce = randomBytes(NONCE_BYTES)
  const cipher = createCipheriv('aes-256-gcm', bytes, nonce).setAAD(associated)
  return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()])
}

/** Undefined when the bytes were changed, cut, or sealed with another key or other associated data. */
export function openBytes({ bytes }: Key, sealed: Uint8Array, associated: Uint8Array): Buffer | undefined {
  if (sealed.length < SEAL_BYTES) return undefined
  // A shorter tag would be easier to forge: the length is fixed here, not taken from the text.
  const decipher = createDecipheriv('aes-256-gcm', bytes, sealed.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES })
  decipher.setAAD(associated).setAuthTag(sealed.subarray(-TAG_BYTES))
  try {
    const plain = decipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES))
    return Buffer.concat([plain, decipher.final()])
  } catch {
    // Which of them it was is nobody's business: that difference helps only whoever tampers.
    return undefined
  }
}
