import { isUtf8 } from 'node:buffer'
import { isExact } from './exact-number.ts'
import { NUMBER } from './format.ts'

/** Control characters that texts do not have. Escape is looked at apart: device logs colour their lines with it. */
const NOT_TEXT = /[^\P{Cc}\t\n\r]/u

/** The bytes as text, or undefined when they are none: not UTF-8, or with control characters. */
export function textOf(bytes: Buffer): string | undefined {
  if (!isUtf8(bytes)) return undefined
  const text = bytes.toString('utf8')
  return NOT_TEXT.test(text.includes('\u001b') ? text.replaceAll('\u001b', '') : text) ? undefined : text
}

/** Without the beginning of a character whose other bytes were cut off; a character has at most four. */
export function withoutBrokenEnd(bytes: Buffer): Buffer {
  const ends = [0, 1, 2, 3].map((missing) => bytes.subarray(0, Math.max(bytes.length - missing, 0)))
  return ends.find((whole) => isUtf8(whole)) ?? bytes
}

/** A cell of CSV or a value of `key=value`: numbers and booleans as such, where that loses no digit. */
export function scalarOf(text: string): string | number | boolean {
  if (NUMBER.test(text)) return isExact(text) ? Number(text) : text
  return text === 'true' ? true : text === 'false' ? false : text
}
