import process from 'node:process'
import {
  Client,
  StreamableHTTPClientTransport,
  type JSONRPCMessage,
  type Transport,
} from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import { Client as OldClient } from '@modelcontextprotocol/sdk/client/index.js'
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js'
import { StreamableHTTPClientTransport as OldTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { WebSocket } from 'ws'
import { ALICIA, type Ending, type TestHub } from './hub.ts'

/** What the tests use of an assistant's connection, whichever generation of the SDK made it. */
export interface Assistant {
  tools(): Promise<string[]>
  /** The structured result; a tool that fails throws its text. */
  call(name: string, input?: Record<string, unknown>, onProgress?: () => void): Promise<Record<string, unknown>>
  /** What the server said of itself. */
  instructions(): string | undefined
  close(): Promise<void>
}

const me = { name: 'e2e', version: '1' }
const NEW_ERA = { versionNegotiation: { mode: 'auto' } } as const

type Where = Pick<TestHub, 'urls' | 'token' | 'home'>

/** Every way an assistant can come in. */
export const WAYS: Readonly<Record<string, (ending: Ending, hub: Where) => Promise<Assistant>>> = {
  'MCP over HTTP, SDK v1': async (ending, { urls, token }) => {
    const client = new OldClient(me)
    await client.connect(new OldTransport(new URL(urls.mcp), bearer(token)))
    return assistant(ending, client)
  },
  'MCP over HTTP+SSE, the transport of 2024-11-05': async (ending, { urls, token }) => {
    const client = new OldClient(me)
    await client.connect(new SSEClientTransport(new URL(`${urls.http}/sse`), bearer(token)))
    return assistant(ending, client)
  },
  'MCP over HTTP, SDK v2, old era': (ending, hub) => overHttp(ending, hub, {}),
  'MCP over HTTP, SDK v2, new era': (ending, hub) => overHttp(ending, hub, NEW_ERA),
  'MCP at /api/v1/mcp': (ending, { urls, ...hub }) =>
    overHttp(ending, { ...hub, urls: { ...urls, mcp: `${urls.http}/api/v1/mcp` } }, {}),
  'MCP over WebSocket': (ending, { urls, token }) =>
    connect(ending, webSocketTransport(urls.mcp.replace(/^http/, 'ws'), token), {}),
  'MCP over stdio': (ending, { home }) => overStdio(ending, ['--data', home.data], home.env),
}

/** The usual one. */
export const connectAssistant = (ending: Ending, hub: Where): Promise<Assistant> => overHttp(ending, hub, NEW_ERA)

/** `alicia stdio` with these arguments as a server that the client starts. */
export const overStdio = (
  ending: Ending,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<Assistant> => overCommand(ending, process.execPath, [ALICIA, 'stdio', ...args], env)

/** Any command that speaks MCP on its stdin and stdout. */
export function overCommand(
  ending: Ending,
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<Assistant> {
  const path = process.env['PATH'] ?? ''
  const transport = new StdioClientTransport({ command, args: [...args], env: { PATH: path, ...env }, stderr: 'pipe' })
  let said = ''
  transport.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString()))
  return connect(ending, transport, {}).catch((error: unknown) => {
    throw new Error(`${command} ${args.join(' ')} is no MCP server: ${String(error)}\n${said}`)
  })
}

const bearer = (token: string) => ({ requestInit: { headers: { authorization: `Bearer ${token}` } } })

const overHttp = (ending: Ending, { urls, token }: Pick<Where, 'urls' | 'token'>, era: object) =>
  connect(ending, new StreamableHTTPClientTransport(new URL(urls.mcp), bearer(token)), era)

async function connect(ending: Ending, transport: Transport, options: object): Promise<Assistant> {
  const client = new Client(me, options)
  await client.connect(transport)
  return assistant(ending, client)
}

function assistant(ending: Ending, client: Client | OldClient): Assistant {
  const close = () => client.close()
  ending.after(close)
  return {
    close,
    async tools() {
      const { tools } = await client.listTools()
      return tools.map(({ name }) => name)
    },
    async call(name, input = {}, onProgress = () => {}) {
      const options = { onprogress: onProgress, timeout: 60_000 }
      const params = { name, arguments: input }
      const result =
        client instanceof OldClient
          ? await client.callTool(params, undefined, options)
          : await client.callTool(params, options)
      if (result.isError !== true) return result.structuredContent as Record<string, unknown>
      const [first] = result.content as { text?: string }[]
      throw new Error(first?.text)
    },
    instructions: () => client.getInstructions(),
  }
}

/** One JSON-RPC message a frame; the SDK's own WebSocket transport cannot send a token. */
function webSocketTransport(url: string, token: string): Transport {
  const socket = new WebSocket(url, 'mcp', { headers: { authorization: `Bearer ${token}` } })
  const transport: Transport = {
    start: () =>
      new Promise((resolve, reject) => {
        socket.once('open', resolve)
        socket.once('error', reject)
        socket.on('message', (data) => transport.onmessage?.(JSON.parse((data as Buffer).toString()) as JSONRPCMessage))
        socket.on('close', () => transport.onclose?.())
      }),
    send: (message) =>
      new Promise((resolve, reject) =>
        socket.send(JSON.stringify(message), (error) => (error ? reject(error) : resolve())),
      ),
    close: async () => socket.close(),
  }
  return transport
}
