import { pbkdf2Sync, randomBytes, timingSafeEqual } from 'node:crypto'

/**
 * Mosquitto computes them on its only thread, so each login holds up everybody for that long: about ten milliseconds. Its own
 * `mosquitto_passwd` takes 101 rounds.
 */
const ROUNDS = 10_000
const SALT_BYTES = 12
const HASH_BYTES = 64

/** A line's second half as Mosquitto 2 reads it: PBKDF2 with HMAC-SHA-512. */
const HASHED = /^\$7\$([1-9]\d{0,6})\$([\w+/=]+)\$([\w+/=]+)$/

export function hashForMosquitto(password: string): string {
  const salt = randomBytes(SALT_BYTES)
  const hash = pbkdf2Sync(password, salt, ROUNDS, HASH_BYTES, 'sha512')
  return `$7$${ROUNDS}$${salt.toString('base64')}$${hash.toString('base64')}`
}

/** Whether the password is the one that was hashed; no for what is in another form. */
export function isHashOf(hashed: string, password: string): boolean {
  const [, rounds = '', salt = '', hash = ''] = HASHED.exec(hashed) ?? []
  const expected = Buffer.from(hash, 'base64')
  if (expected.length !== HASH_BYTES) return false
  return timingSafeEqual(
    expected,
    pbkdf2Sync(password, Buffer.from(salt, 'base64'), Number(rounds), HASH_BYTES, 'sha512'),
  )
}

/** The parts of a hash, as the dynamic security plugin wants them. Undefined for what is in another form. */
export function partsOfHash(hashed: string): { password: string; salt: string; iterations: number } | undefined {
  const [, rounds, salt, password] = HASHED.exec(hashed) ?? []
  if (rounds === undefined || salt === undefined || password === undefined) return undefined
  return { password, salt, iterations: Number(rounds) }
}

/** Names and hashes of a password file. What is no such line is left out. */
export function readPasswordFile(text: string): Map<string, string> {
  const lines = text.split('\n').map((line) => /^([^:#\s][^:]*):(\S+)$/.exec(line.trim()))
  return new Map(lines.flatMap((match) => (match ? [[match[1] ?? '', match[2] ?? '']] : [])))
}

export const writePasswordFile = (hashes: ReadonlyMap<string, string>): string =>
  [...hashes]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, hash]) => `${name}:${hash}\n`)
    .join('')

/** 130 random bits, in letters and digits that are not taken for one another. */
export function newPassword(): string {
  const letters = 'abcdefghijkmnpqrstuvwxyz23456789'
  return [...randomBytes(26)].map((byte) => letters[byte % letters.length]).join('')
}
