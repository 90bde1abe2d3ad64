import { Hono, type Context } from 'hono'
import { z } from 'zod'
import type { HttpRequest } from '../adapters/mcp/http-parts.ts'
import { createMcpHttp, type McpHttp } from '../adapters/mcp/http.ts'
import { createOldSse } from '../adapters/mcp/old-sse.ts'
import { createMcpServer, type McpServer } from '../adapters/mcp/server.ts'
import { systemClock, type Clock } from '../kernel/clock.ts'
import { Fault } from '../kernel/fault.ts'
import { createIdentity, hashToken } from '../kernel/identity.ts'
import { silentLog } from '../kernel/log.ts'
import { operation } from '../kernel/operation.ts'
import type { Tool } from '../kernel/tool.ts'
import { testDoor, type TestDoor } from './hub.ts'

export const TOKEN = 'owner-token'
/** A token that may read and nothing else. */
export const READER_TOKEN = 'reader-token'

/** Operations that show each thing MCP can carry. */
export const sampleTools: readonly Tool[] = [
  operation()({
    name: 'test.echo',
    summary: 'Says it again.',
    scope: 'test:read',
    effect: 'read',
    input: z.object({ text: z.string(), times: z.int().default(1) }),
    output: z.object({ text: z.string() }),
    handler: async ({ text, times }) => ({ text: text.repeat(times) }),
  }).bind({}),
  operation()({
    name: 'test.count',
    summary: 'Counts, and reports how far it is.',
    scope: 'test:read',
    effect: 'read',
    input: z.object({ to: z.int().default(3) }),
    output: z.object({ counted: z.int() }),
    async handler({ to }, { emit, log }) {
      for (let number = 1; number <= to; number++) emit({ progress: number, total: to, message: `at ${number}` })
      log.info('counted', { to })
      return { counted: to }
    },
  }).bind({}),
  operation()({
    name: 'test.wait',
    summary: 'Waits until it is cancelled.',
    scope: 'test:read',
    effect: 'read',
    input: z.object({}),
    output: z.object({}),
    handler: (_, { signal, emit }) => {
      emit({ progress: 1, message: 'waiting' })
      return new Promise((_resolve, reject) =>
        signal.addEventListener('abort', () => {
          cancelled.count++
          reject(signal.reason as Error)
        }),
      )
    },
  }).bind({}),
  operation()({
    name: 'test.delete_all',
    summary: 'Deletes all.',
    scope: 'test:write',
    effect: 'destructive',
    input: z.object({}),
    output: z.object({}),
    handler: async () => ({}),
  }).bind({}),
  operation()({
    name: 'test.fail',
    summary: 'Fails.',
    scope: null,
    effect: 'read',
    input: z.object({}),
    output: z.object({}),
    handler: () => Promise.reject(new Fault('not_found', 'No lamp called attic.', { hint: 'List the lamps.' })),
  }).bind({}),
]

/** How many calls of `wait` were told to stop. */
export const cancelled = { count: 0 }

export interface TestMcp {
  app: Hono
  http: McpHttp
  server: McpServer
  door: TestDoor
  /** Stands in for the network: what an MCP client calls instead of `fetch`. */
  fetch: (url: string | URL, init?: RequestInit) => Promise<Response>
}

/** The MCP server over the sample tools, on an app without a socket. */
export function testMcp(options: { clock?: Clock; mostSessions?: number; tools?: readonly Tool[] } = {}): TestMcp {
  const clock = options.clock ?? systemClock
  const door = testDoor(options.tools ?? sampleTools)
  const { registry, events, invoke } = door
  const identity = createIdentity(TOKEN)
  identity.addSource((hash) =>
    hash === hashToken(READER_TOKEN) ? { id: 'reader', name: 'reader', scopes: ['test:read'] } : undefined,
  )
  const server = createMcpServer({
    registry,
    invoke,
    events,
    clock,
    log: silentLog,
    version: '1.2.3',
    instructions: 'Try it.',
  })
  const authenticate = (header: string | undefined) => {
    if (header === undefined) throw new Fault('unauthenticated', 'MCP needs an access token.')
    return identity.authenticate(header.slice('Bearer '.length), 'mcp')
  }
  const adapt = ({ req }: Context): HttpRequest => ({
    method: req.method,
    header: (name) => req.header(name),
    query: (name) => req.query(name),
    authenticate: () => authenticate(req.header('authorization')),
    async json() {
      try {
        return JSON.parse(await req.text()) as unknown
      } catch {
        throw new Fault('invalid_request', 'The body is not JSON.')
      }
    },
    onDisconnect: (left) => req.raw.signal.addEventListener('abort', left),
  })
  const mostSessions = options.mostSessions ?? 10
  const http = createMcpHttp({ server, mostSessions, sessionIdleMs: 60_000 })
  const sse = createOldSse({ server, mostSessions, postPath: '/messages' })
  const app = new Hono()
    .all('/mcp', (context) => http.handle(adapt(context)))
    .get('/sse', (context) => sse.open(adapt(context)))
    .post('/messages', (context) => sse.post(adapt(context)))
  return { app, http, server, door, fetch: async (url, init) => await app.request(String(url), init) }
}
