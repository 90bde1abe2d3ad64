import { errorMessage, RpcError, type Id } from '../../kernel/mcp/message.ts'
import type { JsonText } from '../../kernel/mcp/raw.ts'

/** Messages as they go out: one line of JSON, made without building the value of what is text already. */

export const resultText = (id: Id, result: JsonText): JsonText =>
  `{"jsonrpc":"2.0","id":${idText(id)},"result":${oneLine(result)}}`

/** `data` is left out where it cannot be written: another server's may nest deeper than writing it can go. */
export function errorText(id: Id | undefined, error: RpcError): JsonText {
  try {
    return JSON.stringify(errorMessage(id, error))
  } catch {
    return JSON.stringify(errorMessage(id, new RpcError(error.code, error.message)))
  }
}

export const notificationText = (method: string, params?: JsonText): JsonText =>
  params === undefined
    ? `{"jsonrpc":"2.0","method":${JSON.stringify(method)}}`
    : `{"jsonrpc":"2.0","method":${JSON.stringify(method)},"params":${oneLine(params)}}`

export const requestText = (id: Id, method: string, params: JsonText): JsonText =>
  `{"jsonrpc":"2.0","id":${idText(id)},"method":${JSON.stringify(method)},"params":${oneLine(params)}}`

const idText = (id: Id) => (typeof id === 'number' ? String(id) : JSON.stringify(id))

/** Line ends part messages on stdio and fields of an event; in JSON they are blanks, outside strings only. */
const oneLine = (text: JsonText): JsonText =>
  text.includes('\n') || text.includes('\r') ? text.replaceAll(/[\n\r]/g, ' ') : text
