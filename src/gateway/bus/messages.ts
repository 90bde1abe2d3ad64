import type { Caller } from '../../kernel/caller.ts'
import { Fault, FAULTS, type FaultBody, type FaultCode } from '../../kernel/fault.ts'
import { readJsonBytes } from '../../kernel/json.ts'
import { isObject } from '../../kernel/mcp/message.ts'
import type { Progress } from '../../kernel/tool.ts'

/** What fits into one message, in bytes: brokers cut off who sends more than they take. */
export const LONGEST_MESSAGE_BYTES = 8_000_000

/** What a hub asks. Numbers go up by one for each call of one hub to one process. */
export type Request =
  | {
      readonly is: 'call'
      /** The run of the hub that asks: answers go there. */
      readonly hub: string
      readonly number: number
      /** Every call with a smaller number is settled: its answer need not be kept. */
      readonly floor: number
      readonly operation: string
      readonly input: unknown
      readonly caller: Caller
      readonly trace?: string
    }
  | { readonly is: 'cancel'; readonly hub: string; readonly number: number }
  /** Are you there? */
  | { readonly is: 'hello'; readonly hub: string }

/** What a process answers; `boot` is the run of it that does. */
export type Answer =
  | { readonly is: 'here'; readonly boot: string }
  | { readonly is: 'progress'; readonly boot: string; readonly number: number; readonly progress: Progress }
  | { readonly is: 'result'; readonly boot: string; readonly number: number; readonly value: unknown }
  /** `ran`: false where nothing was done, so that somebody else may be asked whatever the call does. */
  | {
      readonly is: 'fault'
      readonly boot: string
      readonly number: number
      readonly ran: boolean
      readonly fault: FaultBody
    }

/** Undefined for what is no request: only hubs write there, and one of another version may say more than this knows. */
export function readRequest(payload: Buffer): Request | undefined {
  const message = readMessage(payload, 'The request')
  const { is, hub, number, floor, operation, caller } = message
  if (typeof hub !== 'string') return undefined
  if (is === 'hello') return { is, hub }
  if (typeof number !== 'number') return undefined
  if (is === 'cancel') return { is, hub, number }
  if (is !== 'call' || typeof floor !== 'number' || typeof operation !== 'string' || !isCaller(caller)) return undefined
  return message as unknown as Request
}

/** Undefined for what is no answer. Throws Fault `invalid_request` for what is no JSON. */
export function readAnswer(payload: Buffer): Answer | undefined {
  const message = readMessage(payload, 'The answer')
  const { is, boot, number, progress, fault } = message
  if (typeof boot !== 'string') return undefined
  if (is === 'here') return { is, boot }
  if (typeof number !== 'number') return undefined
  if (is === 'result') return { is, boot, number, value: message['value'] }
  if (is === 'progress' && isObject(progress) && typeof progress['progress'] === 'number')
    return { is, boot, number, progress: progress as unknown as Progress }
  if (is !== 'fault' || !isObject(fault) || typeof fault['message'] !== 'string') return undefined
  return {
    is,
    boot,
    number,
    ran: message['ran'] !== false,
    fault: { retryable: true, ...fault } as unknown as FaultBody,
  }
}

/** The fault that the service threw, as it threw it; a code that this hub does not know is a failure of the other side. */
export function faultOf({ code, message, hint, retry_after_ms: retryAfterMs, details, retryable }: FaultBody): Fault {
  const known: FaultCode = Object.hasOwn(FAULTS, code) ? code : 'upstream_failed'
  return new Fault(known, message, {
    ...(typeof hint === 'string' && { hint }),
    ...(typeof retryAfterMs === 'number' && { retryAfterMs }),
    ...(isObject(details) && { details }),
    ...(!retryable && { retryable }),
  })
}

function readMessage(payload: Buffer, what: string): Readonly<Record<string, unknown>> {
  if (payload.length > LONGEST_MESSAGE_BYTES)
    throw new Fault('too_large', `${what} has ${payload.length} bytes; ${LONGEST_MESSAGE_BYTES} are allowed.`)
  const message = readJsonBytes(payload, what)
  return isObject(message) ? message : {}
}

function isCaller(value: unknown): value is Caller {
  if (!isObject(value)) return false
  const { id, name, scopes, via } = value
  return [id, name, via].every((text) => typeof text === 'string') && Array.isArray(scopes)
}
