import { Fault } from '../../kernel/fault.ts'
import { readJsonBytes } from '../../kernel/json.ts'

export interface BodyLimits {
  /** The largest body, in bytes. */
  readonly bodyBytes: number
}

/** 4 MiB. */
export const BODY_LIMITS: BodyLimits = { bodyBytes: 4 * 1024 * 1024 }

/** Blanks are matched by one part at a time: by two in turn, a header full of them would cost its length squared. */
const JSON_TYPE = /^application\/(?:[a-z0-9!#$&^_.-]+\+)?json(?: *; *charset="?utf-?8"?)? *$/i

/**
 * The JSON value in a request's body; undefined when there is no body. Throws Fault `unsupported_media`, `too_large`
 * (before more than the limit was read), or `invalid_request`.
 */
export async function readJson(request: Request, limits: BodyLimits = BODY_LIMITS): Promise<unknown> {
  const declared = request.headers.get('content-length')
  if (declared === '0') return undefined
  if (declared !== null && Number(declared) > limits.bodyBytes) throw tooLarge(limits)
  // HTTP holds a body to its declared length, so only one without needs counting while it comes in.
  if (declared !== null) requireJsonType(request.headers.get('content-type'))
  const bytes = declared === null ? await readCounting(request, limits) : new Uint8Array(await read(request))
  if (bytes.byteLength === 0) return undefined
  if (bytes.byteLength > limits.bodyBytes) throw tooLarge(limits)
  return readJsonBytes(bytes, 'The body')
}

/** Also keeps other sites out: a form or a simple `fetch` of another origin cannot send JSON without asking first. */
export function requireJsonType(type: string | null | undefined): void {
  if (type === 'application/json' || (typeof type === 'string' && JSON_TYPE.test(type))) return
  throw new Fault('unsupported_media', `The body has the content type ${JSON.stringify((type ?? '').slice(0, 100))}.`, {
    hint: 'Send JSON in UTF-8 with "Content-Type: application/json".',
  })
}

async function read(request: Request): Promise<ArrayBuffer> {
  try {
    return await request.arrayBuffer()
  } catch (cause) {
    throw new Fault('invalid_request', 'The body ended before its announced length.', { cause })
  }
}

async function readCounting(request: Request, limits: BodyLimits): Promise<Uint8Array> {
  if (!request.body) return new Uint8Array()
  const chunks: Uint8Array[] = []
  let bytes = 0
  try {
    for await (const chunk of request.body) {
      // Only now: a POST with neither length nor body (`curl -X POST`) has no type either.
      if (bytes === 0 && chunk.byteLength > 0) requireJsonType(request.headers.get('content-type'))
      bytes += chunk.byteLength
      if (bytes > limits.bodyBytes) throw tooLarge(limits)
      chunks.push(chunk)
    }
  } catch (cause) {
    throw cause instanceof Fault ? cause : new Fault('invalid_request', 'The body broke off.', { cause })
  }
  return Buffer.concat(chunks)
}

export const tooLarge = ({ bodyBytes }: BodyLimits) =>
  new Fault('too_large', `The body is larger than ${bodyBytes} bytes.`, { details: { limit_bytes: bodyBytes } })
