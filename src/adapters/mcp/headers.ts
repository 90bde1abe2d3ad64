import type { Request } from '../../kernel/mcp/message.ts'
import type { HttpExchange } from './http-exchange.ts'
import { headerMismatch } from './modern.ts'
import type { View } from './view.ts'

/** Where `Mcp-Name` comes from, by method (2026-07-28, Streamable HTTP, "Standard Request Headers"; SEP-2663). */
const NAMED_BY: Readonly<Record<string, 'name' | 'uri' | 'taskId'>> = {
  'tools/call': 'name',
  'prompts/get': 'name',
  'resources/read': 'uri',
  'tasks/get': 'taskId',
  'tasks/update': 'taskId',
  'tasks/cancel': 'taskId',
}

/** The headers that repeat the body must say the same. Throws RpcError -32020 with HTTP status 400. */
export function checkHeaders({ method, params }: Request, http: HttpExchange, _view: View): void {
  const says = http.header('mcp-method')
  if (says !== method) throw headerMismatch('Mcp-Method', says, method)
  const field = NAMED_BY[method]
  const name = field && params[field]
  if (typeof name !== 'string') return
  const named = http.header('mcp-name')
  if (named === undefined || decodeHeader(named) !== name) throw headerMismatch('Mcp-Name', named, name)
}

/** A value that does not fit into a header comes as `=?base64?…?=`; undefined when that is malformed. */
export function decodeHeader(header: string): string | undefined {
  const value = header.trim()
  if (!value.startsWith('=?base64?') || !value.endsWith('?=')) return value
  const encoded = value.slice('=?base64?'.length, -'?='.length)
  const bytes = Buffer.from(encoded, 'base64')
  return bytes.toString('base64') === encoded ? bytes.toString() : undefined
}
