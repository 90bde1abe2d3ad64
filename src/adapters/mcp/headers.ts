import type { Request } from '../../kernel/mcp/message.ts'
import { headerMismatch } from './modern.ts'

/** Where `Mcp-Name` comes from, by method (2026-07-28, Streamable HTTP, "Standard Request Headers"). */
const NAMED_BY: Readonly<Record<string, 'name' | 'uri'>> = {
  'tools/call': 'name',
  'prompts/get': 'name',
  'resources/read': 'uri',
}

/** The headers that repeat the body must say the same. Throws RpcError -32020 with HTTP status 400. */
export function checkNameHeaders({ method, params }: Request, header: (name: string) => string | undefined): void {
  const says = header('mcp-method')
  if (says !== method) throw headerMismatch('Mcp-Method', says, method)
  const field = NAMED_BY[method]
  const name = field && params[field]
  if (typeof name !== 'string') return
  const named = header('mcp-name')
  if (named === undefined || decode(named.trim()) !== name) throw headerMismatch('Mcp-Name', named, name)
}

/** A value that does not fit into a header comes as `=?base64?…?=`; undefined when that is malformed. */
function decode(value: string): string | undefined {
  if (!value.startsWith('=?base64?') || !value.endsWith('?=')) return value
  const encoded = value.slice('=?base64?'.length, -'?='.length)
  const bytes = Buffer.from(encoded, 'base64')
  return bytes.toString('base64') === encoded ? bytes.toString() : undefined
}
