import {
  encodeHeaderValue,
  NAMED_BY,
  paramHeadersOf,
  paramValue,
  type ParamHeader,
} from '../../kernel/mcp/param-headers.ts'
import type { ListedTool } from './listed.ts'

const known = new WeakMap<ListedTool, readonly ParamHeader[]>()

/** The headers that repeat a request's params on HTTP. */
export function requestHeaders(
  method: string,
  params: Readonly<Record<string, unknown>>,
  tool: ListedTool | undefined,
): Record<string, string> {
  const headers: Record<string, string> = {}
  const field = NAMED_BY[method]
  const name = field && params[field]
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
