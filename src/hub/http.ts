import type { IncomingMessage } from 'node:http'
import { createWebSocketStream, WebSocketServer } from 'ws'
import { createAuthenticate } from '../adapters/http/authenticate.ts'
import { createAddressOf, createIsProxy } from '../adapters/http/client-address.ts'
import { createGuard } from '../adapters/http/guard.ts'
import { problemResponse } from '../adapters/http/problem.ts'
import { readIncomingJson } from '../adapters/http/read-incoming-json.ts'
import { BODY_LIMITS, readJson } from '../adapters/http/read-json.ts'
import { startHttpServer, type Direct } from '../adapters/http/server.ts'
import type { UpgradeRoute } from '../adapters/http/upgrade.ts'
import { WrongTokens } from '../adapters/http/wrong-tokens.ts'
import { createMcpHttp } from '../adapters/mcp/http.ts'
import { createOldSse } from '../adapters/mcp/old-sse.ts'
import type { McpServer } from '../adapters/mcp/server.ts'
import { createMcpWebSocket } from '../adapters/mcp/websocket.ts'
import { createRest } from '../adapters/rest/rest.ts'
import type { Config } from '../config.ts'
import type { CallLimits } from '../kernel/call-limits.ts'
import { anonymous, type Caller } from '../kernel/caller.ts'
import type { Identity } from '../kernel/identity.ts'
import type { Part } from '../kernel/lifecycle.ts'
import type { Log } from '../kernel/log.ts'
import type { Hub } from '../kernel/ports.ts'
import { quotaHeaders } from '../kernel/rate-limit-headers.ts'
import type { Refusals } from '../kernel/refusals.ts'
import type { Sight } from '../kernel/reach.ts'
import type { Authorization } from './authorization.ts'
import type { OwnBroker } from './engines.ts'
import { LOGIN_CALLBACK_PATH } from './gateway.ts'
import { createMcpPaths, SSE_PATHS } from './mcp-paths.ts'

const MQTT_PATH = '/mqtt'
/** A little more than the broker's largest packet. */
const LARGEST_MQTT_FRAME_BYTES = 10_001_000
/** Of those without a token, who log in at most: a body is gathered before anybody looks whether they may call what they call. */
const LARGEST_STRANGE_BODY_BYTES = 64 * 1024
const STRANGER = anonymous('rest').id
/** Milliseconds after its last use that an MCP session is forgotten. */
const MCP_SESSION_IDLE_MS = 3_600_000
/** Milliseconds that open connections get when the hub stops; calls have finished before. */
const STOP_GRACE_MS = 1000

export interface HttpOptions {
  readonly config: Config
  readonly hub: Hub
  readonly identity: Identity
  readonly mcp: McpServer
  readonly sight: Sight
  readonly log: Log
  readonly refusals: Refusals
  readonly quotaOf: CallLimits['quotaOf']
  readonly authorization: Pick<Authorization, 'at' | 'metadataUrl' | 'hubMetadataUrl'>
  /** Undefined while it does not run, or runs elsewhere. */
  broker(): OwnBroker | undefined
  /** Ends a login at another server that a browser comes back from. */
  readonly loginCallback: Direct
  /** Told where the server listens. */
  onListen(url: string): void
}

