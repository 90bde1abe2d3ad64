import { randomBytes } from 'node:crypto'
import { loadSecrets } from '../engines/secrets.ts'
import type { Connection, ConnectionHandlers, ClientFace, UpstreamRequest } from '../gateway/connection/connection.ts'
import { createRelay } from '../gateway/relay/relay.ts'
import type { Relay, RelayOptions } from '../gateway/relay/relay-options.ts'
import type { Caller } from '../kernel/caller.ts'
import { heldClock, type HeldClock } from '../kernel/clock.ts'
import { createEvents, type EventMap, type Events } from '../kernel/events.ts'
import { silentLog } from '../kernel/log.ts'
import type { Params } from '../kernel/mcp/message.ts'
import type { ClientSession, Peer } from '../kernel/mcp/peer.ts'
import { META, MODERN_REVISION, type LegacyRevision, type LogLevel, type Revision } from '../kernel/mcp/protocol.ts'
import type { JsonText } from '../kernel/mcp/raw.ts'
import { RelayedResult } from '../kernel/mcp/relayed.ts'
import type { CallContext, Progress } from '../kernel/tool.ts'

/** A request as a server sees it, and what the server can do meanwhile. */
export interface Served {
  readonly id: number
  readonly method: string
  readonly text: JsonText
  readonly params: Record<string, unknown> & { _meta?: Record<string, unknown> }
  readonly signal: AbortSignal
  notify(method: string, params: object): void
  ask(method: string, params: object): Promise<RelayedResult>
}

/** The text of a result. */
export type Serve = (request: Served) => JsonText | Promise<JsonText>

/** A connection to a server that is a function. */
export interface TestConnection extends Connection {
  readonly face: ClientFace | undefined
  readonly served: Served[]
  readonly notified: { method: string; params: JsonText }[]
  /** What `logging/setLevel` said. */
  readonly levels: unknown[]
  readonly isClosed: boolean
  /** What the server does outside every request. */
  readonly handlers: ConnectionHandlers
}

export interface TestServer {
  readonly revision: Revision
  readonly serve: Serve
  /** As HTTP does: what belongs to a request comes on its own stream. */
  readonly correlates?: boolean
  readonly capabilities?: Params
}

export function testConnection(server: TestServer, handlers: ConnectionHandlers, face?: ClientFace): TestConnection {
  const { revision, serve, correlates = false, capabilities = { logging: {} } } = server
  const served: Served[] = []
  const notified: { method: string; params: JsonText }[] = []
  const levels: unknown[] = []
  let closed = false
  const ofConnection = new Set(['notifications/message', 'notifications/tools/list_changed'])
  return {
    revision,
    capabilities,
    serverInfo: { name: 'test' },
    instructions: undefined,
    correlates,
    running: 0,
    face,
    served,
    notified,
    levels,
    handlers,
    get isClosed() {
      return closed
    },
    async request(request: UpstreamRequest) {
      const id = served.length + 1
      const text = request.params(id)
      if (request.method === 'logging/setLevel') {
        levels.push((JSON.parse(text) as { level: unknown }).level)
        return new RelayedResult('{}')
      }
      const one: Served = {
        id,
        method: request.method,
        text,
        params: JSON.parse(text) as Served['params'],
        signal: request.signal,
        notify(method, params) {
          const notification = { method, params: JSON.stringify(params) }
          if (correlates || !ofConnection.has(method)) request.onNotification?.(notification)
          else handlers.onNotification(notification)
        },
        ask(method, params) {
          const question = { id: 1, method, params: JSON.stringify(params), signal: new AbortController().signal }
          const asked = correlates ? request.onRequest?.(question) : handlers.onRequest(question)
          return asked ?? Promise.reject(new Error('Nobody takes questions.'))
        },
      }
      served.push(one)
      const aborted = Promise.withResolvers<never>()
      const withdraw = () => aborted.reject(request.signal.reason)
      aborted.promise.catch(() => undefined)
      if (request.signal.aborted) withdraw()
      request.signal.addEventListener('abort', withdraw)
      try {
        return new RelayedResult(await Promise.race([serve(one), aborted.promise]))
      } finally {
        request.signal.removeEventListener('abort', withdraw)
      }
    },
    notify: (method, params) => void notified.push({ method, params }),
    async close() {
      closed = true
    },
  }
}

/** What a client heard, and what it was asked. */
export interface TestPeer {
  readonly peer: Peer
  readonly heard: { method: string; params: unknown }[]
  readonly asked: { method: string; params: unknown }[]
}

type Answers = (method: string, params: unknown, signal: AbortSignal) => unknown

export interface PeerOptions {
  readonly capabilities?: Params
  readonly logLevel?: LogLevel
  readonly params?: JsonText
  readonly answer?: Answers
}

