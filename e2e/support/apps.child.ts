/**
 * A server of MCP Apps on the official packages, over stdio: `node apps.child.ts <its own words>`. As the extension asks of
 * servers, it has its app only for a client that shows apps, and a text for any other.
 */
import process from 'node:process'
import {
  getUiCapability,
  registerAppResource,
  registerAppTool,
  RESOURCE_MIME_TYPE,
} from '@modelcontextprotocol/ext-apps/server'
import { McpServer } from '@modelcontextprotocol/server'
import { StdioServerTransport } from '@modelcontextprotocol/server/stdio'

const [, , words = ''] = process.argv
const APP = 'ui://clock/app.html'
const server = new McpServer({ name: 'clock', version: '1.0.0' }, { capabilities: { tools: {}, resources: {} } })
const time = () => ({ content: [{ type: 'text' as const, text: `${words}: noon` }] })

server.server.oninitialized = () => {
  const shows = getUiCapability(server.server.getClientCapabilities())?.mimeTypes?.includes(RESOURCE_MIME_TYPE)
  if (shows !== true) {
    server.registerTool('show_time', { description: 'The time, as a text.' }, time)
    return
  }
  registerAppTool(
    server,
    'show_time',
    { description: 'The time, as an app.', _meta: { ui: { resourceUri: APP } } },
    time,
  )
  const forItself = { ui: { resourceUri: APP, visibility: ['app' as const] } }
  registerAppTool(server, 'tick', { description: 'For the app alone.', _meta: forItself }, time)
  const csp = { connectDomains: ['https://clock.example'] }
  registerAppResource(server, 'App', APP, {}, () => ({
    contents: [{ uri: APP, mimeType: RESOURCE_MIME_TYPE, text: `<!doctype html><p>${words}`, _meta: { ui: { csp } } }],
  }))
}
await server.connect(new StdioServerTransport())
