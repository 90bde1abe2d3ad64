import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import process from 'node:process'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import { z } from 'zod'

/** The same tool as the MCP SDK's documentation serves it without sessions: a server and a transport for each request. */
const server = createServer(async (request, response) => {
  const mcp = new McpServer({ name: 'alicia', title: 'Alicia', version: '0.1.0' })
  mcp.registerTool(
    'ping',
    { inputSchema: {}, outputSchema: { pong: z.boolean(), time: z.string() }, annotations: { readOnlyHint: true } },
    async () => {
      const pong = { pong: true, time: new Date().toISOString() }
      return { content: [{ type: 'text', text: JSON.stringify(pong) }], structuredContent: pong }
    },
  )
  const transport = new StreamableHTTPServerTransport({ enableJsonResponse: true })
  response.on('close', async () => {
    await transport.close()
    await mcp.close()
  })
  await mcp.connect(transport)
  await transport.handleRequest(request, response)
})
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))
