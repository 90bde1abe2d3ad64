/** Two numbers that say what a payload is like, without parsing it. */
export interface Shape {
  /** The same for payloads with the same members and kinds of values. */
  readonly structure: number
  /** The same while words and truth values stay; numbers, times and ids may change. */
  readonly words: number
}

const SEED = 2_166_136_261
const mix = (hash: number, value: number) => Math.imul(hash ^ value, 16_777_619)

const QUOTE = 34
const BACKSLASH = 92
const COLON = 58
const isSpace = (code: number) => code === 32 || code === 10 || code === 13 || code === 9
const isDigit = (code: number) => code >= 48 && code <= 57
const isNumeric = (code: number) =>
  isDigit(code) || code === 45 || code === 46 || code === 43 || code === 101 || code === 69

const NUMBER = /^\s*-?\d[\d.eE+-]*\s*$/
/** A longer text is a line of a log: its words are no state. */
const LONGEST_STATE = 64

/** Runs for every message that arrives; broken JSON has a shape too. */
export function shapeOf(text: string): Shape {
  const first = text.charCodeAt(0)
  if (first === 123 || first === 91) return jsonShape(text)
  if (NUMBER.test(text)) return { structure: 1, words: 0 }
  return { structure: 2, words: text.length > LONGEST_STATE ? 0 : hashOf(text, 0, text.length) }
}

function hashOf(text: string, from: number, to: number): number {
  let hash = SEED
  for (let at = from; at < to; at++) hash = mix(hash, text.charCodeAt(at))
  return hash
}

function jsonShape(text: string): Shape {
  let structure = SEED
  let words = SEED
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (isSpace(code)) continue
    if (code === QUOTE) {
      const end = endOfString(text, at + 1)
      if (isName(text, end + 1)) structure = mix(structure, hashOf(text, at + 1, end))
      else {
        structure = mix(structure, QUOTE)
        // What begins with a digit is a time, a version or an id.
        if (!isDigit(text.charCodeAt(at + 1))) words = mix(words, hashOf(text, at + 1, end))
      }
      at = end
    } else if (isDigit(code) || code === 45) {
      structure = mix(structure, 48)
      while (isNumeric(text.charCodeAt(at + 1))) at++
    } else {
      // A truth value is not structure: true, false and null stand in one place.
      if (code > 96 && code < 123) words = mix(words, code)
      else structure = mix(structure, code)
    }
  }
  return { structure, words }
}

function endOfString(text: string, from: number): number {
  let at = from
  while (at < text.length && text.charCodeAt(at) !== QUOTE) at += text.charCodeAt(at) === BACKSLASH ? 2 : 1
  return at
}

function isName(text: string, from: number): boolean {
  let at = from
  while (isSpace(text.charCodeAt(at))) at++
  return text.charCodeAt(at) === COLON
}