export const EVERYTHING: Params = { elicitation: { form: {}, url: {} }, sampling: { tools: {} }, roots: {} }

export function legacyPeer(
  options: PeerOptions & { id?: string; caller?: Caller; revision?: LegacyRevision } = {},
): TestPeer {
  const { capabilities = EVERYTHING, logLevel, params = '{}', answer = () => ({}) } = options
  const heard: TestPeer['heard'] = []
  const asked: TestPeer['asked'] = []
  const notify = (method: string, text: JsonText) => void heard.push({ method, params: JSON.parse(text) as unknown })
  const ask = async (method: string, text: JsonText, signal: AbortSignal) => {
    const value: unknown = JSON.parse(text)
    asked.push({ method, params: value })
    return new RelayedResult(JSON.stringify(await answer(method, value, signal)))
  }
  const session: ClientSession = {
    id: options.id ?? 'session-1',
    caller: options.caller ?? anna,
    revision: options.revision ?? '2025-11-25',
    capabilities,
    clientInfo: { name: 'old client', version: '1' },
    logLevel,
    notify,
    ask,
  }
  const { revision, clientInfo } = session
  return { peer: { revision, capabilities, clientInfo, logLevel, params, session, notify, ask }, heard, asked }
}

export function modernPeer({ capabilities = EVERYTHING, logLevel, params = '{}' }: PeerOptions = {}): TestPeer {
  const heard: TestPeer['heard'] = []
  const notify = (method: string, text: JsonText) => void heard.push({ method, params: JSON.parse(text) as unknown })
  const revision = MODERN_REVISION
  const peer: Peer = {
    revision,
    capabilities,
    clientInfo: { name: 'new client', version: '1' },
    logLevel,
    params,
    notify,
  }
  return { peer, heard, asked: [] }
}

/** `_meta` of a request of 2026-07-28. */
export const modernMeta = (capabilities: Params = EVERYTHING) => ({
  [META.revision]: MODERN_REVISION,
  [META.clientInfo]: { name: 'new client', version: '1' },
  [META.clientCapabilities]: capabilities,
})

export const anna: Caller = { id: 'anna', name: 'Anna', scopes: ['*'], via: 'mcp' }
export const bert: Caller = { id: 'bert', name: 'Bert', scopes: ['*'], via: 'mcp' }

export interface TestContext extends CallContext {
  readonly emitted: Progress[]
  /** How often the time limit began anew. */
  extended(): number
  abort(reason: unknown): void
}

export function contextFor(peer?: Peer, caller: Caller = anna): TestContext {
  const controller = new AbortController()
  const emitted: Progress[] = []
  let extensions = 0
  return {
    signal: controller.signal,
    log: silentLog,
    caller,
    requestId: 'r',
    ...(peer !== undefined && { peer }),
    emitted,
    emit: (progress) => void emitted.push(progress),
    extend: () => void (extensions += 1),
    extended: () => extensions,
    abort: (reason) => controller.abort(reason),
  }
}

export interface TestRelay {
  readonly relay: Relay
  readonly clock: HeldClock
  readonly events: Events
  /** The shared connection. */
  readonly shared: TestConnection
  /** Those of single clients, in their order. */
  readonly own: TestConnection[]
  readonly notices: EventMap['mcp.notified'][]
  readonly changes: string[]
  learned(): boolean
}

export function testRelay(server: TestServer, more: Partial<RelayOptions> & { learned?: boolean } = {}): TestRelay {
  const clock = heldClock()
  const events = createEvents((error) => {
    throw error
  })
  const own: TestConnection[] = []
  const notices: EventMap['mcp.notified'][] = []
  const changes: string[] = []
  const asks = new Set(more.learned ? ['roots', 'sampling', 'elicitation'] : [])
  events.on('mcp.notified', (event) => void notices.push(event))
  const relay = createRelay({
    name: 'weather',
    shared: () => shared,
    connectFor: async (face, handlers) => {
      const connection = testConnection(server, handlers, face)
      own.push(connection)
      return connection
    },
    sharing: 'auto',
    mostConnections: 4,
    roots: [{ uri: 'file:///srv/home' }],
    secrets: loadSecrets({ file: '', log: silentLog, fromEnvironment: randomBytes(32).toString('hex') }),
    interactive: { asks: () => asks, learn: (capability) => void asks.add(capability) },
    events,
    clock,
    log: silentLog,
    hubFace: { clientInfo: { name: 'alicia', version: '0' }, capabilities: EVERYTHING },
    onListChanged: (kind) => void changes.push(kind),
    onResourceUpdated: (uri) => void changes.push(uri),
    ...more,
  })
  const shared = testConnection(server, { ...relay.sharedHandlers, onClose: () => undefined })
  return { relay, clock, events, shared, own, notices, changes, learned: () => asks.size > 0 }
}
