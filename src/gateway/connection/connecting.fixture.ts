import { spawn } from 'node:child_process'
import { once } from 'node:events'
import process from 'node:process'
import { systemClock } from '../../kernel/clock.ts'
import { silentLog } from '../../kernel/log.ts'
import type { Params } from '../../kernel/mcp/message.ts'
import type { Transport } from '../../kernel/mcp/server-definition.ts'
import type { ServerProcess } from '../process/server-process.ts'
import { connect, type ConnectOptions, type StdioTransport } from './connect.ts'
import type { Connection, ConnectionHandlers, ServerNotification, ServerRequest } from './connection.ts'
import type { EraMemory, EraVerdict } from './era.ts'

/** A child process without the care that the hub takes of its own. */
export function plainProcess({ command, args, env }: StdioTransport): ServerProcess {
  const child = spawn(command, [...args], {
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  const ended = once(child, 'exit').then(([code, signal]: (number | string | null)[]) => ({
    code: code as number | null,
    signal: signal as string | null,
    reason: `it ended with exit code ${code}`,
  }))
  return {
    pid: child.pid ?? 0,
    stdin: child.stdin,
    stdout: child.stdout,
    ended,
    async stop() {
      child.kill('SIGKILL')
      await ended
    },
  }
}

/** What a test has to end. */
export interface Ending {
  after(task: () => unknown): void
}

export interface Connected {
  readonly connection: Connection
  readonly notifications: ServerNotification[]
  readonly requests: ServerRequest[]
  /** Resolves with the reason. */
  readonly closed: Promise<string>
  /** Processes that were started. */
  readonly spawned: ServerProcess[]
  readonly eras: Map<string, EraVerdict>
}

export const stdio = (command: { readonly command: string; readonly args: readonly string[] }): StdioTransport => ({
  kind: 'stdio',
  env: {},
  ...command,
})

export const http = (url: string, mode: 'auto' | 'streamable' | 'sse' = 'auto'): Transport => ({
  kind: 'http',
  url,
  headers: {},
  mode,
})

export const memory = (verdicts = new Map<string, EraVerdict>()): EraMemory => ({
  get: (key) => verdicts.get(key),
  set: (key, verdict) => void verdicts.set(key, verdict),
})

/** Connects as the hub does, and closes with the test. */
export async function connected(
  ending: Ending,
  transport: Transport,
  more: Partial<ConnectOptions> & {
    readonly onRequest?: ConnectionHandlers['onRequest']
    readonly capabilities?: Params
  } = {},
): Promise<Connected> {
  const { onRequest, capabilities = {}, ...options } = more
  const notifications: ServerNotification[] = []
  const requests: ServerRequest[] = []
  const spawned: ServerProcess[] = []
  const closed = Promise.withResolvers<string>()
  const eras = new Map<string, EraVerdict>()
  // What a failed connection leaves behind must end too.
  ending.after(() => Promise.all(spawned.map((child) => child.stop())))
  const connection = await connect(transport, {
    name: 'files',
    face: { clientInfo: { name: 'test', version: '1.0.0' }, capabilities },
    clock: systemClock,
    log: silentLog,
    signal: new AbortController().signal,
    eras: memory(eras),
    spawn(wanted) {
      const child = plainProcess(wanted)
      spawned.push(child)
      return child
    },
    handlers: {
      onNotification: (notification) => void notifications.push(notification),
      onRequest(request) {
        requests.push(request)
        return onRequest ? onRequest(request) : Promise.reject(new Error('not answered'))
      },
      onClose: closed.resolve,
    },
    ...options,
  })
  ending.after(() => connection.close())
  return { connection, notifications, requests, closed: closed.promise, spawned, eras }
}

/** One request; `text` is the result's. */
export const ask = async (connection: Connection, method: string, params: object = {}): Promise<string> =>
  (await connection.request({ method, params: () => JSON.stringify(params), signal: AbortSignal.timeout(20_000) })).text
