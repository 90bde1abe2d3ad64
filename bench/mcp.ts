import type { BenchHub } from './hub.ts'

const ACCEPT = 'application/json, text/event-stream'
const CLIENT = { name: 'bench', version: '1.0.0' }
const SESSION_REVISION = '2025-11-25'
const STATELESS_REVISION = '2026-07-28'

export interface McpRequest {
  readonly headers: Readonly<Record<string, string>>
  readonly body: object
}

/** A call of a tool as revision 2026-07-28 sends it: complete in itself. */
export function statelessCall(
  hub: BenchHub,
  id: number,
  name: string,
  input: object = {},
  meta: object = {},
): McpRequest {
  return {
    headers: {
      authorization: `Bearer ${hub.token}`,
      accept: ACCEPT,
      'mcp-protocol-version': STATELESS_REVISION,
      'mcp-method': 'tools/call',
      'mcp-name': name,
    },
    body: {
      jsonrpc: '2.0',
      id,
      method: 'tools/call',
      params: {
        name,
        arguments: input,
        _meta: {
          'io.modelcontextprotocol/protocolVersion': STATELESS_REVISION,
          'io.modelcontextprotocol/clientInfo': CLIENT,
          'io.modelcontextprotocol/clientCapabilities': {},
          ...meta,
        },
      },
    },
  }
}

/** Opens a session of revision 2025-11-25; returns the headers of its requests. */
export async function openSession(hub: BenchHub): Promise<Record<string, string>> {
  const headers = { authorization: `Bearer ${hub.token}`, accept: ACCEPT }
  const params = { protocolVersion: SESSION_REVISION, capabilities: {}, clientInfo: CLIENT }
  const opened = await post(hub, { headers, body: { jsonrpc: '2.0', id: 0, method: 'initialize', params } })
  await opened.text()
  const session = {
    ...headers,
    'mcp-session-id': opened.headers.get('mcp-session-id') ?? '',
    'mcp-protocol-version': SESSION_REVISION,
  }
  await post(hub, { headers: session, body: { jsonrpc: '2.0', method: 'notifications/initialized' } })
  return session
}

export const sessionCall = (
  headers: Readonly<Record<string, string>>,
  id: number,
  name: string,
  input: object = {},
): McpRequest => ({
  headers,
  body: { jsonrpc: '2.0', id, method: 'tools/call', params: { name, arguments: input } },
})

export async function closeSession(hub: BenchHub, headers: Readonly<Record<string, string>>): Promise<void> {
  await fetch(`${hub.httpUrl}/mcp`, { method: 'DELETE', headers })
}

/** Throws when the answer is none of success. */
export async function post(hub: BenchHub, { headers, body }: McpRequest): Promise<Response> {
  const response = await fetch(`${hub.httpUrl}/mcp`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
  if (!response.ok) throw new Error(`MCP answered ${response.status}: ${await response.text()}`)
  return response
}
