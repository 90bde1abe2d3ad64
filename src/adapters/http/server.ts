import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { getRequestListener, RequestError, type HttpBindings } from '@hono/node-server'
import { Fault, toFault } from '../../kernel/fault.ts'
import type { Log } from '../../kernel/log.ts'
import { noRefusals, type Refusals } from '../../kernel/refusals.ts'
import type { Authenticate } from './authenticate.ts'
import { createCors } from './cors.ts'
import { BodyRequest } from './body-request.ts'
import { brokenRequestListener } from './broken-request.ts'
import { createAddressOf, type AddressOf, type IsProxy } from './client-address.ts'
import { Connections, type ConnectionLimits } from './connections.ts'
import type { Guard } from './guard.ts'
import { problem, problemResponse } from './problem.ts'
import { requireOneMeaning } from './request-form.ts'
import { upgradeListener, type OnUpgrade } from './upgrade.ts'

/** What answers requests: a Hono app, or anything of that shape. `env` has Node's own request and response. */
export interface App {
  fetch(request: Request, env: HttpBindings): Response | Promise<Response>
}

/** Answers a request by itself, errors included; it was let in already. */
export type Direct = (request: IncomingMessage, response: ServerResponse) => void

export interface ServerLimits extends ConnectionLimits {
  /** Bytes of request line and headers together; more get 431. */
  readonly headerBytes: number
  /** Milliseconds until the headers, and the whole request, have to be here: slow senders must not hold sockets. */
  readonly headersTimeoutMs: number
  readonly requestTimeoutMs: number
}

/** How often it is looked who is too slow, milliseconds. */
const SLOW_CHECK_MS = 2000

export const SERVER_LIMITS: ServerLimits = {
  sockets: 1024,
  socketsPerAddress: 128,
  halfOpen: 256,
  pipelined: 16,
  unreadMs: 120_000,
  headerBytes: 16 * 1024,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 60_000,
  keepAliveMs: 65_000,
}

export interface ServerOptions {
  host: string
  /** 0: any free one. */
  port: number
  app: App
  /** What is answered on Node's own request and response, without the app's; undefined: the app's affair. */
  onDirect?: (path: string, method: string) => Direct | undefined
  guard: Guard
  /** Origins of pages whose scripts may read the answers; the guard has to know them too. */
  sharedOrigins?: readonly string[]
  authenticate: Authenticate
  onUpgrade: OnUpgrade
  log: Log
  limits?: Partial<ServerLimits>
  /** Proxies in front, whose connections are many people's. */
  isProxy?: IsProxy
  /** Absent: nobody is a proxy. */
  addressOf?: AddressOf
  refusals?: Refusals
}

export interface HttpServer {
  /** `http://host:port`, as it is reached from this machine. */
  readonly url: string
  readonly port: number
  /** Takes no more connections, lets what runs finish for `graceMs`, then cuts the rest. */
  stop(graceMs: number): Promise<void>
}

/** Throws Fault `conflict` when the port is taken or not allowed, `invalid_input` when the host is not ours. */
export async function startHttpServer(options: ServerOptions): Promise<HttpServer> {
  const { host, port, isProxy = () => false, addressOf = createAddressOf(isProxy), refusals = noRefusals } = options
  const limits = { ...SERVER_LIMITS, ...options.limits }
  const server = createServer({
    IncomingMessage: BodyRequest,
    // One that is pipelined behind a request would overtake its answer: then it is a request like others (RFC 9110, 7.8).
    shouldUpgradeCallback: ({ socket }) => !connections.isWaitedFor(socket),
    maxHeaderSize: limits.headerBytes,
    headersTimeout: limits.headersTimeoutMs,
    requestTimeout: limits.requestTimeoutMs,
    // `Connections` looks after those that idle.
    keepAliveTimeout: 0,
    connectionsCheckingInterval: Math.min(SLOW_CHECK_MS, limits.headersTimeoutMs, limits.requestTimeoutMs),
  })
  // Their size is limited. With a limit of their number, Node leaves out the last ones, and those are the proxy's.
  server.maxHeadersCount = 0
  const connections = new Connections(server, { limits, refusals, isProxy })
  const answer = requestListener(options)
  server.on('request', (request, response) => {
    if (connections.admits(request, response)) answer(request, response)
  })
  server.on('clientError', brokenRequestListener(connections, refusals))
  const upgraded = new Set<Duplex>()
  server.on('upgrade', upgradeListener({ ...options, addressOf }, upgraded))
  await listen(server, host, port)
  const { port: actual } = server.address() as AddressInfo
  return {
    url: `http://${reachable(host)}:${actual}`,
    port: actual,
    stop: (graceMs) => stop(server, upgraded, graceMs),
  }
}

