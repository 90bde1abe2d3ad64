import type { IncomingMessage } from 'node:http'
import type { Authenticate } from '../adapters/http/authenticate.ts'
import { NodeExchange, type ExchangeOptions } from '../adapters/http/node-exchange.ts'
import type { Direct } from '../adapters/http/server.ts'
import type { UpgradeRoute } from '../adapters/http/upgrade.ts'
import type { McpHttp } from '../adapters/mcp/http.ts'
import type { OldSse } from '../adapters/mcp/old-sse.ts'
import type { McpWebSocket } from '../adapters/mcp/websocket.ts'
import { Fault } from '../kernel/fault.ts'
import { RecentMap } from '../kernel/recent-map.ts'

/** Where MCP is served; the second is where existing set-ups look for it. */
const MCP_PATHS: ReadonlySet<string> = new Set(['/mcp', '/api/v1/mcp'])
export const SSE_PATHS = { open: '/sse', post: '/messages' }

export interface McpPathsOptions {
  readonly streamable: McpHttp
  readonly sse: OldSse
  readonly sockets: McpWebSocket
  readonly authenticate: Authenticate
  readonly addressOf: (request: IncomingMessage) => string | undefined
  readonly exchange: Omit<ExchangeOptions, 'authenticate'>
}

/** What answers at MCP's paths; undefined: that is none of them. */
export interface McpPaths {
  /** On Node's own request and response. */
  direct(path: string, method: string): Direct | undefined
  upgrade(path: string): UpgradeRoute | undefined
}

export function createMcpPaths(options: McpPathsOptions): McpPaths {
  const { streamable, sse, sockets, authenticate, addressOf, exchange } = options

  const exchangeFor = (resource: string): ExchangeOptions => ({
    ...exchange,
    authenticate(request) {
      const { authorization } = request.headers
      if (authorization === undefined) throw tokenMissing()
      return authenticate(authorization, 'mcp', { address: addressOf(request), resource })
    },
  })
  const whole = exchangeFor(WHOLE.resource)
  const ofProfiles = new RecentMap<ExchangeOptions>(MOST_PROFILES)
  const exchangeAt = ({ profile, resource }: Place): ExchangeOptions => {
    if (profile === undefined) return whole
    const known = ofProfiles.get(resource)
    if (known !== undefined) return known
    const made = exchangeFor(resource)
    ofProfiles.set(resource, made)
    return made
  }

  const isKnown = (authorization: string, resource: string): boolean | Promise<boolean> => {
    try {
      const caller = authenticate(authorization, 'mcp', { resource })
      return caller instanceof Promise
        ? caller.then(
            () => true,
            () => false,
          )
        : true
    } catch {
      return false
    }
  }

  return {
    direct(path, method) {
      const at = placeAt(path)
      if (at) {
        const own = exchangeAt(at)
        return (request, response) => void streamable.handle(new NodeExchange(request, response, own), at.profile)
      }
      if (path === SSE_PATHS.open && method === 'GET')
        return (request, response) => void sse.open(new NodeExchange(request, response, whole))
      if (path === SSE_PATHS.post && method === 'POST')
        return (request, response) => void sse.post(new NodeExchange(request, response, whole))
      return undefined
    },
    upgrade(path) {
      const at = placeAt(path)
      if (!at) return undefined
      const { profile, resource } = at
      return {
        via: 'mcp',
        resource,
        ...(exchange.metadataUrl && { metadataUrl: exchange.metadataUrl }),
        accept(upgrade) {
          const { authorization } = upgrade.request.headers
          if (authorization === undefined) throw tokenMissing()
          sockets.accept({
            ...upgrade,
            ...(profile !== undefined && { profile }),
            isStillKnown: () => isKnown(authorization, resource),
          })
        },
      }
    },
  }
}

interface Place {
  /** Undefined: everything. */
  readonly profile: string | undefined
  /** The path under which tokens for it are given out. */
  readonly resource: string
}

const WHOLE: Place = { profile: undefined, resource: '/mcp' }

/** Whether MCP is served at the path, and for which profile. */
function placeAt(path: string): Place | undefined {
  if (MCP_PATHS.has(path)) return WHOLE
  const profile = /^(?:\/api\/v1)?\/mcp\/([^/]+)$/.exec(path)?.[1]
  return profile === undefined ? undefined : { profile, resource: `/mcp/${profile}` }
}

/** More than a home has. */
const MOST_PROFILES = 100

/** MCP is for those who are known, on every transport: a channel that stays open costs memory. */
const tokenMissing = () =>
  new Fault('unauthenticated', 'MCP needs an access token.', {
    hint: 'Send it as "Authorization: Bearer <token>"; `alicia token` prints it.',
  })
