import { createServer as createHttpServer } from 'node:http'
import { createServer, type AddressInfo, type Server } from 'node:net'
import type { Duplex } from 'node:stream'
import { createServer as createSecureServer, type Server as TlsServer } from 'node:tls'
import { createWebSocketStream, WebSocketServer } from 'ws'
import { Fault } from '../../kernel/fault.ts'
import { answersMqtt } from './probe.ts'

/** An open port, and what closes it. */
export interface Listener {
  readonly port: number
  /** Takes no more connections; those that are open stay open. */
  close(): void
}

export interface ListenOptions {
  readonly host: string
  /** 0: any free port. */
  readonly port: number
  readonly mostConnections: number
  /** `below`: the connection, where the stream gives nothing of a message before it has all of it. */
  readonly accept: (stream: Duplex, address: string | undefined, below?: Duplex) => void
}

/** MQTT over TCP. Throws Fault `conflict` when the port is taken. */
export async function listenTcp({ host, port, mostConnections, accept }: ListenOptions): Promise<Listener> {
  // Without noDelay, Nagle's algorithm and delayed acknowledgements cost 40 ms a message of QoS 1.
  const server = createServer({ noDelay: true, keepAlive: true }, (socket) => accept(socket, socket.remoteAddress))
  server.maxConnections = mostConnections
  return listenOn(server, host, port)
}

/** Certificate and key in PEM, as they are in their files now. */
export interface ServerTls {
  /** Reads them; asked again every minute, for certificates that were renewed. Throws when there are none. */
  read(): { readonly cert: string; readonly key: string }
}

const RENEW_EVERY_MS = 60_000

/** MQTT over TLS, from 1.2 on. Throws Fault `conflict`, `invalid_input` for a certificate or key that is none. */
export async function listenTls({
  host,
  port,
  mostConnections,
  accept,
  tls,
}: ListenOptions & { readonly tls: ServerTls }) {
  let files = tls.read()
  const server = createTlsServer(files)
  server.maxConnections = mostConnections
  server.on('secureConnection', (socket) => accept(socket, socket.remoteAddress))
  // Strangers who do not speak TLS: their connection ends, and nobody else's.
  server.on('tlsClientError', (_, socket) => socket.destroy())
  const listener = await listenOn(server, host, port)
  const renew = () => {
    try {
      const now = tls.read()
      if (now.cert === files.cert && now.key === files.key) return
      server.setSecureContext({ ...now, minVersion: 'TLSv1.2' })
      files = now
    } catch {
      // Half written, or gone for the moment: what was read last is used on, and looked at again.
    }
  }
  const timer = setInterval(renew, RENEW_EVERY_MS)
  timer.unref()
  return {
    port: listener.port,
    close() {
      clearInterval(timer)
      listener.close()
    },
  }
}

function createTlsServer(files: { readonly cert: string; readonly key: string }): TlsServer {
  try {
    return createSecureServer({ ...files, minVersion: 'TLSv1.2', noDelay: true, handshakeTimeout: 10_000 })
  } catch (cause) {
    throw new Fault('invalid_input', 'The certificate or the key of broker.tls cannot be used.', {
      hint: 'Both are PEM files, and the key is that of the certificate.',
      cause,
    })
  }
}

/** MQTT over WebSocket (MQTT 5.0, 6.0: binary frames, subprotocol `mqtt`). Throws Fault `conflict`. */
export async function listenWebSocket(options: ListenOptions & { maxPacketBytes: number }): Promise<Listener> {
  const server = createHttpServer((_, response) => response.writeHead(426, { upgrade: 'websocket' }).end())
  server.maxConnections = options.mostConnections
  const sockets = new WebSocketServer({
    server,
    maxPayload: options.maxPacketBytes,
    perMessageDeflate: false,
    handleProtocols: (offered) => ['mqtt', 'mqttv3.1'].find((name) => offered.has(name)) ?? false,
  })
  // `ws` sets noDelay itself.
  sockets.on('connection', (webSocket, { socket }) =>
    options.accept(createWebSocketStream(webSocket), socket.remoteAddress, socket),
  )
  // The HTTP server's errors come here too; before it listens, they are `listenOn`'s.
  sockets.on('error', () => undefined)
  return listenOn(server, options.host, options.port)
}

function listenOn(server: Server, host: string, port: number): Promise<Listener> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      listenFault(error, host, port).then(reject, reject)
    })
    server.listen({ host, port }, () => {
      const { port: own } = server.address() as AddressInfo
      server.on('error', () => undefined)
      resolve({ port: own, close: () => void server.close() })
    })
  })
}

/**
 * A port that another program can be told to listen on: this one if nobody has it, or for 0 any free one that is none of
 * the others, which were let go for that program too. Throws Fault `conflict`.
 */
export async function freePort(
  host: string,
  port: number,
  others: readonly (number | undefined)[] = [],
): Promise<number> {
  const server = createServer()
  const { port: own } = await listenOn(server, host, port)
  await new Promise((resolve) => server.close(resolve))
  return port === 0 && others.includes(own) ? freePort(host, port, others) : own
}

async function listenFault(error: NodeJS.ErrnoException, host: string, port: number): Promise<Fault> {
  if (error.code === 'EADDRINUSE') return portTaken(host, port)
  const hint =
    error.code === 'EACCES'
      ? 'Ports below 1024 need rights: choose another with --mqtt-port.'
      : 'Check the host: it must be an address of this machine.'
  return new Fault('conflict', `MQTT cannot listen on ${host}:${port}: ${error.message}.`, { hint, cause: error })
}

/** The address at which a client on this machine reaches a listener. */
export function brokerUrl(scheme: 'mqtt' | 'mqtts' | 'ws', host: string, port: number): string {
  const address = reachable(host)
  return `${scheme}://${address.includes(':') ? `[${address}]` : address}:${port}`
}

/** The loopback address where the host means every interface. */
const reachable = (host: string) => (host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host)

/** Looks who has the port and says how to go on. */
export async function portTaken(host: string, port: number): Promise<Fault> {
  const broker = await answersMqtt(reachable(host), port)
  const what = broker ? 'an MQTT broker answers there' : 'by a program that does not speak MQTT'
  return new Fault('conflict', `The MQTT port ${port} on ${host} is taken (${what}).`, {
    hint: broker
      ? `Use that broker with ALICIA_BROKER_URL=${brokerUrl('mqtt', host, port)}, or choose another port with --mqtt-port.`
      : 'Choose another port with --mqtt-port.',
    details: { port, broker },
  })
}
