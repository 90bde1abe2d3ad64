import { Fault } from '../fault.ts'

/**
 * JSON kept as text. What one side wrote reaches the other side with the same bytes: numbers that a double can't hold,
 * the order of members, escapes. The functions here find and replace members of an object without building its value.
 * The text must be valid JSON already (it was parsed once, to be looked at): they don't check it again.
 */
export type JsonText = string

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const COLON = 0x3a
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d
const SPACE = 0x20

/**
 * The members of an object, each value as its text, in their order. Throws Fault `invalid_request` for a name that stands
 * twice: two parsers could take different ones, and what was checked would not be what is done.
 */
export function readMembers(text: JsonText): Map<string, JsonText> {
  const members = new Map<string, JsonText>()
  let at = skipSpace(text, 0) + 1
  for (;;) {
    at = skipSpace(text, at)
    if (text.charCodeAt(at) === COMMA) at = skipSpace(text, at + 1)
    if (at >= text.length || text.charCodeAt(at) === CLOSE_BRACE) return members
    const keyEnd = skipString(text, at)
    const key = readKey(text, at, keyEnd)
    const start = skipSpace(text, skipSpace(text, keyEnd) + 1)
    at = skipValue(text, start)
    if (members.has(key)) throw twice(key)
    members.set(key, text.slice(start, at))
  }
}

/**
 * The text of one member; undefined: there is none of that name. Throws like `readMembers`, whichever name stands twice. For
 * every call: it makes no map.
 */
export function readMember(text: JsonText, name: string): JsonText | undefined {
  let count = 0
  let found: JsonText | undefined
  let at = skipSpace(text, 0) + 1
  for (;;) {
    at = skipSpace(text, at)
    if (text.charCodeAt(at) === COMMA) at = skipSpace(text, at + 1)
    if (at >= text.length || text.charCodeAt(at) === CLOSE_BRACE) return found
    const keyEnd = skipString(text, at)
    const key = readKey(text, at, keyEnd)
    const start = skipSpace(text, skipSpace(text, keyEnd) + 1)
    at = skipValue(text, start)
    // Among many, each would be compared with all before it: somebody could make that take minutes.
    if (count === MOST_COMPARED || key.length > LONGEST_COPIED) return readMembers(text).get(name)
    for (let known = 0; known < count; known++) if (seenKeys[known] === key) throw twice(key)
    seenKeys[count++] = key
    if (key === name) found = text.slice(start, at)
  }
}

/** Of the object that is looked at; one for all, since each call looks at two. */
const seenKeys: string[] = []
const MOST_COMPARED = 16
/** Characters: of a longer part V8 keeps the whole text, and the list would keep it until somebody overwrites it. */
const LONGEST_COPIED = 12

function readKey(text: JsonText, start: number, end: number): string {
  const raw = text.slice(start + 1, end - 1)
  return raw.includes('\\') ? (JSON.parse(`"${raw}"`) as string) : raw
}

const twice = (key: string) =>
  new Fault('invalid_request', `${JSON.stringify(key.slice(0, 100))} stands twice in the same object.`)

/** The elements of an array, each as its text. */
export function readElements(text: JsonText): JsonText[] {
  const elements: JsonText[] = []
  let at = skipSpace(text, 0) + 1
  for (;;) {
    at = skipSpace(text, at)
    if (text.charCodeAt(at) === COMMA) at = skipSpace(text, at + 1)
    if (at >= text.length || text.charCodeAt(at) === CLOSE_BRACKET) return elements
    const start = at
    at = skipValue(text, start)
    elements.push(text.slice(start, at))
  }
}

/** The object of these members. */
export function writeMembers(members: ReadonlyMap<string, JsonText>): JsonText {
  let out = '{'
  for (const [key, value] of members) out += `${out === '{' ? '' : ','}${JSON.stringify(key)}:${value}`
  return `${out}}`
}

/** The object with these members in place of those of the same names. */
export function withMembers(object: JsonText, values: Readonly<Record<string, unknown>>): JsonText {
  const members = readMembers(object)
  for (const [name, value] of Object.entries(values)) members.set(name, JSON.stringify(value))
  return writeMembers(members)
}

/** The object with that member in its `_meta`, whatever else stands there. */
export function withMeta(object: JsonText, name: string, value: JsonText): JsonText {
  const members = readMembers(object)
  return writeMembers(members.set('_meta', writeMembers(metaIn(members).set(name, value))))
}

/** The object without that member of its `_meta`, and without a `_meta` that holds nothing else. */
export function withoutMeta(object: JsonText, name: string): JsonText {
  const members = readMembers(object)
  const meta = metaIn(members)
  if (!meta.delete(name)) return object
  if (meta.size === 0) members.delete('_meta')
  else members.set('_meta', writeMembers(meta))
  return writeMembers(members)
}

function metaIn(members: ReadonlyMap<string, JsonText>): Map<string, JsonText> {
  const meta = members.get('_meta')
  return meta?.startsWith('{') ? readMembers(meta) : new Map()
}

/** Without the blanks between its parts. */
export function compact(text: JsonText): JsonText {
  let out = ''
  let done = 0
  for (let at = 0; at < text.length; at++) {
    if (text.charCodeAt(at) === QUOTE) at = skipString(text, at) - 1
    else if (text.charCodeAt(at) <= SPACE) {
      out += text.slice(done, at)
      done = at + 1
    }
  }
  return out + text.slice(done)
}

/** How many members all its objects have together, those of one name each for itself. */
export function countMembers(text: JsonText): number {
  let count = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) at = skipString(text, at) - 1
    else if (code === COLON) count++
  }
  return count
}

/** Line ends part messages on stdio and fields of an event; in JSON they are blanks, outside strings only. */
export const oneLine = (text: JsonText): JsonText =>
  text.includes('\n') || text.includes('\r') ? text.replaceAll(/[\n\r]/g, ' ') : text

function skipSpace(text: string, from: number): number {
  let at = from
  while (text.charCodeAt(at) <= SPACE) at++
  return at
}

/** From the opening quote to behind the closing one. */
export function skipString(text: string, from: number): number {
  for (let end = text.indexOf('"', from + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let first = end
    while (text.charCodeAt(first - 1) === BACKSLASH) first--
    if ((end - first) % 2 === 0) return end + 1
  }
  return text.length
}

function skipValue(text: string, from: number): number {
  const first = text.charCodeAt(from)
  if (first === QUOTE) return skipString(text, from)
  if (first !== OPEN_BRACE && first !== OPEN_BRACKET) return skipScalar(text, from)
  let depth = 0
  for (let at = from; at < text.length;) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) {
      at = skipString(text, at)
      continue
    }
    at++
    if (code === OPEN_BRACE || code === OPEN_BRACKET) depth++
    else if ((code === CLOSE_BRACE || code === CLOSE_BRACKET) && --depth === 0) return at
  }
  return text.length
}

function skipScalar(text: string, from: number): number {
  let at = from
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === COMMA || code === CLOSE_BRACE || code === CLOSE_BRACKET || code <= SPACE) break
  }
  return at
}
