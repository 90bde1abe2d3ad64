import { encodeHeaderValue, NAMED_BY } from '../../kernel/mcp/param-headers.ts'
import { MODERN_REVISION } from '../../kernel/mcp/protocol.ts'
import { readMembers, type JsonText } from '../../kernel/mcp/raw.ts'

/** What the headers of a message of 2026-07-28 repeat of its body. `given`: those of its caller, encoded already. */
export function mirrorHeaders(
  method: string,
  params: JsonText,
  given: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const headers: Record<string, string> = {
    'mcp-protocol-version': MODERN_REVISION,
    'mcp-method': encodeHeaderValue(method),
  }
  for (const [name, value] of Object.entries(given)) headers[name.toLowerCase()] = value
  const field = headers['mcp-name'] === undefined ? NAMED_BY[method] : undefined
  const named = field && readMembers(params).get(field)
  if (named?.startsWith('"')) headers['mcp-name'] = encodeHeaderValue(JSON.parse(named) as string)
  return headers
}
