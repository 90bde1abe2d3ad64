import type { Duplex } from 'node:stream'
import { Aedes, type Client } from 'aedes'
import { systemClock, type Clock } from '../../kernel/clock.ts'
import type { Log } from '../../kernel/log.ts'
import type { LoginThrottle } from '../../kernel/login-throttle.ts'
import type { Broker } from '../../kernel/ports.ts'
import { createAccess, mayReceive, OWNER_LOGIN, type AccessOptions, type Account } from './access.ts'
import { createBackPressure, BACK_PRESSURE, type Emitter } from './back-pressure.ts'
import { authorization } from './embedded-access.ts'
import { createGate } from './gate.ts'
import type { IdentityLogins } from './identity-logins.ts'
import { brokerUrl, listenTcp, listenTls, listenWebSocket, type Listener, type ServerTls } from './listen.ts'
import { createLobby } from './lobby.ts'
import { createMembers, type MembersOptions } from './members.ts'
import type { Packet } from './packet.ts'
import { openPersistence, type Persistence } from './persistence.ts'
import { REASONS } from './refusal.ts'
import { DEFAULT_QUOTAS, type BrokerQuotas, type NoteLimit } from './quotas.ts'
import { publishStatistics } from './statistics.ts'
import { readWhole } from './whole-read.ts'

/** What the broker does with slow and absent clients. */
export interface BrokerLimits {
  /** Seconds a session is kept for a client that does not come back. */
  readonly sessionExpirySeconds: number
  /** Milliseconds that publishers wait for a subscriber that reads nothing; then messages for it are dropped. */
  readonly patienceMs: number
  /** Milliseconds after which a client that reads nothing is cut off. */
  readonly drainTimeoutMs: number
}

const DEFAULT_LIMITS: BrokerLimits = {
  sessionExpirySeconds: 14 * 24 * 3600,
  patienceMs: 2000,
  drainTimeoutMs: 20_000,
}

export interface EmbeddedOptions extends AccessOptions {
  readonly host: string
  /** 0: any free port. */
  readonly port: number
  readonly webSocketPort?: number
  /** A listener with TLS besides; 0: any free port. */
  readonly tls?: ServerTls & { readonly port: number }
  /** Path of the SQLite file for retained messages and sessions, or `:memory:`. */
  readonly file: string
  readonly log: Log
  readonly limits?: Partial<BrokerLimits>
  readonly quotas?: Partial<BrokerQuotas>
  /** Slows whoever guesses passwords. */
  readonly throttle?: LoginThrottle
  /** Whether the hub's people will be let in as soon as they are there (`openTo`): until then they are asked to come again. */
  readonly awaitsIdentities?: boolean
  readonly clock?: Clock
  readonly note?: NoteLimit
  /** Told of each wrong user name or password. */
  readonly onWrong?: MembersOptions['onWrong']
  /** Milliseconds; after four of them, the wills of a run that was killed are spoken. */
  readonly heartbeatMs?: number
}

export interface EmbeddedBroker extends Broker {
  readonly kind: 'embedded'
  /** `mqtts://host:port`, where it has such a listener. */
  readonly tlsUrl?: string
  /**
   * Takes over a connection that speaks MQTT, such as a WebSocket that the HTTP server upgraded; `address`: its peer's; `below`: what
   * carries it, where the stream gives nothing of a message before it has all of it.
   */
  accept(stream: Duplex, address?: string, below?: Duplex): void
  /** Lets the hub's people and tokens in too. Returns what shuts them out again. */
  openTo(identities: IdentityLogins): () => void
  /** Another password of the owner's login; whoever came with the old one is sent away. */
  changeOwnerToken(token: string): Promise<'renewed'>
  stop(): Promise<void>
}

/**
 * A broker inside this process: MQTT 3.1.1 and 5.0 over TCP and WebSocket (aedes). Shared subscriptions are refused.
 * Throws Fault `conflict` when a port is taken, `storage_failed` when the file cannot be used.
 */
