import { randomBytes } from 'node:crypto'

/** RFC 4648, section 6, in lower case: no two of its characters are easily taken for one another. */
const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567'
const KEY_BYTES = 32
const DIGITS = Math.ceil((KEY_BYTES * 8) / 5)
const GROUP = 4

export const newRecoveryKey = (): string => formatRecoveryKey(randomBytes(KEY_BYTES))

/** 52 letters and digits in groups of four: what somebody can write down. */
export function formatRecoveryKey(bytes: Uint8Array): string {
  let value = 0n
  for (const byte of bytes) value = (value << 8n) | BigInt(byte)
  // 256 bits fill 51 digits and a fifth of one more.
  value <<= BigInt(DIGITS * 5 - KEY_BYTES * 8)
  let text = ''
  for (let digit = 0; digit < DIGITS; digit++) {
    text = ALPHABET.charAt(Number(value & 31n)) + text
    value >>= 5n
  }
  return text.match(new RegExp(`.{${GROUP}}`, 'g'))?.join('-') ?? text
}

/** However it was typed: capitals, spaces and dashes do not count. Undefined for what is no recovery key. */
export function parseRecoveryKey(text: string): Buffer | undefined {
  const digits = text.toLowerCase().replaceAll(/[\s-]/g, '')
  if (digits.length !== DIGITS || !/^[a-z2-7]+$/.test(digits)) return undefined
  let value = 0n
  for (const digit of digits) value = (value << 5n) | BigInt(ALPHABET.indexOf(digit))
  value >>= BigInt(DIGITS * 5 - KEY_BYTES * 8)
  return Buffer.from(value.toString(16).padStart(KEY_BYTES * 2, '0'), 'hex')
}
