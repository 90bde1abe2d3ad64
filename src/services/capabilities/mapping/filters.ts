/** Changes a value; undefined: there is nothing left of it. Total: it takes anything and throws for nothing. */
export type Filter = (value: unknown, argument: unknown) => unknown

/** Beginnings of a JSON value that are tried in one text: prose can hold very many brackets. */
const MOST_TRIES = 50

export const FILTERS: Readonly<Record<string, Filter>> = {
  /** As JSON text: also the safe way to put a value into a program's source. */
  json: (value) => jsonText(value),
  /** The first JSON object or list in a text, however much prose stands around it. */
  parse: (value) => (typeof value === 'string' ? firstJson(value) : value),
  text: (value) => asText(value),
  number(value) {
    const number = typeof value === 'string' && value.trim() === '' ? Number.NaN : Number(asText(value))
    return Number.isFinite(number) ? number : undefined
  },
  trim: (value) => asText(value).trim(),
  lower: (value) => asText(value).toLowerCase(),
  lines: (value) =>
    asText(value)
      .split(/\r?\n/)
      .filter((line) => line.trim() !== ''),
  /** Of a list, what has the pattern in it; `*` is anything. Without a pattern: all. */
  like(value, pattern) {
    if (!Array.isArray(value) || pattern === undefined || pattern === null) return value
    const pieces = asText(pattern).toLowerCase().split('*')
    return value.filter((item) => hasInOrder(asText(item).toLowerCase(), pieces))
  },
  first: (value) => (Array.isArray(value) ? (value[0] as unknown) : value),
}

/** A value inside a longer text. */
export function asText(value: unknown): string {
  return typeof value === 'string' ? value : jsonText(value)
}

function jsonText(value: unknown): string {
  try {
    return JSON.stringify(value) ?? ''
  } catch {
    // A cycle, a bigint: nothing that came as JSON, but an operation may answer with anything.
    return ''
  }
}

function firstJson(text: string): unknown {
  let tries = 0
  for (const { index } of text.matchAll(/[{[]/g)) {
    if (++tries > MOST_TRIES) return undefined
    const end = endOfValue(text, index)
    if (end === -1) continue
    try {
      return JSON.parse(text.slice(index, end))
    } catch {
      // Brackets of the prose.
    }
  }
  return undefined
}

/** Behind the bracket that closes the one at `from`; -1: none does. */
function endOfValue(text: string, from: number): number {
  let depth = 0
  let inString = false
  for (let at = from; at < text.length; at++) {
    const char = text[at]
    if (inString) {
      if (char === '\\') at++
      else if (char === '"') inString = false
    } else if (char === '"') inString = true
    else if (char === '{' || char === '[') depth++
    else if ((char === '}' || char === ']') && --depth === 0) return at + 1
  }
  return -1
}

/** In time proportional to the text, whatever the pattern: no backtracking. */
function hasInOrder(text: string, pieces: readonly string[]): boolean {
  let at = 0
  return pieces.every((piece) => {
    const found = text.indexOf(piece, at)
    at = found + piece.length
    return found !== -1
  })
}
