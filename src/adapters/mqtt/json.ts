import { Fault } from '../../kernel/fault.ts'
import { readJsonBytes } from '../../kernel/json.ts'

/** A request's payload may be this long, in bytes; results that need more input than this do not exist. */
export const LONGEST_REQUEST_BYTES = 1_000_000

/** The payload as a value; an empty one is `{}`. Throws Fault `invalid_request` or `too_large`. */
export function readJson(payload: Buffer): unknown {
  if (payload.length > LONGEST_REQUEST_BYTES)
    throw new Fault('too_large', `The request has ${payload.length} bytes; ${LONGEST_REQUEST_BYTES} are allowed.`)
  return payload.toString('latin1').trim() === '' ? {} : readJsonBytes(payload, 'The request')
}
