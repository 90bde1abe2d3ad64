import { redactText, SECRET_SHOWN, type RedactedText } from './redact-text.ts'
import { MAY_HAVE_SECRET } from './secret-names.ts'

/** Where a member stands: the names from the root to it; elements of arrays have the name `#`. */
export type MemberTest = (path: readonly string[]) => boolean

const ELEMENT = '#'
const QUOTE = 0x22
const COMMA = 0x2c
const COLON = 0x3a
const BACKSLASH = 0x5c
/** Deeper than this, where a member stands is not followed any more; its name still counts. */
const DEEPEST = 256
const isOpening = (code: number) => code === 0x7b || code === 0x5b
const isClosing = (code: number) => code === 0x7d || code === 0x5d
const isSpace = (code: number) => code === 0x20 || (code >= 0x09 && code <= 0x0d)
/** Values that tell nothing: hiding them would only hide whether a secret is set. */
const EMPTY = new Set(['true', 'false', 'null', '""', '[]', '{}', `"${SECRET_SHOWN}"`])

/**
 * Takes the members that `isSecret` names out of JSON text, in one pass without a parser: also what is cut off, has a
 * member twice or is several documents is cleaned, everything else keeps each of its digits, and no depth is too deep.
 */
export function redactJson(text: string, isSecret: MemberTest): RedactedText {
  const out: string[] = []
  const path: string[] = []
  let redacted = 0
  let copied = 0
  let name: string | undefined
  let at = 0
  /** Levels below the deepest. */
  let below = 0

  const enter = () => {
    if (path.length < DEEPEST) path.push(name ?? ELEMENT)
    else below += 1
    name = undefined
  }

  const leave = () => {
    if (below > 0) below -= 1
    else path.pop()
  }

  const replace = (start: number, end: number, by: string, count: number) => {
    out.push(text.slice(copied, start), by)
    copied = end
    redacted += count
  }

  /** A string: a member's name, then its value is looked at; or a value, which may hold secrets as text. */
  const string = () => {
    const end = stringEnd(text, at)
    const colon = skipSpace(text, end)
    if (text.charCodeAt(colon) !== COLON) {
      const value = text.slice(at + 1, end - 1)
      const inner = MAY_HAVE_SECRET.test(value) ? redactText(value) : undefined
      if (inner && inner.redacted > 0) replace(at + 1, end - 1, inner.text, inner.redacted)
      return end
    }
    const member = unescape(text.slice(at + 1, end - 1))
    const start = skipSpace(text, colon + 1)
    path.push(member)
    const secret = isSecret(path)
    path.pop()
    name = member
    if (!secret) return start
    const valueEnd = endOfValue(text, start)
    if (!EMPTY.has(text.slice(start, Math.min(valueEnd, start + 20)))) replace(start, valueEnd, `"${SECRET_SHOWN}"`, 1)
    return valueEnd
  }

  while (at < text.length) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) {
      at = string()
      continue
    }
    if (isOpening(code)) enter()
    else if (isClosing(code)) leave()
    else if (code === COMMA) name = undefined
    at += 1
  }
  return redacted === 0 ? { text, redacted } : { text: out.join('') + text.slice(copied), redacted }
}

/** Behind the closing quote, or the end of the text. */
function stringEnd(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === BACKSLASH) at += 1
    else if (code === QUOTE) return at + 1
  }
  return text.length
}

function skipSpace(text: string, start: number): number {
  let at = start
  while (isSpace(text.charCodeAt(at))) at += 1
  return at
}

/** Behind the value that begins here. What is never closed goes to the end: better too much than a secret. */
function endOfValue(text: string, start: number): number {
  let depth = 0
  for (let at = start; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) {
      at = stringEnd(text, at) - 1
      if (depth === 0) return at + 1
    } else if (isOpening(code)) depth += 1
    else if (isClosing(code)) {
      if (depth === 0) return at
      depth -= 1
      if (depth === 0) return at + 1
    } else if (depth === 0 && (code === COMMA || isSpace(code))) return at
  }
  return text.length
}

/** The name as a parser would read it; names without escapes, almost all, cost nothing. */
function unescape(raw: string): string {
  if (!raw.includes('\\')) return raw
  try {
    return String(JSON.parse(`"${raw}"`))
  } catch {
    return raw
  }
}
