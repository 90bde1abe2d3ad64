import type { Configuration, KoaContextWithOIDC } from 'oidc-provider'
import { ACCESS_TOKEN_SECONDS } from '../../kernel/logins.ts'
import { LIFE } from './life.ts'
import type { Features, Library, ProviderParts } from './provider-parts.ts'
import { resourceOf } from './resources.ts'
import { grantsIn } from './scope-text.ts'

/** What access tokens are for (RFC 8707). */
export const resources = ({ errors }: Library, parts: ProviderParts): Pick<Features, 'resourceIndicators'> => ({
  resourceIndicators: {
    enabled: true,
    // Clients of before 2025-06-18 name none.
    defaultResource: (ctx, _client, oneOf) => oneOf?.[0] ?? `${issuerOf(ctx)}/mcp`,
    useGrantedResource: () => true,
    getResourceServerInfo(ctx, indicator) {
      const resource = resourceOf(indicator, parts.resources)
      if (!resource) throw new errors.InvalidTarget('it is none of the resources of this hub')
      return {
        audience: resource.audience,
        scope: scopesIn(ctx, indicator, parts).join(' '),
        accessTokenFormat: 'jwt',
        accessTokenTTL: ACCESS_TOKEN_SECONDS,
        jwt: { sign: { alg: 'EdDSA', kid: parts.keys.private()[0]?.kid } },
      }
    },
  },
})

/** Scopes are made of names that change with the home: what is asked for or granted counts, if it is a grant at all. */
const scopesIn = ({ oidc }: KoaContextWithOIDC, indicator: string, { knownScopes }: ProviderParts): string[] => [
  ...knownScopes(),
  ...grantsIn(oidc.params?.['scope']),
  ...grantsIn(oidc.entities.Grant?.getResourceScope(indicator)),
]

/** What tokens are like (RFC 9068), and how long they live. */
export const tokens = (parts: ProviderParts): Configuration => ({
  jwks: { keys: parts.keys.private().map((key) => ({ ...key })) },
  issueRefreshToken: (_ctx, client) => client.grantTypeAllowed('refresh_token'),
  rotateRefreshToken: () => true,
  expiresWithSession: () => false,
  ttl: {
    AccessToken: () => ACCESS_TOKEN_SECONDS,
    AuthorizationCode: () => LIFE.code,
    Grant: () => LIFE.grant,
    IdToken: () => ACCESS_TOKEN_SECONDS,
    Interaction: () => LIFE.interaction,
    RefreshToken: () => LIFE.refreshToken,
    Session: (ctx) => (issuerOf(ctx).startsWith('https:') ? LIFE.session : LIFE.plainSession),
  },
  formats: {
    customizers: {
      /** Exactly the claims that verifiers know; `sid` is what all tokens of a grant end with. */
      jwt(_ctx, token, jwt) {
        const { iss, sub, aud, exp, iat, jti, client_id, scope } = jwt.payload
        jwt.payload = {
          iss,
          sub,
          aud,
          exp,
          iat,
          jti,
          client_id,
          scope: scope ?? '',
          sid: 'grantId' in token ? token.grantId : undefined,
        }
      },
    },
  },
})

const issuerOf = ({ oidc }: KoaContextWithOIDC): string => oidc.issuer
