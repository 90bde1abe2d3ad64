import { encodeHeaderValue, paramHeadersOf, paramValue, type ParamHeader } from '../../kernel/mcp/param-headers.ts'
import type { ListedTool } from './listed.ts'

/** Which argument names what a request is about (2026-07-28, Streamable HTTP, "Standard Request Headers"). */
const NAMED_BY: Readonly<Record<string, string>> = {
  'tools/call': 'name',
  'prompts/get': 'name',
  'resources/read': 'uri',
  'tasks/get': 'taskId',
  'tasks/update': 'taskId',
  'tasks/cancel': 'taskId',
}

const known = new WeakMap<ListedTool, readonly ParamHeader[]>()

/** The headers that repeat a request's params on HTTP. */
export function requestHeaders(
  method: string,
  params: Readonly<Record<string, unknown>>,
  tool: ListedTool | undefined,
): Record<string, string> {
  const headers: Record<string, string> = {}
  const name = params[NAMED_BY[method] ?? '']
  if (typeof name === 'string') headers['Mcp-Name'] = encodeHeaderValue(name)
  if (!tool) return headers
  for (const { name: header, path } of headersOf(tool)) {
    const value = paramValue(params['arguments'], path)
    if (value !== undefined) headers[`Mcp-Param-${header}`] = encodeHeaderValue(value)
  }
  return headers
}

function headersOf(tool: ListedTool): readonly ParamHeader[] {
  const found = known.get(tool) ?? paramHeadersOf(tool.value['inputSchema']) ?? []
  known.set(tool, found)
  return found
}
