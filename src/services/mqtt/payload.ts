import { isUtf8 } from 'node:buffer'
import { Fault } from '../../kernel/fault.ts'

/** What a payload looks like. Only what its bytes prove: a guess would mislead whoever reads it. */
export type PayloadFormat =
  | 'empty'
  | 'json'
  | 'number'
  | 'boolean'
  | 'xml'
  | 'text'
  | 'image/png'
  | 'image/jpeg'
  | 'image/gif'
  | 'image/webp'
  | 'binary'

/** A payload as a result carries it. */
export interface DecodedPayload {
  readonly payload: unknown
  readonly encoding: 'text' | 'json' | 'base64'
  readonly format: PayloadFormat
  /** Bytes of the whole payload, whatever was cut. */
  readonly size: number
  /** Present when only its beginning is here. */
  readonly cut?: true
}

/** The first bytes of image files, in hex. */
const IMAGES: readonly (readonly [PayloadFormat, RegExp])[] = [
  ['image/png', /^89504e470d0a1a0a/],
  ['image/jpeg', /^ffd8ff/],
  ['image/gif', /^47494638(?:37|39)61/],
  ['image/webp', /^52494646.{8}57454250/],
]

/** Control characters that texts do not have. Escape is looked at apart: device logs colour their lines with it. */
const NOT_TEXT = /[^\P{Cc}\t\n\r]/u
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/
/** Digits beyond what a double holds: parsed as JSON they would silently become another number. */
const LONG_NUMBER = /\d{16}|\.\d{16}/

/** The payload as text, JSON value or base64, at most `maxBytes` of it. JSON that would lose digits stays text. */
export function decodePayload(bytes: Buffer, maxBytes: number): DecodedPayload {
  const size = bytes.length
  const text = textOf(bytes)
  if (text === undefined) return decodeBinary(bytes, maxBytes)
  const [format, value] = textFormat(text)
  if (size > maxBytes) return { payload: firstBytes(bytes, maxBytes), encoding: 'text', format, size, cut: true }
  if (format === 'json' && !LONG_NUMBER.test(text)) return { payload: value, encoding: 'json', format, size }
  return { payload: text, encoding: 'text', format, size }
}

/**
 * The payload on one line, for lists; at most `maxCharacters`. `head` may be only its beginning: `size` is the whole
 * payload's, in bytes.
 */
export function previewPayload(head: Buffer, size: number, maxCharacters: number): string {
  const text = textOf(size > head.length ? withoutBrokenEnd(head) : head)
  if (text === undefined) return `<${binaryFormat(head)}, ${size} bytes>`
  const line = text.replace(/\s+/g, ' ').trim()
  const cut = line.length > maxCharacters || size > head.length
  return cut ? `${line.slice(0, maxCharacters - 1).toWellFormed()}…` : line
}

/** Without the beginning of a character whose other bytes were cut off; a character has at most four. */
function withoutBrokenEnd(bytes: Buffer): Buffer {
  const ends = [0, 1, 2, 3].map((missing) => bytes.subarray(0, Math.max(bytes.length - missing, 0)))
  return ends.find((whole) => isUtf8(whole)) ?? bytes
}

function textOf(bytes: Buffer): string | undefined {
  if (!isUtf8(bytes)) return undefined
  const text = bytes.toString('utf8')
  return isText(text) ? text : undefined
}

const isText = (text: string) => !NOT_TEXT.test(text.replaceAll('\u001b', ''))

/** Steps back over the continuation bytes (10xxxxxx) of a character that would be cut in two. */
function firstBytes(bytes: Buffer, maxBytes: number): string {
  let end = maxBytes
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--
  return bytes.toString('utf8', 0, end)
}

function textFormat(text: string): [PayloadFormat, unknown?] {
  const trimmed = text.trim()
  if (text === '') return ['empty']
  if (trimmed === 'true' || trimmed === 'false') return ['boolean']
  if (NUMBER.test(trimmed)) return ['number']
  if (/^[[{"]|^null$/.test(trimmed)) {
    try {
      return ['json', JSON.parse(trimmed)]
    } catch {
      return ['text']
    }
  }
  return [/^<(?:\?xml\s|[a-zA-Z_][\w:.-]*[\s/>])[^]*>$/.test(trimmed) ? 'xml' : 'text']
}

function decodeBinary(bytes: Buffer, maxBytes: number): DecodedPayload {
  const payload = bytes.subarray(0, maxBytes).toString('base64')
  const cut = bytes.length > maxBytes
  return { payload, encoding: 'base64', format: binaryFormat(bytes), size: bytes.length, ...(cut && { cut }) }
}

function binaryFormat(bytes: Buffer): PayloadFormat {
  const head = bytes.toString('hex', 0, 12)
  return IMAGES.find(([, magic]) => magic.test(head))?.[0] ?? 'binary'
}

/** How the payload of a message to publish is to be read. */
export type PayloadEncoding = 'auto' | 'text' | 'json' | 'base64'

/**
 * The bytes to publish. `auto`: a string as it is, `{base64: "…"}` as bytes, anything else as JSON.
 * Throws Fault `invalid_input`.
 */
export function encodePayload(payload: unknown, encoding: PayloadEncoding): Buffer {
  if (encoding === 'json') return Buffer.from(JSON.stringify(payload))
  if (typeof payload === 'string') return encoding === 'base64' ? fromBase64(payload) : Buffer.from(payload)
  const wrapped = encoding === 'text' ? undefined : base64In(payload)
  if (wrapped !== undefined) return fromBase64(wrapped)
  if (encoding === 'auto') return Buffer.from(JSON.stringify(payload))
  throw new Fault('invalid_input', `payload: with payload_encoding ${encoding} it must be a string.`)
}

function base64In(payload: unknown): string | undefined {
  if (typeof payload !== 'object' || payload === null) return undefined
  const [entry, ...more] = Object.entries(payload)
  return entry?.[0] === 'base64' && typeof entry[1] === 'string' && more.length === 0 ? entry[1] : undefined
}

/** Node decodes anything; a typing error would be published as other bytes. */
export function fromBase64(text: string): Buffer {
  const compact = text.replace(/\s/g, '')
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(compact))
    throw new Fault('invalid_input', 'payload: this is not valid base64 (RFC 4648, with padding).')
  return Buffer.from(compact, 'base64')
}
