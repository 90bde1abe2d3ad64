import type { IncomingMessage } from 'node:http'
import type { Provider } from 'oidc-provider'
import { networkOf } from '../../kernel/network-of.ts'
import { isOutdated } from './accounts.ts'
import { browser } from './browser-options.ts'
import { clients, registration } from './client-options.ts'
import { LIFE } from './life.ts'
import { createModelAdapter } from './model-adapter.ts'
import { PATHS } from './paths.ts'
import type { Library, ProviderParts } from './provider-parts.ts'
import { resources, tokens } from './token-options.ts'

/**
 * The authorization server for one issuer and one set of keys: OAuth 2.1 by authorization code, PKCE with S256, for public clients
 * and this hub's own resources alone (RFC 6749, 7591, 7636, 8252, 8414, 8707, 9068, 9207; Client ID Metadata Documents).
 */
export function createProvider(library: Library, issuer: string, parts: ProviderParts): Provider {
  const provider = new library.Provider(issuer, {
    ...clients(library, parts),
    ...tokens(parts),
    ...browser(library, issuer, parts),
    adapter: (model) => createModelAdapter(model, parts, () => new library.errors.InvalidGrant('it was used before')),
    findAccount({ oidc: { session } }, id, token) {
      const account = parts.accounts.find(id)
      if (!account || isOutdated(account, token ? startOf(token) : session?.loginTs)) return undefined
      return { accountId: id, claims: () => Promise.resolve({ sub: id }) }
    },
    responseTypes: ['code'],
    pkce: { required: () => true },
    scopes: [],
    features: {
      devInteractions: { enabled: false },
      dPoP: { enabled: false },
      pushedAuthorizationRequests: { enabled: false },
      rpInitiatedLogout: { enabled: false },
      userinfo: { enabled: false },
      revocation: { enabled: true },
      ...registration(parts),
      ...resources(library, parts),
    },
    routes: {
      authorization: PATHS.authorize,
      token: PATHS.token,
      jwks: PATHS.keys,
      registration: PATHS.register,
      revocation: PATHS.revoke,
      end_session: PATHS.endSession,
    },
  })
  standAt(provider, new URL(issuer), parts.addressOf)
  // Else it prints whatever befalls a connection, and anybody could fill the hub's log.
  provider.silent = true
  provider.on('server_error', (_ctx, error) => parts.log.error('the authorization server failed', { error }))
  provider.on('grant.success', ({ oidc: { client } }) => {
    if (client) void parts.table.prolong('Client', client.clientId, LIFE.grant).catch(() => undefined)
  })
  return provider
}

/** When the login began that a token comes of, in seconds since 1970. */
const startOf = (token: { iat?: number | undefined; iiat?: number | undefined }) => token.iiat ?? token.iat

/** Its own address is the issuer's, whatever a proxy or a request says; whose a request is the hub alone decides. */
function standAt(provider: Provider, { protocol, host }: URL, addressOf: ProviderParts['addressOf']): void {
  Object.defineProperties(provider.request, {
    protocol: { get: () => protocol.slice(0, -1) },
    host: { get: () => host },
    ip: {
      get(this: { readonly req: IncomingMessage }) {
        return networkOf(addressOf(this.req))
      },
    },
  })
}
