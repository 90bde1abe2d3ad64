/** What a payload is. Only what its bytes or its topic prove: a guess would mislead whoever reads it. */
export type Format =
  | 'empty'
  | 'json'
  | 'ndjson'
  | 'number'
  | 'boolean'
  | 'xml'
  | 'csv'
  | 'key-value'
  | 'text'
  | 'image/png'
  | 'image/jpeg'
  | 'image/gif'
  | 'image/webp'
  | 'gzip'
  | 'zlib'
  | 'sparkplug-b'
  | 'protobuf'
  | 'binary'

/** A payload as far as it can be understood. */
export interface Decoded {
  readonly format: Format
  /** The parsed value; the string for text; absent for what has none (empty, images, binary) and for what is too large. */
  readonly value?: unknown
  /** `likely`: it has the form, but so could something else (a text with commas is not always CSV). */
  readonly confidence: 'certain' | 'likely'
  /** What a reader should know beside: repeated members, digits kept as text, what is not known. */
  readonly note?: string
}

/** Payloads above this are recognised by their beginning only; bytes. */
export const MAX_DECODED_BYTES = 1_048_576

/** Nesting deeper than this is an attack or a mistake; what walks a value later does so by recursion. */
export const MAX_DEPTH = 64

/** A number as JSON writes it. */
export const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/
