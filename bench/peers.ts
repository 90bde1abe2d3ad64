import { spawn } from 'node:child_process'
import { createServer, type AddressInfo } from 'node:net'
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { end } from './child.ts'
import { ECHO } from './echo-upstream.ts'
import { postRequest } from './load.ts'

/**
 * Gateways from npm that stand in front of one stdio server, as the versions in the lock file are. supergateway logs each message
 * unless it is told not to: both are measured.
 */
export const PEERS = ['supergateway', 'supergateway without its log', 'mcp-proxy'] as const
export type PeerName = (typeof PEERS)[number]

export interface PeerGateway extends AsyncDisposable {
  readonly port: number
  /** A whole HTTP request that calls a tool, in a session of its own. */
  request(id: number, tool: string, input: object): Promise<string>
}

const READY_MS = 30_000
const REVISION = '2025-11-25'
const ACCEPT = 'application/json, text/event-stream'

const bin = (name: string) => fileURLToPath(new URL(`../node_modules/.bin/${name}`, import.meta.url))

const supergateway = (port: number) =>
  ['--stdio', `${ECHO.command} ${ECHO.args.join(' ')}`, '--port', String(port)].concat(
    '--outputTransport streamableHttp --stateful'.split(' '),
  )

const argumentsOf: Readonly<Record<PeerName, (port: number) => readonly string[]>> = {
  supergateway,
  'supergateway without its log': (port) => [...supergateway(port), '--logLevel', 'none'],
  'mcp-proxy': (port) =>
    `--host 127.0.0.1 --port ${port} --server stream --`.split(' ').concat(ECHO.command, ...ECHO.args),
}

/** Starts it as its own documentation says, and waits until it answers. */
export async function startPeer(name: PeerName): Promise<PeerGateway> {
  const port = await freePort()
  const child = spawn(process.execPath, [bin(name.split(' ', 1)[0] ?? name), ...argumentsOf[name](port)], {
    stdio: 'ignore',
  })
  const url = `http://127.0.0.1:${port}/mcp`
  const stop = () => end(child)
  try {
    await ready(url)
  } catch (error) {
    await stop()
    throw error
  }
  return {
    port,
    async request(id, tool, input) {
      const headers = await openSession(url)
      const params = { name: tool, arguments: input }
      return postRequest('/mcp', headers, { jsonrpc: '2.0', id, method: 'tools/call', params })
    },
    [Symbol.asyncDispose]: stop,
  }
}

async function openSession(url: string): Promise<Record<string, string>> {
  const params = { protocolVersion: REVISION, capabilities: {}, clientInfo: { name: 'bench', version: '1.0.0' } }
  const opened = await send(url, {}, { jsonrpc: '2.0', id: 0, method: 'initialize', params })
  await opened.text()
  if (!opened.ok) throw new Error(`${url} answered ${opened.status}.`)
  const session = {
    accept: ACCEPT,
    'mcp-session-id': opened.headers.get('mcp-session-id') ?? '',
    'mcp-protocol-version': REVISION,
  }
  await (await send(url, session, { jsonrpc: '2.0', method: 'notifications/initialized' })).text()
  return session
}

const send = (url: string, headers: Record<string, string>, body: object) =>
  fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: ACCEPT, ...headers },
    body: JSON.stringify(body),
  })

async function ready(url: string): Promise<void> {
  const endMs = performance.now() + READY_MS
  for (;;) {
    try {
      await openSession(url)
      return
    } catch (error) {
      if (performance.now() > endMs) throw error
      await sleep(100)
    }
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
