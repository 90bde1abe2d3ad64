/** A small MCP server with one tool, as anybody would write it: `node weather-server.ts <the weather>`. */
import process from 'node:process'
import { McpServer } from '@modelcontextprotocol/server'
import { StdioServerTransport } from '@modelcontextprotocol/server/stdio'

const [, , weather = 'unknown'] = process.argv

const server = new McpServer({ name: 'weather', version: '1.0.0' })
server.registerTool(
  'forecast',
  { description: 'The weather tomorrow.', annotations: { readOnlyHint: true } },
  async () => ({ content: [{ type: 'text', text: weather }] }),
)
await server.connect(new StdioServerTransport())
