import type { Clock } from '../../kernel/clock.ts'
import type { Log } from '../../kernel/log.ts'
import type { Transport } from '../../kernel/mcp/server-definition.ts'
import type { ServerProcess } from '../process/server-process.ts'
import type { ClientFace, Connection, ConnectionHandlers } from './connection.ts'
import { eraKey, mayBeOldSse, type EraMemory } from './era.ts'
import { HttpEndpoint } from './http-endpoint.ts'
import { negotiate } from './negotiate.ts'
import { overOldSse } from './old-sse.ts'
import { overStdio } from './stdio.ts'
import { StreamableHttp } from './streamable-http.ts'
import { overWebSocket } from './websocket.ts'
import type { Agreement, Wire, WireOptions } from './wire.ts'

export interface ConnectOptions {
  /** The upstream's id, which every fault names. */
  readonly name: string
  readonly face: ClientFace
  readonly handlers: ConnectionHandlers
  readonly clock: Clock
  readonly log: Log
  /** Of the start: until there is a connection, or no more is wanted. */
  readonly signal: AbortSignal
  readonly eras: EraMemory
  /** Starts the server of a transport over pipes. The connection stops it. */
  readonly spawn: (transport: StdioTransport) => ServerProcess | Promise<ServerProcess>
  /** Used instead of Node's own client, where requests have to be logged in. Must not follow redirects to other origins. */
  readonly fetch?: typeof fetch
  /** Headers beside those of the transport, asked for before each request. */
  readonly headers?: () => Promise<Readonly<Record<string, string>>>
  /** The largest message of the server that is taken. */
  readonly maxMessageBytes?: number
}

export type StdioTransport = Extract<Transport, { kind: 'stdio' }>
type HttpTransport = Extract<Transport, { kind: 'http' }>

/** A result may hold a picture or a file. */
const LARGEST_MESSAGE_BYTES = 64 * 1024 * 1024

/**
 * Connects to a server and agrees with it on a revision. Throws a Fault that names it: `unavailable` when it cannot be
 * reached or ends, LoginRequired, `upstream_failed` when it is no MCP server; RelayedError when it refuses the handshake.
 */
export async function connect(transport: Transport, options: ConnectOptions): Promise<Connection> {
  const { handlers } = options
  let established = false
  const wireOptions: WireOptions = {
    name: options.name,
    clock: options.clock,
    log: options.log.child({ upstream: options.name }),
    maxMessageBytes: options.maxMessageBytes ?? LARGEST_MESSAGE_BYTES,
    handlers: {
      onNotification: (notification) => handlers.onNotification(notification),
      onRequest: (request) => handlers.onRequest(request),
      // Before there is a connection, whoever wants one hears of its end from the promise.
      onClose: (reason) => established && handlers.onClose(reason),
      onGap: () => handlers.onGap?.(),
    },
  }
  const attempt = (open: () => Promise<Wire>) =>
    negotiate({ ...options, log: wireOptions.log, eraKey: eraKey(transport), open })
  const { wire, agreement } = await negotiateOver(transport, options, wireOptions, attempt)
  established = true
  return connectionOf(wire, agreement)
}

type Attempt = (open: () => Promise<Wire>) => Promise<{ wire: Wire; agreement: Agreement }>

async function negotiateOver(
  transport: Transport,
  options: ConnectOptions,
  wireOptions: WireOptions,
  attempt: Attempt,
) {
  const { signal, headers } = options
  switch (transport.kind) {
    case 'stdio':
      return await attempt(async () => overStdio(await options.spawn(transport), wireOptions))
    case 'websocket':
      return await attempt(() =>
        overWebSocket(transport, { ...wireOptions, ...(headers && { moreHeaders: headers }) }, signal),
      )
    case 'http':
      return await negotiateHttp(transport, options, wireOptions, attempt)
  }
}

async function negotiateHttp(
  transport: HttpTransport,
  options: ConnectOptions,
  wireOptions: WireOptions,
  attempt: Attempt,
) {
  const { name, signal, fetch, headers } = options
  const { url, headers: fixed, mode } = transport
  const endpoint = () =>
    new HttpEndpoint({ name, url, headers: fixed, ...(fetch && { fetch }), ...(headers && { moreHeaders: headers }) })
  const oldSse = () => attempt(() => overOldSse(endpoint(), wireOptions, signal))
  if (mode === 'sse') return await oldSse()
  try {
    return await attempt(async () => new StreamableHttp(wireOptions, endpoint()))
  } catch (error) {
    if (mode === 'streamable' || !mayBeOldSse(error)) throw error
    try {
      return await oldSse()
    } catch (second) {
      wireOptions.log.debug('no old HTTP+SSE either', { error: second })
      throw error
    }
  }
}

const connectionOf = (wire: Wire, agreement: Agreement): Connection => ({
  ...agreement,
  correlates: wire.correlates,
  get running() {
    return wire.running
  },
  request: (request) => wire.request(request),
  notify(method, params) {
    // Who cares whether it arrives asks for an answer.
    wire.notify(method, params).catch(() => undefined)
  },
  close: () => wire.close(),
})
