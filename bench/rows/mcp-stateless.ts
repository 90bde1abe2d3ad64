import { httpRows } from '../http-rows.ts'
import { postRequest } from '../load.ts'
import { statelessCall } from '../mcp.ts'

export const mcpStateless = httpRows({
  tag: 'mcp',
  name: 'MCP 2026-07-28 ping',
  async request(hub, connection) {
    const { headers, body } = statelessCall(hub, connection, 'ping')
    return postRequest('/mcp', headers, body)
  },
})
