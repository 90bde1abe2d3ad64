import type { ExactId, Id, RpcError } from '../../kernel/mcp/message.ts'
import { oneLine, type JsonText } from '../../kernel/mcp/raw.ts'

/** Messages as they go out: one line of JSON, made without building the value of what is text already. */

export const resultText = (id: ExactId, result: JsonText): JsonText =>
  `{"jsonrpc":"2.0","id":${idText(id)},"result":${oneLine(result)}}`

/** An error whose request's id could not be read carries none. */
export const errorText = (id: ExactId | undefined, error: RpcError): JsonText =>
  `{"jsonrpc":"2.0",${id === undefined ? '' : `"id":${idText(id)},`}"error":${error.text === undefined ? bodyText(error) : oneLine(error.text)}}`

/** `data` is left out where it cannot be written. */
function bodyText({ code, message, data }: RpcError): JsonText {
  try {
    return JSON.stringify({ code, message, data })
  } catch {
    return JSON.stringify({ code, message })
  }
}

export const notificationText = (method: string, params?: JsonText): JsonText =>
  params === undefined
    ? `{"jsonrpc":"2.0","method":${JSON.stringify(method)}}`
    : `{"jsonrpc":"2.0","method":${JSON.stringify(method)},"params":${oneLine(params)}}`

export const requestText = (id: Id, method: string, params: JsonText): JsonText =>
  `{"jsonrpc":"2.0","id":${idText(id)},"method":${JSON.stringify(method)},"params":${oneLine(params)}}`

export const idText = (id: ExactId): JsonText => (typeof id === 'string' ? JSON.stringify(id) : String(id))