export async function startEmbeddedBroker(options: EmbeddedOptions): Promise<EmbeddedBroker> {
  const { host, port, webSocketPort, tls, file, log } = options
  const { throttle, clock = systemClock, note = () => {}, onWrong = () => {} } = options
  const limits = { ...DEFAULT_LIMITS, ...options.limits }
  const quotas = { ...DEFAULT_QUOTAS, ...options.quotas }
  const access = createAccess(options)
  let identities: IdentityLogins | 'starting' | undefined = options.awaitsIdentities ? 'starting' : undefined
  const accountNamed = (name: string): Account | undefined =>
    access.account(name) ?? (typeof identities === 'object' ? identities.account(name) : undefined)
  const persistence = openPersistence({
    file,
    longestQueue: quotas.queuedPerClient,
    largestQueueBytes: quotas.queuedMegabytesPerClient * 1_000_000,
    mayReceive(name, topic) {
      const account = accountNamed(name)
      return account !== undefined && mayReceive(account, topic)
    },
  })
  persistence.sweep(Date.now())
  const pressure = createBackPressure({ ...BACK_PRESSURE, patienceMs: limits.patienceMs })
  const startedMs = Date.now()
  const lobby = createLobby(quotas, note)
  const members = createMembers({
    gate: createGate({ access, identities: () => identities, ...(throttle && { throttle }) }),
    quotas,
    lobby,
    clock,
    log,
    note,
    onWrong,
    accountNamed,
    sessions: persistence.sessions,
    endSession: persistence.forget,
    connected: (id) => tablesOf(aedes).clients[id],
    hold: (guest, end) => (typeof identities === 'object' ? identities.hold(guest, end) : () => {}),
  })

  const aedes = new Aedes({
    persistence,
    ...authorization({
      members,
      quotas,
      note,
      log,
      persistence,
      accountNamed,
      hasRoom: pressure.hasRoom,
      isInternal: (topic) => topic.startsWith(`$SYS/${aedes.id}/`),
    }),
    // No bound on packets in delivery at once: the back-pressure is ours.
    concurrency: 0,
    heartbeatInterval: options.heartbeatMs ?? 5000,
    maximumPacketSize: quotas.messageMegabytes * 1_000_000,
    drainTimeout: limits.drainTimeoutMs,
    sessionExpiryIntervalLimit: limits.sessionExpirySeconds,
    connectTimeout: quotas.connectSeconds * 1000,
    receiveMaximum: quotas.inflightPerClient,
    pendingSessionsLimit: quotas.connections * 10,
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
  aedes.on('unsubscribe', (filters, client) => {
    for (const filter of filters) members.of(client)?.bounds?.filters.delete(filter)
  })
  await aedes.listen()
  const dropped = () => pressure.refused + persistence.dropped()
  const endStatistics = publishStatistics(aedes, dropped)
  const sweeper = setInterval(() => persistence.sweep(Date.now()), SWEEP_EVERY_MS)
  sweeper.unref()

  /** aedes knows those that have said who they are; the others would keep the process alive. */
  const streams = new Set<Duplex>()
  const accept = (stream: Duplex, address?: string, below?: Duplex) => {
    if (!lobby.enter(stream, address)) return
    streams.add(stream)
    stream.once('close', () => streams.delete(stream))
    const heard = (chunk: Buffer) => lobby.heard(stream, chunk.length)
    below?.on('data', heard)
    aedes.handle(readWhole(stream, below ? undefined : heard))
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

  const shared = { mostConnections: quotas.connections, maxPacketBytes: quotas.messageMegabytes * 1_000_000 }
  const listen = async (opening: Promise<Listener>): Promise<Listener> => {
    const listener = await opening
    listeners.push(listener)
    return listener
  }
  const open = async () => ({
    tcp: await listen(listenTcp({ host, port, mostConnections: quotas.connections, accept })),
    webSocket:
      webSocketPort === undefined
        ? undefined
        : await listen(listenWebSocket({ ...shared, host, port: webSocketPort, accept })),
    secure: tls && (await listen(listenTls({ ...shared, host, port: tls.port, accept, tls }))),
  })
  const { tcp, webSocket, secure } = await open().catch(async (error: unknown) => {
    await stop()
    throw error
  })

  return {
    kind: 'embedded',
    url: brokerUrl('mqtt', host, tcp.port),
    ...(secure && { tlsUrl: brokerUrl('mqtts', host, secure.port) }),
    ...(webSocket && { webSocketUrl: brokerUrl('ws', host, webSocket.port) }),
    enforcesIdentity: true,
    login: access.login,
    dropped: async () => dropped(),
    report: () => ({ status: 'available', sinceMs: startedMs }),
    accept,
    openTo(logins) {
      identities = logins
      const endGone = logins.onGone((account) => {
        for (const client of persistence.sessions.ownedBy(account)) persistence.forget(client)
      })
      return () => {
        endGone()
        identities = 'starting'
      }
    },
    async changeOwnerToken(token) {
      access.changeOwnerToken(token)
      for (const client of Object.values(tablesOf(aedes).clients))
        if (client && members.of(client)?.account.name === OWNER_LOGIN) members.expel(client, REASONS.notAuthorized)
      return 'renewed'
    },
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
