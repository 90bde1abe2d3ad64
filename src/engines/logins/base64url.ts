import { isUtf8 } from 'node:buffer'

const SHAPE = /^[A-Za-z0-9_-]*$/

/**
 * The bytes of unpadded base64url (RFC 7515, 2); undefined where the text is not the one way to write them. Node skips what it
 * does not know, so a token would otherwise have many spellings.
 */
export function bytesOf(text: string): Buffer | undefined {
  if (!SHAPE.test(text)) return undefined
  const bytes = Buffer.from(text, 'base64url')
  return bytes.toString('base64url') === text ? bytes : undefined
}

/** The JSON object in such bytes; undefined for anything else. */
export function objectOf(text: string): Readonly<Record<string, unknown>> | undefined {
  const bytes = bytesOf(text)
  // RFC 7519, 7.2: of bytes that are no UTF-8 two readers make two texts.
  if (bytes === undefined || !isUtf8(bytes)) return undefined
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'))
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Readonly<Record<string, unknown>>)
      : undefined
  } catch {
    return undefined
  }
}

export const base64urlJson = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
