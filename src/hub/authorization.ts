import type { IncomingMessage, ServerResponse } from 'node:http'
import { createAddressOf, createIsProxy } from '../adapters/http/client-address.ts'
import { openAuthorizationServer, type AuthorizationServer } from '../adapters/oauth/authorization-server.ts'
import { RESOURCE_METADATA_PATH, resourceMetadata } from '../adapters/oauth/resource-metadata.ts'
import { startingScopes } from '../adapters/oauth/scope-text.ts'
import type { Config } from '../config.ts'
import { createGuardedFetch } from '../gateway/oauth/guarded-fetch.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Events } from '../kernel/events.ts'
import { Fault } from '../kernel/fault.ts'
import type { Part } from '../kernel/lifecycle.ts'
import type { Log } from '../kernel/log.ts'
import type { LoginThrottle } from '../kernel/login-throttle.ts'
import type { OwnOrigins } from '../kernel/logins.ts'
import type { Profiles } from '../kernel/mcp/profile.ts'
import type { Registry } from '../kernel/registry.ts'

export interface AuthorizationOptions {
  readonly config: Config
  readonly origins: OwnOrigins
  readonly profiles: Profiles
  readonly registry: Registry
  readonly throttle: LoginThrottle
  readonly events: Events
  readonly clock: Clock
  readonly log: Log
  /** Issuers besides the hub's own whose tokens are good. */
  readonly otherIssuers?: readonly string[]
}

/** What the HTTP server needs of it. */
export interface Authorization {
  readonly part: Part
  /** Answers at the path; undefined: it is none of these. */
  at(path: string): ((request: IncomingMessage, response: ServerResponse) => void) | undefined
  /** Who is signed in with the browser, or asks them: see `AuthorizationServer`. Throws Fault. */
  readonly visitor: AuthorizationServer['visitor']
  /** Where the resource that was asked for describes itself, at the name of the hub that was used. */
  metadataUrl(request: IncomingMessage): string
  /** The same of the hub as a whole: REST has no address of its own that tokens are given for. */
  hubMetadataUrl(request: IncomingMessage): string
}

/** A client's document is a few kilobytes, and a person waits for it. */
const DOCUMENT_TIMEOUT_MS = 5000
const MOST_DOCUMENT_BYTES = 16 * 1024

/** The hub as a protected resource, and as the authorization server for it. */
export function createAuthorization(options: AuthorizationOptions): Authorization {
  const { origins, profiles, registry, otherIssuers = [] } = options
  let server: AuthorizationServer | undefined
  const originOf = ({ headers }: IncomingMessage) => originAskedAt(origins, headers)
  const scopesOf = (profile: string | undefined) => {
    const chosen = profile === undefined ? undefined : profiles.get(profile)
    return startingScopes(registry, chosen && ((entry) => chosen.includes(entry)))
  }
  const isProfile = (name: string) => profiles.get(name) !== undefined
  const metadata = {
    originOf,
    authorizationServers: () => [origins.preferred, ...otherIssuers],
    startingScopes: scopesOf,
    isProfile,
  }
  return {
    at: (path) => resourceMetadata(path, metadata) ?? server?.at(path),
    async visitor(request, response, reason) {
      if (server) return await server.visitor(request, response, reason)
      throw new Fault('unavailable', 'The hub is not ready for logins.', { hint: 'Try again in a moment.' })
    },
    metadataUrl: (request) => originOf(request) + RESOURCE_METADATA_PATH + pathOf(request),
    hubMetadataUrl: (request) => originOf(request) + RESOURCE_METADATA_PATH,
    part: {
      name: 'authorization',
      needs: ['store', 'secrets', 'identity', 'people', 'logins'],
      async start({ store, secrets, identity, people, logins }) {
        if (!store || !secrets || !identity || !people || !logins)
          throw new TypeError('The authorization server starts after the logins.')
        const { config, clock } = options
        const running = await openAuthorizationServer({
          ...options,
          store,
          secrets,
          identity,
          people,
          keys: logins.keys,
          policy: { clientHosts: config.oauth.clients, registration: config.oauth.registration },
          fetch: createGuardedFetch({
            name: 'a client',
            upstream: NOBODY,
            allowPrivateAddresses: config.oauth.allowPrivateAddresses,
            clock,
            timeoutMs: DOCUMENT_TIMEOUT_MS,
            mostBytes: MOST_DOCUMENT_BYTES,
          }),
          isProfile,
          startingScopes: scopesOf,
          addressOf: createAddressOf(createIsProxy(config.trustedProxies)),
          endLogin: (credential) => logins.end(credential),
          onEndAll: logins.onEndAll,
        })
        server = running
        return {
          async stop() {
            server = undefined
            running.stop()
          },
        }
      },
    },
  }
}

/** Without its query; messages to a stream belong to that stream. */
function pathOf({ url = '' }: IncomingMessage): string {
  const [path = ''] = url.split('?', 1)
  return path === '/messages' ? '/sse' : path
}

/** No address is exempt from the guard. */
const NOBODY = new URL('https://nobody.invalid')

/**
 * The hub's own origin that a request was sent to. Its `Host` was let in; a proxy's word on the scheme only chooses between two
 * that are both the hub's own.
 */
export function originAskedAt(origins: OwnOrigins, headers: IncomingMessage['headers']): string {
  const { host = '', 'x-forwarded-proto': scheme } = headers
  const candidates = [`https://${host}`, `http://${host}`].map((url) => URL.parse(url)?.origin ?? '')
  const ordered = scheme === 'http' ? candidates.toReversed() : candidates
  return ordered.find((origin) => origins.includes(origin)) ?? origins.preferred
}
