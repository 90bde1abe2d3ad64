import { Fault } from '../../kernel/fault.ts'

/** Nested deeper than this, a value is an attack or a mistake; a recursive schema would overflow the stack on it. */
const DEEPEST = 64

/** A request's payload may be this long, in bytes; results that need more input than this do not exist. */
export const LONGEST_REQUEST_BYTES = 1_000_000

/** The payload as a value; an empty one is `{}`. Throws Fault `invalid_request` or `too_large`. */
export function readJson(payload: Buffer): unknown {
  if (payload.length > LONGEST_REQUEST_BYTES)
    throw new Fault('too_large', `The request has ${payload.length} bytes; ${LONGEST_REQUEST_BYTES} are allowed.`)
  const text = textOf(payload)
  if (text.trim() === '') return {}
  if (depthOf(text) > DEEPEST)
    throw new Fault('invalid_request', `The request is nested deeper than ${DEEPEST} levels.`)
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new Fault('invalid_request', 'The request is not JSON.', {
      hint: 'Send the operation’s arguments as one JSON object, for example {"name": "value"}.',
      cause: error,
    })
  }
}

function textOf(payload: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(payload)
  } catch (error) {
    throw new Fault('invalid_request', 'The request is not UTF-8 text.', { cause: error })
  }
}

/** How deep brackets nest, strings left out; it need not be right for what is not JSON. */
function depthOf(text: string): number {
  let depth = 0
  let deepest = 0
  let inString = false
  for (let at = 0; at < text.length; at++) {
    const char = text[at]
    if (inString) {
      if (char === '\\') at++
      else if (char === '"') inString = false
    } else if (char === '"') inString = true
    else if (char === '{' || char === '[') deepest = Math.max(deepest, ++depth)
    else if (char === '}' || char === ']') depth--
  }
  return deepest
}
