import { httpRows } from '../http-rows.ts'
import { postRequest } from '../load.ts'
import { openSession, sessionCall } from '../mcp.ts'

export const mcpSession = httpRows({
  tag: 'mcp',
  name: 'MCP 2025-11-25 ping',
  async request(hub, connection) {
    const { headers, body } = sessionCall(await openSession(hub), connection, 'ping')
    return postRequest('/mcp', headers, body)
  },
})
