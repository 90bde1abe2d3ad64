import { isExact } from './exact-number.ts'
import { MAX_DEPTH, type Decoded } from './format.ts'

/** Sixteen digits in a row, with or without a point: perhaps more than a double holds. Exponents may overflow one. */
const LONG_NUMBER = /\d(?:\.?\d){15}|\d[eE][+-]?\d{3}/

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COLON = 0x3a

/** What JSON begins with, when it is more than a number or a boolean. */
const JSON_START = /^[[{"]|^null$/

export const looksLikeJson = (trimmed: string) => JSON_START.test(trimmed)

/**
 * JSON (RFC 8259), or undefined when it is not. Numbers whose digits a double would change are kept as strings and
 * noted, so are repeated members. Nesting beyond `MAX_DEPTH` is recognised and not read.
 */
export function readJson(text: string): Decoded | undefined {
  const shape = shapeOf(text)
  if (shape.depth > MAX_DEPTH)
    return { format: 'json', confidence: 'likely', note: `nests deeper than ${MAX_DEPTH} levels: not read` }
  const notes: string[] = []
  const value = LONG_NUMBER.test(text) ? parseExactly(text, notes) : parse(text)
  if (value === undefined) return undefined
  const repeated = shape.members - membersOf(value)
  if (repeated > 0) notes.push(`${repeated} repeated member${repeated === 1 ? '' : 's'}: the last one counts`)
  return { format: 'json', value, confidence: 'certain', ...(notes.length > 0 && { note: notes.join('; ') }) }
}

/** One JSON text a line (two or more), or undefined. */
export function readNdjson(text: string): Decoded | undefined {
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  if (lines.length < 2 || !lines.every((line) => /^\s*[[{]/.test(line))) return undefined
  const notes = new Set<string>()
  const values: unknown[] = []
  for (const line of lines) {
    const decoded = readJson(line)
    if (decoded?.value === undefined) return undefined
    if (decoded.note !== undefined) notes.add(decoded.note)
    values.push(decoded.value)
  }
  return {
    format: 'ndjson',
    value: values,
    confidence: 'certain',
    ...(notes.size > 0 && { note: [...notes].slice(0, 3).join('; ') }),
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function parseExactly(text: string, notes: string[]): unknown {
  let kept = 0
  // The reviver gets the source text of a number (ECMA-262, JSON.parse source text access).
  const revive = (_key: string, value: unknown, context?: { source?: string }) => {
    if (typeof value !== 'number' || context?.source === undefined || isExact(context.source)) return value
    kept += 1
    return context.source
  }
  try {
    const value: unknown = JSON.parse(text, revive)
    if (kept > 0) notes.push(`${kept} number${kept === 1 ? '' : 's'} kept as text: it has more digits than a double`)
    return value
  } catch {
    return undefined
  }
}

/** How deep it nests and how many members it writes, in one pass before the parser sees it. */
function shapeOf(text: string): { depth: number; members: number } {
  let depth = 0
  let deepest = 0
  let members = 0
  let inString = false
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (inString) {
      if (code === BACKSLASH) at++
      else if (code === QUOTE) inString = false
    } else if (code === QUOTE) inString = true
    else if (code === COLON) members += 1
    else if (code === 0x5b || code === 0x7b) deepest = Math.max(deepest, ++depth)
    else if (code === 0x5d || code === 0x7d) depth--
  }
  return { depth: deepest, members }
}

/** Members of all objects in it: fewer than were written when some had the same name. */
function membersOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  const children: unknown[] = Array.isArray(value) ? value : Object.values(value)
  let members = Array.isArray(value) ? 0 : children.length
  for (const child of children) members += membersOf(child)
  return members
}