/** The one HTTP server: REST, the API page, MCP over HTTP and WebSocket, MQTT over WebSocket. */
export function httpPart(options: HttpOptions): Part {
  const { config, log, hub, authorization } = options
  const { refusals, quotaOf } = options
  const isProxy = createIsProxy(config.trustedProxies)
  const addressOf = createAddressOf(isProxy)
  const authenticate = createAuthenticate(options.identity, new WrongTokens({ refusals }))
  const quota = (caller: Caller) => {
    const left = quotaOf(caller)
    return left && quotaHeaders(left)
  }
  const limits = { ...BODY_LIMITS, bodyBytes: config.limits.bodyMegabytes * 1024 * 1024 }
  const strangerLimits = { bodyBytes: Math.min(LARGEST_STRANGE_BODY_BYTES, limits.bodyBytes) }
  const rest = createRest({
    registry: hub.registry,
    invoke: hub.invoke,
    log,
    version: hub.version,
    authenticate,
    readJson(request, env, caller) {
      const own = caller.id === STRANGER ? strangerLimits : limits
      return env?.incoming ? readIncomingJson(env.incoming, own) : readJson(request, own)
    },
    problem: problemResponse,
    metadataUrl: authorization.hubMetadataUrl,
    metrics: () => hub.metrics(),
    tenure: options.mcp.tenure,
    sight: options.sight,
    quota,
    addressOf,
    streams: options.mcp.streams,
  })

  return {
    name: 'http',
    needs: ['broker', 'store', 'trail'],
    essential: true,
    async start() {
      const { mcp } = options
      const mostSessions = config.limits.mcpSessions
      const streamable = createMcpHttp({
        server: mcp,
        mostSessions,
        mostSessionsOfOne: config.limits.mcpSessionsPerCaller,
        sessionIdleMs: MCP_SESSION_IDLE_MS,
      })
      const sse = createOldSse({ server: mcp, mostSessions, postPath: SSE_PATHS.post })
      const sockets = createMcpWebSocket({ server: mcp, largestMessageBytes: limits.bodyBytes })
      const exchange = { limits, quota, metadataUrl: authorization.metadataUrl }
      const mcpPaths = createMcpPaths({ streamable, sse, sockets, authenticate, addressOf, exchange })
      const server = await startHttpServer({
        host: config.host,
        port: config.port,
        guard: createGuard({ hosts: namesOf(config), origins: config.allowedOrigins }),
        sharedOrigins: config.allowedOrigins,
        authenticate,
        addressOf,
        isProxy,
        refusals,
        limits: { sockets: config.limits.sockets, socketsPerAddress: config.limits.socketsPerAddress },
        log,
        app: {
          fetch: rest,
        },
        onDirect: (path, method) =>
          mcpPaths.direct(path, method) ??
          (path === LOGIN_CALLBACK_PATH ? options.loginCallback : authorization.at(path)),
        onUpgrade: (path) =>
          mcpPaths.upgrade(path) ?? (path === MQTT_PATH ? mqttRoute(options.broker(), addressOf) : undefined),
      })
      options.onListen(server.url)
      return {
        async stop() {
          streamable.close()
          sse.close()
          sockets.close()
          await server.stop(STOP_GRACE_MS)
        },
      }
    },
  }
}

/** By these the hub may be called. */
const namesOf = ({ allowedHosts, publicUrl }: Config): string[] =>
  publicUrl === undefined ? [...allowedHosts] : [...allowedHosts, new URL(publicUrl).host]

/** MQTT over WebSocket on the same port; the client logs in with MQTT's own means, so no token is asked for here. */
function mqttRoute(
  broker: OwnBroker | undefined,
  addressOf: (request: IncomingMessage) => string | undefined,
): UpgradeRoute | undefined {
  if (!broker?.accept) return undefined
  const server = new WebSocketServer({
    noServer: true,
    // Of those who have not said who they are yet, too: by default `ws` gathers 100 MiB.
    maxPayload: LARGEST_MQTT_FRAME_BYTES,
    perMessageDeflate: false,
    // MQTT 5.0, 6.0: the subprotocol is `mqtt`; 3.1 clients say `mqttv3.1`.
    handleProtocols: (offered) => ['mqtt', 'mqttv3.1'].find((protocol) => offered.has(protocol)) ?? false,
  })
  return {
    via: 'mqtt',
    accept({ request, socket, head }) {
      server.handleUpgrade(request, socket, head, (webSocket) =>
        broker.accept?.(createWebSocketStream(webSocket), addressOf(request), socket),
      )
    },
  }
}
