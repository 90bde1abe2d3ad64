import type { Duplex } from 'node:stream'
import { Aedes, type Client } from 'aedes'
import type { Log } from '../../kernel/log.ts'
import type { Broker } from '../../kernel/ports.ts'
import { createAccess, type AccessOptions } from './access.ts'
import { createBackPressure, BACK_PRESSURE, type Emitter } from './back-pressure.ts'
import { authorization } from './embedded-access.ts'
import { brokerUrl, listenTcp, listenWebSocket, type Listener } from './listen.ts'
import type { Packet } from './packet.ts'
import { openPersistence, type Persistence } from './persistence.ts'
import { publishStatistics } from './statistics.ts'
import { readWhole } from './whole-read.ts'

/** Bounds on what clients can make the broker hold. */
export interface BrokerLimits {
  /** Bytes of one packet. */
  readonly maxPacketBytes: number
  /** Open connections, by TCP and by WebSocket each. */
  readonly mostConnections: number
  /** Messages kept for one absent client. */
  readonly longestQueue: number
  /** Seconds a session is kept for a client that does not come back. */
  readonly sessionExpirySeconds: number
  /** Milliseconds that publishers wait for a subscriber that reads nothing; then messages for it are dropped. */
  readonly patienceMs: number
  /** Milliseconds after which a client that reads nothing is cut off. */
  readonly drainTimeoutMs: number
}

const DEFAULT_LIMITS: BrokerLimits = {
  maxPacketBytes: 10_000_000,
  mostConnections: 1000,
  longestQueue: 10_000,
  sessionExpirySeconds: 14 * 24 * 3600,
  patienceMs: 2000,
  drainTimeoutMs: 20_000,
}

export interface EmbeddedOptions extends AccessOptions {
  readonly host: string
  /** 0: any free port. */
  readonly port: number
  readonly webSocketPort?: number
  /** Path of the SQLite file for retained messages and sessions, or `:memory:`. */
  readonly file: string
  readonly log: Log
  readonly limits?: Partial<BrokerLimits>
  /** Milliseconds; after four of them, the wills of a run that was killed are spoken. */
  readonly heartbeatMs?: number
}

export interface EmbeddedBroker extends Broker {
  readonly kind: 'embedded'
  /** Takes over a connection that speaks MQTT, such as a WebSocket that the HTTP server upgraded. */
  accept(stream: Duplex): void
  stop(): Promise<void>
}

/**
 * A broker inside this process: MQTT 3.1.1 and 5.0 over TCP and WebSocket (aedes). Shared subscriptions are refused.
 * Throws Fault `conflict` when a port is taken, `storage_failed` when the file cannot be used.
 */
export async function startEmbeddedBroker(options: EmbeddedOptions): Promise<EmbeddedBroker> {
  const { host, port, webSocketPort, file, log } = options
  const limits = { ...DEFAULT_LIMITS, ...options.limits }
  const access = createAccess(options)
  const persistence = openPersistence({ file, longestQueue: limits.longestQueue, mayReceive: access.mayReceive })
  persistence.sweep(Date.now())
  const pressure = createBackPressure({ ...BACK_PRESSURE, patienceMs: limits.patienceMs })
  const startedMs = Date.now()

  const aedes = new Aedes({
    persistence,
    ...authorization({
      access,
      log,
      storeFirst: persistence.storeFirst,
      refuse: persistence.refuse,
      hasRoom: pressure.hasRoom,
      isDraining: persistence.isDraining,
      admit: persistence.sessions.admit,
      isInternal: (topic) => topic.startsWith(`$SYS/${aedes.id}/`),
      connected: (id) => tablesOf(aedes).clients[id],
    }),
    // No bound on packets in delivery at once: the back-pressure is ours.
    concurrency: 0,
    heartbeatInterval: options.heartbeatMs ?? 5000,
    maximumPacketSize: limits.maxPacketBytes,
    drainTimeout: limits.drainTimeoutMs,
    sessionExpiryIntervalLimit: limits.sessionExpirySeconds,
    pendingSessionsLimit: limits.mostConnections * 10,
    // Packets that a client sends before it has its CONNACK.
    queueLimit: 1000,
    topicAliasMaximum: 100,
  })
  for (const table of Object.values(tablesOf(aedes))) Object.setPrototypeOf(table, null)
  aedes.on('clientError', (client, error) => log.debug('a client failed', { client: client.id, error }))
  aedes.on('connectionError', (_, error) => log.debug('a connection failed', { error }))
  ;(aedes as NodeJS.EventEmitter).on('error', (error: unknown) => log.error('the embedded broker failed', { error }))
  pressure.govern((aedes as unknown as { mq: Emitter }).mq, (packet) => persistence.number(packet as Packet))
  followSessions(aedes, persistence)
  await aedes.listen()
  const dropped = () => pressure.refused + persistence.dropped()
  const endStatistics = publishStatistics(aedes, dropped)
  const sweeper = setInterval(() => persistence.sweep(Date.now()), SWEEP_EVERY_MS)
  sweeper.unref()

  /** aedes knows those that have said who they are; the others would keep the process alive. */
  const streams = new Set<Duplex>()
  const accept = (stream: Duplex) => {
    streams.add(stream)
    stream.once('close', () => streams.delete(stream))
    aedes.handle(readWhole(stream))
  }
  const listeners: Listener[] = []
  const stop = async () => {
    for (const listener of listeners) listener.close()
    endStatistics()
    clearInterval(sweeper)
    await new Promise<void>((resolve) => aedes.close(() => resolve()))
    for (const stream of streams) stream.destroy()
    // The wills of those that were connected are published and stored on the way out.
    await new Promise((resolve) => setImmediate(resolve))
    await persistence.destroy()
  }

  try {
    const tcp = await listenTcp({ host, port, mostConnections: limits.mostConnections, accept })
    listeners.push(tcp)
    if (webSocketPort !== undefined)
      listeners.push(await listenWebSocket({ ...limits, host, port: webSocketPort, accept }))
  } catch (error) {
    await stop()
    throw error
  }
  const [tcp, webSocket] = listeners

  return {
    kind: 'embedded',
    url: brokerUrl('mqtt', host, tcp?.port ?? port),
    ...(webSocket && { webSocketUrl: brokerUrl('ws', host, webSocket.port) }),
    enforcesIdentity: true,
    login: access.login,
    dropped: async () => dropped(),
    report: () => ({ status: 'available', sinceMs: startedMs }),
    accept,
    stop,
  }
}

const SWEEP_EVERY_MS = 60_000

interface Tables {
  readonly clients: Readonly<Record<string, Client | undefined>>
  readonly brokers: object
}

/** What aedes keeps by names that others choose, in plain objects: with a prototype, a client called `__proto__` ends us. */
function tablesOf(aedes: Aedes): Tables {
  const { clients, brokers } = aedes as unknown as Tables
  return { clients, brokers }
}

/** Tells the persistence which sessions have a connection: aedes forgets that when it ends. */
function followSessions(aedes: Aedes, { sessions }: Persistence): void {
  aedes.on('client', ({ id, clean, sessionExpiryInterval }) => {
    if (!clean) sessions.begin(id, sessionExpiryInterval)
  })
  aedes.on('clientDisconnect', ({ id, sessionExpiryInterval }) => sessions.leave(id, sessionExpiryInterval, Date.now()))
}
