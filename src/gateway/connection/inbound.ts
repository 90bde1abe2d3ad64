import { readMessage, type Id, type Params } from '../../kernel/mcp/message.ts'
import { readElements, readMembers, type JsonText } from '../../kernel/mcp/raw.ts'
import { RelayedResult, type RelayedErrorBody } from '../../kernel/mcp/relayed.ts'

/** A message of the server: looked at, and kept as the text it came as. */
export type Inbound =
  | { readonly kind: 'result'; readonly id: Id; readonly result: RelayedResult }
  | { readonly kind: 'error'; readonly id: Id; readonly error: RelayedErrorBody }
  | { readonly kind: 'notification'; readonly method: string; readonly params: JsonText; readonly value: Params }
  | InboundRequest
  /** `id`: of the request that it fails to answer, where it names one. */
  | { readonly kind: 'malformed'; readonly id: Id | undefined; readonly why: string }

export interface InboundRequest {
  readonly kind: 'request'
  readonly id: Id
  /** As the server wrote it. */
  readonly idText: JsonText
  readonly method: string
  readonly params: JsonText
}

/** Sorts one message. Never throws: whatever a server says, others are connected beside it. */
export function readInbound(text: JsonText): Inbound {
  return readPlainResult(text) ?? readAny(text)
}

/** The two ways in which the official libraries begin and end a result. What lies between them is the result's text. */
const ID_FIRST = '{"jsonrpc":"2.0","id":'
const RESULT_NEXT = ',"result":'
const RESULT_FIRST = '{"result":'
const ID_LAST = ',"jsonrpc":"2.0","id":'
const CLOSE_BRACE = 0x7d

/**
 * The common case without a second pass: only the result is parsed. If it is valid JSON, the whole message is, and no
 * member of it stands twice: what is around it was compared character by character.
 */
function readPlainResult(text: JsonText): Inbound | undefined {
  const end = text.length - 1
  if (text.charCodeAt(end) !== CLOSE_BRACE) return undefined
  let from: number
  let to: number
  let id: number
  if (text.startsWith(ID_FIRST)) {
    const idEnd = skipDigits(text, ID_FIRST.length)
    if (!text.startsWith(RESULT_NEXT, idEnd)) return undefined
    id = Number(text.slice(ID_FIRST.length, idEnd))
    from = idEnd + RESULT_NEXT.length
    to = end
  } else if (text.startsWith(RESULT_FIRST)) {
    from = RESULT_FIRST.length
    to = text.lastIndexOf(ID_LAST)
    const idFrom = to + ID_LAST.length
    if (to === -1 || skipDigits(text, idFrom) !== end) return undefined
    id = Number(text.slice(idFrom, end))
  } else return undefined
  const result = text.slice(from, to)
  const value = parseObject(result)
  return value && Number.isSafeInteger(id)
    ? { kind: 'result', id, result: new RelayedResult(result, value) }
    : undefined
}

function skipDigits(text: string, from: number): number {
  let at = from
  for (let code = text.charCodeAt(at); code >= 0x30 && code <= 0x39; code = text.charCodeAt(at)) at++
  // `,"id":,` is no number, and `01` is none in JSON.
  return at === from || (text.charCodeAt(from) === 0x30 && at > from + 1) ? -1 : at
}

function parseObject(text: JsonText): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined
  } catch {
    return undefined
  }
}

function readAny(text: JsonText): Inbound {
  const value = parseObject(text)
  if (!value) return { kind: 'malformed', id: undefined, why: 'it is no JSON object' }
  const message = readMessage(value)
  if (message.kind === 'invalid') return { kind: 'malformed', id: message.id, why: message.why }
  let members: Map<string, JsonText>
  try {
    members = readMembers(text)
  } catch {
    return { kind: 'malformed', id: 'id' in message ? message.id : undefined, why: 'a member stands in it twice' }
  }
  const { kind } = message
  if (kind === 'notification')
    return { kind, method: message.method, params: members.get('params') ?? '{}', value: message.params }
  const { id } = message
  if (kind === 'request') {
    const idText = members.get('id') ?? JSON.stringify(id)
    return { kind, id, idText, method: message.method, params: members.get('params') ?? '{}' }
  }
  const { outcome } = message
  if ('error' in outcome) return { kind: 'error', id, error: withText(outcome.error, members.get('error')) }
  return { kind: 'result', id, result: new RelayedResult(members.get('result') ?? '{}', outcome.result) }
}

const withText = (error: RelayedErrorBody, text: JsonText | undefined): RelayedErrorBody =>
  text === undefined ? error : { ...error, text }

/**
 * The messages in one piece of text: one, or with 2025-03-26 an array of them (JSON-RPC batch).
 */
export function readAll(text: JsonText): Inbound[] {
  if (!/^\s*\[/.test(text)) return [readInbound(text)]
  try {
    JSON.parse(text)
    return readElements(text).map(readInbound)
  } catch {
    return [{ kind: 'malformed', id: undefined, why: 'it is no JSON' }]
  }
}