type Listener = (request: IncomingMessage, response: ServerResponse) => void

function requestListener(options: ServerOptions): Listener {
  const { guard, sharedOrigins = [], onDirect, log } = options
  const cors = createCors(sharedOrigins)
  const faultOf = (error: unknown) =>
    toFault(error, (reference, cause) => log.error('request failed', { reference, error: cause }))
  const toApp = appListener(options, faultOf)
  return (request, response) => {
    try {
      const { host, origin } = request.headers
      requireOneMeaning(request)
      guard(host, origin)
      const preflight = cors(request, response)
      if (preflight) return void response.writeHead(204, preflight).end()
      const direct = onDirect?.(pathOf(request), request.method ?? 'GET')
      if (direct) direct(request, response)
      else toApp(request, response)
    } catch (error) {
      const { status, headers, body } = problem(faultOf(error))
      // What follows on the connection may be a part of what was refused.
      response.writeHead(status, { ...headers, connection: 'close' }).end(body)
    }
  }
}

/** For the app, Node's request and response are dressed as those of the Fetch standard. */
function appListener({ app }: ServerOptions, faultOf: (error: unknown) => Fault): Listener {
  const answer = getRequestListener((request, bindings) => app.fetch(request, bindings as HttpBindings), {
    errorHandler: (error) =>
      problemResponse(
        error instanceof RequestError ? new Fault('invalid_request', `${error.message}.`) : faultOf(error),
      ),
  })
  return (request, response) => void answer(request, response)
}

/** The path of a request, without its query. */
function pathOf({ url = '/' }: IncomingMessage): string {
  const query = url.indexOf('?')
  return query === -1 ? url : url.slice(0, query)
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException) => reject(listenFault(error, host, port))
    server.once('error', failed)
    server.listen(port, host, () => {
      server.off('error', failed)
      resolve()
    })
  })
}

function listenFault(error: NodeJS.ErrnoException, host: string, port: number): Fault {
  const where = `Port ${port} on ${host}`
  switch (error.code) {
    case 'EADDRINUSE':
      return new Fault('conflict', `${where} is taken by another program.`, {
        hint: 'Choose another with --port; --port 0 takes any free one.',
        cause: error,
      })
    case 'EACCES':
      return new Fault('conflict', `${where} is not open to this user.`, {
        hint: 'Choose one above 1023 with --port.',
        cause: error,
      })
    default:
      return new Fault('invalid_input', `The hub cannot listen at ${host}:${port} (${error.code ?? error.message}).`, {
        hint: 'Give an address of this machine with --host, such as 127.0.0.1 or 0.0.0.0.',
        cause: error,
      })
  }
}

/** A wildcard is no address to connect to, and IPv6 stands in brackets. */
function reachable(host: string): string {
  if (host === '0.0.0.0' || host === '::') return 'localhost'
  return host.includes(':') ? `[${host}]` : host
}

/** How often connections that became idle are closed while stopping, milliseconds: Node itself does it only once. */
const IDLE_CHECK_MS = 20

async function stop(server: Server, upgraded: ReadonlySet<Duplex>, graceMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  const idle = setInterval(() => server.closeIdleConnections(), IDLE_CHECK_MS)
  const cut = setTimeout(() => {
    server.closeAllConnections()
    for (const socket of upgraded) socket.destroy()
  }, graceMs)
  await closed
  clearInterval(idle)
  clearTimeout(cut)
}
