import { decode, type Format } from './decode/decode.ts'
import { textOf, withoutBrokenEnd } from './decode/text.ts'
import { Fault } from '../../kernel/fault.ts'

/** A payload as a result carries it. */
export interface DecodedPayload {
  readonly payload: unknown
  readonly encoding: 'text' | 'json' | 'base64'
  readonly format: Format
  /** Bytes of the whole payload, whatever was cut. */
  readonly size: number
  /** Present when only its beginning is here. */
  readonly cut?: true
}

/**
 * The payload as text, JSON value or base64, at most `maxBytes` of it. What a value would not say whole stays as it is:
 * JSON with more digits than a double or with repeated members, Sparkplug metrics whose names are not known.
 */
export function decodePayload(bytes: Buffer, maxBytes: number, topic = ''): DecodedPayload {
  const size = bytes.length
  const { format, value, note } = decode(topic, bytes)
  const asValue = (format === 'json' || format === 'sparkplug-b') && note === undefined && size <= maxBytes
  if (asValue) return { payload: value, encoding: 'json', format, size }
  const text = textOf(bytes)
  const cut = size > maxBytes && { cut: true as const }
  if (text === undefined)
    return { payload: bytes.subarray(0, maxBytes).toString('base64'), encoding: 'base64', format, size, ...cut }
  return { payload: cut ? firstBytes(bytes, maxBytes) : text, encoding: 'text', format, size, ...cut }
}

/**
 * The payload on one line, for lists; at most `maxCharacters`. `head` may be only its beginning: `size` is the whole
 * payload's, in bytes.
 */
export function previewPayload(head: Buffer, size: number, maxCharacters: number): string {
  const text = textOf(size > head.length ? withoutBrokenEnd(head) : head)
  if (text === undefined) return `<${decode('', head).format}, ${size} bytes>`
  const line = text.replace(/\s+/g, ' ').trim()
  const cut = line.length > maxCharacters || size > head.length
  return cut ? `${line.slice(0, maxCharacters - 1).toWellFormed()}…` : line
}

/** Steps back over the continuation bytes (10xxxxxx) of a character that would be cut in two. */
function firstBytes(bytes: Buffer, maxBytes: number): string {
  let end = maxBytes
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--
  return bytes.toString('utf8', 0, end)
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
  const bytes = Buffer.from(compact, 'base64')
  // RFC 4648, 3.5: the last character has bits to spare, which are zero.
  if (bytes.toString('base64') === compact) return bytes
  throw new Fault('invalid_input', 'payload: this is not valid base64 (RFC 4648, with padding).')
}
