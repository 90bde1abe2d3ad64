import { compressedFormat, readCompressed } from './compressed.ts'
import { readCsv } from './csv.ts'
import { isExact } from './exact-number.ts'
import { MAX_DECODED_BYTES, NUMBER, type Decoded, type Format } from './format.ts'
import { looksLikeJson, readJson, readNdjson } from './json.ts'
import { readKeyValue } from './key-value.ts'
import { protobufReader, type ProtobufMapping } from './protobuf.ts'
import { createAliases, type Aliases } from './sparkplug-aliases.ts'
import { readSparkplug, sparkplugOrigin } from './sparkplug.ts'
import { textOf, withoutBrokenEnd } from './text.ts'
import { looksLikeXml, readXml } from './xml.ts'

export type { Decoded, Format } from './format.ts'

/** Decodes messages one after the other; remembers what Sparkplug's BIRTHs announced. Never throws. */
export interface Decoder {
  decode(topic: string, payload: Buffer): Decoded
}

/** A decoder of its own for each connection or recording: aliases of one home mean nothing in another. */
export function createDecoder({ protobuf = [] }: { protobuf?: readonly ProtobufMapping[] } = {}): Decoder {
  const aliases = createAliases()
  const mapped = protobufReader(protobuf)
  return { decode: (topic, payload) => mapped(topic, payload) ?? decodeWith(aliases, topic, payload) }
}

/** One message by itself. Sparkplug metrics that come by alias stay unknown: use `createDecoder` for a stream. */
export const decode = (topic: string, payload: Buffer): Decoded => decodeWith(undefined, topic, payload)

function decodeWith(aliases: Aliases | undefined, topic: string, payload: Buffer): Decoded {
  if (payload.length === 0) return { format: 'empty', confidence: 'certain' }
  if (payload.length > MAX_DECODED_BYTES) return beginningOf(payload)
  const origin = sparkplugOrigin(topic)
  if (origin)
    return (
      readSparkplug(origin, payload, aliases ?? createAliases()) ?? {
        ...decodeBytes(payload),
        note: 'not a Sparkplug B payload',
      }
    )
  return decodeBytes(payload)
}

function decodeBytes(payload: Buffer): Decoded {
  const text = textOf(payload)
  if (text !== undefined) return decodeText(text)
  return decodeBinary(payload) ?? { format: 'binary', confidence: 'certain' }
}

/** The first bytes of image files, in hex. */
const IMAGES: readonly (readonly [Format, RegExp])[] = [
  ['image/png', /^89504e470d0a1a0a/],
  ['image/jpeg', /^ffd8ff/],
  ['image/gif', /^47494638(?:37|39)61/],
  ['image/webp', /^52494646.{8}57454250/],
]

const imageFormat = (payload: Buffer): Format | undefined => {
  const head = payload.toString('hex', 0, 12)
  return IMAGES.find(([, magic]) => magic.test(head))?.[0]
}

function decodeBinary(payload: Buffer): Decoded | undefined {
  const image = imageFormat(payload)
  if (image) return { format: image, confidence: 'certain' }
  const compressed = compressedFormat(payload)
  // What is inside is looked at once: a parcel in a parcel is not unpacked.
  return compressed && readCompressed(compressed, payload, (inflated) => inflatedContent(inflated))
}

function inflatedContent(inflated: Buffer): Decoded {
  const text = textOf(inflated)
  return text === undefined ? { format: imageFormat(inflated) ?? 'binary', confidence: 'certain' } : decodeText(text)
}

function decodeText(text: string): Decoded {
  const marked = text.startsWith('\ufeff')
  const decoded = decodeTrimmed(marked ? text.slice(1) : text)
  return marked
    ? { ...decoded, note: ['begins with a byte order mark', decoded.note].filter(Boolean).join('; ') }
    : decoded
}

function decodeTrimmed(text: string): Decoded {
  const trimmed = text.trim()
  if (trimmed === 'true' || trimmed === 'false')
    return { format: 'boolean', value: trimmed === 'true', confidence: 'certain' }
  if (NUMBER.test(trimmed))
    return isExact(trimmed)
      ? { format: 'number', value: Number(trimmed), confidence: 'certain' }
      : { format: 'number', value: trimmed, confidence: 'certain', note: 'kept as text: more digits than a double' }
  if (looksLikeJson(trimmed)) return readJson(trimmed) ?? readNdjson(trimmed) ?? brokenJson(text, trimmed)
  if (looksLikeXml(trimmed)) return readXml(trimmed)
  return readCsv(text) ?? readKeyValue(text) ?? plainText(text)
}

/** Brackets alone make no JSON: `[INFO] started` is a line of a log. */
function brokenJson(text: string, trimmed: string): Decoded {
  const note = /^\{\s*"|^\[\s*[[{"\d]/.test(trimmed) ? { note: 'looks like JSON, but is broken or cut off' } : {}
  return { format: 'text', value: text, confidence: 'certain', ...note }
}

function plainText(text: string): Decoded {
  const note = encodedNote(text.trim())
  return { format: 'text', value: text, confidence: 'certain', ...(note !== undefined && { note }) }
}

const HEX = /^(?:[\da-f]{2}){16,}$|^(?:[\dA-F]{2}){16,}$/
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

/** Base64 and hex are said, not undone: a name or an id can have that form too. */
function encodedNote(text: string): string | undefined {
  if (HEX.test(text)) return `perhaps hex of ${text.length / 2} bytes`
  const mixed = text.length >= 16 && /[a-z]/.test(text) && /[A-Z]/.test(text) && /[\d+/=]/.test(text)
  if (!mixed || !BASE64.test(text)) return undefined
  const image = imageFormat(Buffer.from(text.slice(0, 24), 'base64'))
  return `${image ? '' : 'perhaps '}base64${image ? ` of ${image}` : ''}`
}

const HEAD_BYTES = 4096

function beginningOf(payload: Buffer): Decoded {
  const head = payload.subarray(0, HEAD_BYTES)
  const note = `${payload.length} bytes: recognised by the beginning, not read`
  const text = textOf(withoutBrokenEnd(head))
  const format =
    text === undefined ? (imageFormat(head) ?? compressedFormat(head) ?? 'binary') : headFormat(text.trimStart())
  return { format, confidence: 'likely', note }
}

const headFormat = (text: string): Format =>
  /^[[{]\s*["[{\d]/.test(text) ? 'json' : /^<(?:\?xml\s|[A-Za-z])/.test(text) ? 'xml' : 'text'
