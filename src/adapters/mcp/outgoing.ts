import { errorMessage, RpcError, type Id } from '../../kernel/mcp/message.ts'
import { oneLine, type JsonText } from '../../kernel/mcp/raw.ts'

/** Messages as they go out: one line of JSON, made without building the value of what is text already. */

export const resultText = (id: Id, result: JsonText): JsonText =>
  `{"jsonrpc":"2.0","id":${idText(id)},"result":${oneLine(result)}}`

/** Another server's error as it wrote it; `data` of any other is left out where it cannot be written. */
export function errorText(id: Id | undefined, error: RpcError): JsonText {
  if (error.text !== undefined && id !== undefined)
    return `{"jsonrpc":"2.0","id":${idText(id)},"error":${oneLine(error.text)}}`
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
