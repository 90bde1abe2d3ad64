import { gunzipSync, inflateSync } from 'node:zlib'
import { MAX_DECODED_BYTES, type Decoded } from './format.ts'

type Compressed = 'gzip' | 'zlib'

/** By RFC 1952 §2.3.1 and RFC 1950 §2.2: their first bytes. */
export function compressedFormat(bytes: Buffer): Compressed | undefined {
  const [first = 0, second = 0, third = 0] = bytes
  if (first === 0x1f && second === 0x8b && third === 8) return 'gzip'
  return (first & 0x8f) === 8 && (second & 0x20) === 0 && (first * 256 + second) % 31 === 0 && bytes.length >= 8
    ? 'zlib'
    : undefined
}

/** Inflates at most `MAX_DECODED_BYTES` and decodes what is inside. Undefined when it is not compressed after all. */
export function readCompressed(
  format: Compressed,
  bytes: Buffer,
  inner: (inflated: Buffer) => Decoded,
): Decoded | undefined {
  try {
    const inflate = format === 'gzip' ? gunzipSync : inflateSync
    const inflated = inflate(bytes, { maxOutputLength: MAX_DECODED_BYTES })
    const { format: within, value, note } = inner(inflated)
    return {
      format,
      ...(value !== undefined && { value }),
      confidence: 'certain',
      note: [`${within} inside, ${inflated.length} bytes`, note].filter((part) => part !== undefined).join('; '),
    }
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'ERR_BUFFER_TOO_LARGE')
      return format === 'gzip' ? { format, confidence: 'likely', note: 'broken: it cannot be inflated' } : undefined
    return { format, confidence: 'certain', note: `more than ${MAX_DECODED_BYTES} bytes inside: not inflated` }
  }
}
