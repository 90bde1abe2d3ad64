import { isUtf8 } from 'node:buffer'
import { Fault } from './fault.ts'

/** What walks a value later (validation, output) does so by recursion: deeper than this is an attack or a mistake. */
const DEEPEST = 64

/** JSON that came from outside. `what` begins the message: "The body". Throws Fault `invalid_request`. */
export const readJsonBytes = (bytes: Uint8Array, what: string): unknown => readJsonText(readUtf8(bytes, what), what)

/** Text that came from outside, without a byte order mark. Throws Fault `invalid_request`. */
export function readUtf8(bytes: Uint8Array, what: string): string {
  if (!isUtf8(bytes)) throw new Fault('invalid_request', `${what} is not valid UTF-8.`)
  const { buffer, byteOffset, byteLength } = bytes
  const text = (bytes instanceof Buffer ? bytes : Buffer.from(buffer, byteOffset, byteLength)).toString()
  return text.charCodeAt(0) === BYTE_ORDER_MARK ? text.slice(1) : text
}

const BYTE_ORDER_MARK = 0xfeff

/** The same for what is text already. */
export function readJsonText(text: string, what: string): unknown {
  if (nestsDeeper(text, DEEPEST)) throw new Fault('invalid_request', `${what} nests deeper than ${DEEPEST} levels.`)
  try {
    return JSON.parse(text)
  } catch (cause) {
    // Only the place: the parser's message quotes the text, which may be a secret.
    const where = /at position \d+(?: \(line \d+ column \d+\))?/.exec((cause as Error).message)?.[0]
    throw new Fault('invalid_request', `${what} is not valid JSON${where === undefined ? '' : ` (${where})`}.`, {
      cause,
    })
  }
}

const QUOTE = 0x22
const BACKSLASH = 0x5c

/** Counts brackets outside strings, in one pass and before the parser sees them. */
export function nestsDeeper(text: string, levels: number): boolean {
  let depth = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) at = closingQuote(text, at)
    else if (code === 0x5b || code === 0x7b) {
      if (++depth > levels) return true
    } else if (code === 0x5d || code === 0x7d) depth--
  }
  return false
}

/** Characters of a text that are looked at one by one; where it goes on, a search is quicker. */
const SHORT = 32

/** The end of everything where there is none. */
function closingQuote(text: string, opening: number): number {
  const near = Math.min(opening + SHORT, text.length)
  for (let at = opening + 1; at < near; at++) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) return at
    if (code === BACKSLASH) at++
  }
  for (let end = text.indexOf('"', opening + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let first = end
    while (text.charCodeAt(first - 1) === BACKSLASH) first--
    if ((end - first) % 2 === 0) return end
  }
  return text.length
}
