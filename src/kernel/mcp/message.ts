import { Fault, faultBody, faultText } from '../fault.ts'
import { MOST_IN_BATCH, MOST_RUNNING, RPC } from './protocol.ts'
import { readMember, type JsonText } from './raw.ts'
import { RelayedError, type RelayedErrorBody } from './relayed.ts'

/** MCP allows strings and integers, never null (2026-07-28, basic, "Requests"). */
export type Id = string | number

export type ExactId = Id | bigint

export type Params = Readonly<Record<string, unknown>>

export interface Request {
  readonly kind: 'request'
  readonly id: Id
  /** As the answer repeats it: with every digit, where it is an integer that no double holds. */
  readonly exactId: ExactId
  readonly method: string
  readonly params: Params
}

export interface Notification {
  readonly kind: 'notification'
  readonly method: string
  readonly params: Params
}

/** The answer to what was asked of the other side. */
export interface Response {
  readonly kind: 'response'
  readonly id: Id
  /** One of the two; a result's members are up to its method. */
  readonly outcome: { readonly result: Params } | { readonly error: RelayedErrorBody }
}

/** What one JSON value turned out to be. */
export type Message =
  | Request
  | Notification
  | Response
  | { readonly kind: 'invalid'; readonly id: Id | undefined; readonly why: string }

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isId = (id: unknown): id is Id => typeof id === 'string' || (typeof id === 'number' && Number.isInteger(id))

/** Sorts one parsed JSON value by the shapes of JSON-RPC 2.0. `text`: what it was parsed from. */
export function readMessage(value: unknown, text?: JsonText): Message {
  if (!isObject(value)) return invalid(undefined, 'a message is a JSON object')
  const { id, method, params } = value
  const known = isId(id) ? id : undefined
  if (value['jsonrpc'] !== '2.0') return invalid(known, 'jsonrpc must be "2.0"')
  if (method === undefined && ('result' in value || 'error' in value)) return readResponse(value, known)
  if (typeof method !== 'string') return invalid(known, 'method must be a string')
  if (params !== undefined && !isObject(params)) return invalid(known, 'params must be an object')
  if (!('id' in value)) return { kind: 'notification', method, params: params ?? {} }
  if (known === undefined) return invalid(undefined, 'id must be a string or an integer')
  return { kind: 'request', id: known, exactId: exactId(known, text), method, params: params ?? {} }
}

/** Clients that take the time in nanoseconds for an id would wait for ever for an answer to another one. */
function exactId(id: Id, text: JsonText | undefined): ExactId {
  if (typeof id === 'string' || Number.isSafeInteger(id) || text === undefined) return id
  const digits = readMember(text, 'id') ?? ''
  return /^-?\d+$/.test(digits) ? BigInt(digits) : id
}

function readResponse({ result, error }: Record<string, unknown>, id: Id | undefined): Message {
  if (id === undefined) return invalid(undefined, 'a response names the id it answers')
  if (isObject(result) && error === undefined) return { kind: 'response', id, outcome: { result } }
  if (!isObject(error) || result !== undefined) return invalid(id, 'a response has a result object or an error')
  const { code, message, data } = error
  if (typeof code !== 'number' || typeof message !== 'string') return invalid(id, 'an error has a code and a message')
  return { kind: 'response', id, outcome: { error: { code, message, ...(data !== undefined && { data }) } } }
}

const invalid = (id: Id | undefined, why: string): Message => ({ kind: 'invalid', id, why })

/** A protocol error, as opposed to a tool that failed: the client did something a better client would not. */
export class RpcError extends Error {
  override readonly name = 'RpcError'
  readonly code: number
  readonly data: unknown
  /** The same as another server wrote it. */
  readonly text: JsonText | undefined
  /** The HTTP status, where the transport is HTTP. */
  readonly status: number

  constructor(
    code: number,
    message: string,
    more: { data?: unknown; text?: JsonText | undefined; status?: number } = {},
  ) {
    super(message)
    this.code = code
    this.data = more.data
    this.text = more.text
    this.status = more.status ?? 200
  }
}

/** HTTP statuses of errors that 2026-07-28 gives one (Streamable HTTP, "Error Codes"). */
const STATUS_OF: Readonly<Record<number, number>> = {
  [RPC.methodNotFound]: 404,
  [RPC.headerMismatch]: 400,
  [RPC.missingCapability]: 400,
  [RPC.unsupportedRevision]: 400,
}

/** A fault that concerns the protocol, not the tool: who asks, what they named. Another server's error stays as it is. */
export function rpcErrorOf(fault: Fault, status: number = fault.status): RpcError {
  if (fault instanceof RelayedError) {
    const { code, message, data, text } = fault.error
    return new RpcError(code, message, { data, text, status: STATUS_OF[code] ?? 200 })
  }
  return new RpcError(fault.rpc, faultText(fault), { data: faultBody(fault), status })
}

export const invalidRequest = (why: string): RpcError =>
  new RpcError(RPC.invalidRequest, `Invalid request: ${why}.`, { status: 400 })

export const batchTooLarge = (): RpcError => invalidRequest(`a batch has at most ${MOST_IN_BATCH} messages`)

/** Refuses a request beside this many that run already: they are kept until they end, and some never do. */
export function refuseTooMany(running: number): void {
  if (running < MOST_RUNNING) return
  throw rpcErrorOf(
    new Fault('rate_limited', `${running} requests are running.`, {
      hint: 'Wait for answers before you send more.',
      retryAfterMs: 1000,
    }),
  )
}

export const unknownMethod = (method: string): RpcError =>
  new RpcError(RPC.methodNotFound, `Method not found: ${method.slice(0, 100)}`, { status: 404 })
