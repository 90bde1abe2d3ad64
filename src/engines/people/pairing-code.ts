import { randomInt } from 'node:crypto'
import { hashToken } from '../../kernel/identity.ts'

/** Without 0, O, 1, I and L, which are taken for one another. */
const LETTERS = '23456789ABCDEFGHJKMNPQRSTUVWXYZ'
const GROUPS = 3
const GROUP_LENGTH = 4
const CODE = new RegExp(`^[${LETTERS}]{${GROUPS * GROUP_LENGTH}}$`)

/** 12 of 31 letters, 59 bits: `K7QM-3XHD-9FTW`. */
export function createPairingCode(): string {
  const letters = Array.from({ length: GROUPS * GROUP_LENGTH }, () => LETTERS.charAt(randomInt(LETTERS.length)))
  return Array.from({ length: GROUPS }, (_, at) =>
    letters.slice(at * GROUP_LENGTH, (at + 1) * GROUP_LENGTH).join(''),
  ).join('-')
}

/** What is kept of a code, however it was typed; undefined: it is none. */
export function hashPairingCode(typed: string): string | undefined {
  // Longer than any code with spaces between all of its letters.
  if (typed.length > 100) return undefined
  const code = typed.toUpperCase().replaceAll(/[\s\p{Pd}]/gu, '')
  if (!CODE.test(code)) return undefined
  return hashToken(`pairing ${code}`)
}
