import process from 'node:process'
import { StringDecoder } from 'node:string_decoder'

/**
 * A very small MCP server, run with `node`: stdio, revisions up to 2025-11-25, one tool that says again what it is told.
 * It writes the answers to all that came at once together, so that a measurement sees the hub and not this.
 */
const TOOL = {
  name: 'echo',
  description: 'Says it again.',
  inputSchema: { type: 'object', properties: { text: { type: 'string' } }, required: ['text'] },
  annotations: { readOnlyHint: true },
}

interface Request {
  readonly id?: number | string
  readonly method?: string
  readonly params?: {
    readonly protocolVersion?: string
    readonly name?: string
    readonly arguments?: { text?: unknown }
  }
}

function answer({ id, method, params }: Request): object | undefined {
  if (id === undefined) return undefined
  if (method === 'tools/call')
    return { jsonrpc: '2.0', id, result: { content: [{ type: 'text', text: String(params?.arguments?.text) }] } }
  if (method === 'tools/list') return { jsonrpc: '2.0', id, result: { tools: [TOOL] } }
  if (method === 'ping') return { jsonrpc: '2.0', id, result: {} }
  if (method !== 'initialize')
    return { jsonrpc: '2.0', id, error: { code: -32601, message: `Method not found: ${method}` } }
  const protocolVersion = params?.protocolVersion ?? '2025-11-25'
  const serverInfo = { name: 'echo', version: '1.0.0' }
  return { jsonrpc: '2.0', id, result: { protocolVersion, capabilities: { tools: {} }, serverInfo } }
}

const decoder = new StringDecoder('utf8')
let rest = ''
process.stdin.on('data', (chunk: Buffer) => {
  const lines = (rest + decoder.write(chunk)).split('\n')
  rest = lines.pop() ?? ''
  let out = ''
  for (const line of lines) {
    if (line === '') continue
    const message = answer(JSON.parse(line) as Request)
    if (message) out += `${JSON.stringify(message)}\n`
  }
  if (out !== '') process.stdout.write(out)
})
