import type { IncomingMessage, ServerResponse } from 'node:http'
import { z } from 'zod'
import { NodeExchange } from '../adapters/http/node-exchange.ts'
import type { HttpExchange, Sink } from '../adapters/mcp/http-exchange.ts'
import { createMcpHttp, type McpHttp } from '../adapters/mcp/http.ts'
import { createOldSse, type OldSse } from '../adapters/mcp/old-sse.ts'
import { createMcpServer, type McpServer } from '../adapters/mcp/server.ts'
import type { CallerQuota } from '../kernel/caller-quota.ts'
import type { Caller } from '../kernel/caller.ts'
import { systemClock, type Clock } from '../kernel/clock.ts'
import { Fault } from '../kernel/fault.ts'
import { createIdentity, hashToken, type Holder } from '../kernel/identity.ts'
import { silentLog } from '../kernel/log.ts'
import type { Profiles } from '../kernel/mcp/profile.ts'
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
  http: McpHttp
  sse: OldSse
  server: McpServer
  door: TestDoor
  /** Stands in for the network: what an MCP client calls instead of `fetch`. */
  fetch: (url: string | URL, init?: RequestInit) => Promise<Response>
  /** The same for Node's own server. */
  listener: (request: IncomingMessage, response: ServerResponse) => void
}

export interface TestMcpOptions {
  clock?: Clock
  mostSessions?: number
  mostSessionsOfOne?: number
  streams?: CallerQuota
  limit?: (caller: Caller, method: string) => void
  subscriptions?: CallerQuota
  tools?: readonly Tool[]
  profiles?: Profiles
  /** Further holders, by their token; what it says then counts. */
  holders?: ReadonlyMap<string, Holder>
}

/** The MCP server over the sample tools, without a socket. */
export function testMcp(options: TestMcpOptions = {}): TestMcp {
  const clock = options.clock ?? systemClock
  const door = testDoor(options.tools ?? sampleTools)
  const { registry, events, invoke } = door
  const identity = createIdentity(TOKEN)
  identity.addSource(({ hash }) =>
    hash === hashToken(READER_TOKEN) ? { id: 'reader', name: 'reader', scopes: ['test:read'] } : undefined,
  )
  identity.addSource(({ token }) => options.holders?.get(token))
  const server = createMcpServer({
    registry,
    invoke,
    events,
    clock,
    log: silentLog,
    version: '1.2.3',
    instructions: 'Try it.',
    ...(options.profiles && { profiles: options.profiles }),
    ...(options.streams && { streams: options.streams }),
    ...(options.limit && { limit: options.limit }),
    ...(options.subscriptions && { subscriptions: options.subscriptions }),
  })
  const authenticate = (header: string | undefined): Caller | Promise<Caller> => {
    if (header === undefined) throw new Fault('unauthenticated', 'MCP needs an access token.')
    return identity.authenticate(header.slice('Bearer '.length), 'mcp')
  }
  const mostSessions = options.mostSessions ?? 10
  const { mostSessionsOfOne = Number.POSITIVE_INFINITY } = options
  const http = createMcpHttp({ server, mostSessions, mostSessionsOfOne, sessionIdleMs: 60_000 })
  const sse = createOldSse({ server, mostSessions, postPath: '/messages' })
  const handle = (path: string, exchange: HttpExchange) => {
    if (path === '/sse') void sse.open(exchange)
    else if (path === '/messages') void sse.post(exchange)
    else void http.handle(exchange, /^\/mcp\/(.+)$/.exec(path)?.[1])
  }
  return {
    http,
    sse,
    server,
    door,
    async fetch(url, init) {
      const exchange = new WebExchange(new Request(new URL(url, 'http://localhost'), init), authenticate)
      handle(new URL(url, 'http://localhost').pathname, exchange)
      return await exchange.response
    },
    listener(request, response) {
      const options = {
        limits: { bodyBytes: 10_000_000 },
        authenticate: ({ headers }: IncomingMessage) => authenticate(headers.authorization),
      }
      handle((request.url ?? '/').split('?', 1)[0] ?? '/', new NodeExchange(request, response, options))
    },
  }
}

/** An exchange on the objects of the Fetch standard, which clients take for an answer of the network. */
class WebExchange implements HttpExchange {
  readonly method: string
  readonly response: Promise<Response>
  readonly #request: Request
  readonly #authenticate: (header: string | undefined) => Caller | Promise<Caller>
  readonly #answer: (response: Response) => void
  readonly #left = new Set<() => void>()

  constructor(request: Request, authenticate: (header: string | undefined) => Caller | Promise<Caller>) {
    const { promise, resolve } = Promise.withResolvers<Response>()
    this.method = request.method
    this.response = promise
    this.#request = request
    this.#authenticate = authenticate
    this.#answer = resolve
    request.signal.addEventListener('abort', () => this.#leave())
  }

  header(name: string): string | undefined {
    return this.#request.headers.get(name) ?? undefined
  }

  query(name: string): string | undefined {
    return new URL(this.#request.url).searchParams.get(name) ?? undefined
  }

  authenticate(): Caller | Promise<Caller> {
    return this.#authenticate(this.header('authorization'))
  }

  body(): Promise<string> {
    return this.#request.text()
  }

  answer(status: number, headers: Readonly<Record<string, string>>, body?: string): void {
    this.#answer(new Response(body ?? null, { status, headers }))
  }

  open(headers: Readonly<Record<string, string>>): Sink {
    let to: ReadableStreamDefaultController<Uint8Array> | undefined
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => void (to = controller),
      cancel: () => {
        to = undefined
        this.#leave()
      },
    })
    this.#answer(new Response(body, { headers }))
    return {
      write: (text) => to?.enqueue(Buffer.from(text)),
      waitingBytes: 0,
      end: () => {
        to?.close()
        to = undefined
      },
      cut: () => to?.error(new Error('cut')),
    }
  }

  onLeave(left: () => void): void {
    this.#left.add(left)
  }

  #leave(): void {
    for (const left of this.#left) left()
  }
}
