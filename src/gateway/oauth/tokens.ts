import type { AddClientAuthentication, OAuthTokens } from '@modelcontextprotocol/client'
import { Fault } from '../../kernel/fault.ts'
import { clientInformation } from './client.ts'
import type { AuthorizationServer } from './discovery.ts'
import { clean, loginFault } from './faults.ts'
import type { Fetch } from './guarded-fetch.ts'
import { readScopes, type Scopes } from './scopes.ts'
import { sdk } from './sdk.ts'
import type { Grant, Registration } from './vault.ts'

/** Where and as whom a token is asked for. */
export interface TokenRequest {
  readonly name: string
  readonly server: AuthorizationServer
  readonly client: Registration
  /** `Grant.audience` of what comes of it. */
  readonly audience: string
  /** Guarded. */
  readonly fetch: Fetch
  /** Wall-clock milliseconds of the request: lifetimes count from then. */
  readonly nowMs: number
}

/** How the hub gets a token for itself. The plain way is `client_credentials` with the client's secret. */
export interface MachineGrant {
  /** The token request without scopes, resource and client. */
  parameters(server: AuthorizationServer, fetch: Fetch): Promise<URLSearchParams>
  /** Instead of the client's secret. */
  readonly authenticate?: AddClientAuthentication
}

export const clientCredentials: MachineGrant = {
  parameters: () => Promise.resolve(new URLSearchParams({ grant_type: 'client_credentials' })),
}

const common = ({ server, client, fetch }: TokenRequest) => ({
  ...(server.metadata !== undefined && { metadata: server.metadata }),
  clientInformation: clientInformation(client),
  resource: server.resource,
  fetchFn: fetch,
})

export interface Code {
  readonly code: string
  readonly iss: string | undefined
  readonly verifier: string
  readonly requested: Scopes
}

/** A code for a token; `iss` is checked before the code leaves. */
export async function exchangeCode(request: TokenRequest, { code, iss, verifier, requested }: Code): Promise<Grant> {
  const { exchangeAuthorization } = await sdk()
  const tokens = await exchangeAuthorization(request.server.url, {
    ...common(request),
    authorizationCode: code,
    ...(iss !== undefined && { iss }),
    codeVerifier: verifier,
    redirectUri: request.client.redirectUrl,
  }).catch((error: unknown) => {
    throw loginFault(request.name, 'exchanging the code for a token', error)
  })
  return grantOf(tokens, request, requested)
}

/** Throws what the SDK throws: what it means depends on the error. */
export async function refresh(request: TokenRequest, grant: Grant, refreshToken: string): Promise<Grant> {
  const { refreshAuthorization } = await sdk()
  const tokens = await refreshAuthorization(request.server.url, { ...common(request), refreshToken })
  return grantOf(
    tokens.scope === undefined ? { ...tokens, scope: grant.scopes.join(' ') } : tokens,
    request,
    grant.requested,
  )
}

export async function obtain(request: TokenRequest, machine: MachineGrant, scopes: Scopes): Promise<Grant> {
  const { fetchToken } = await sdk()
  const { metadata, resource, fetchFn } = common(request)
  const parameters = await machine.parameters(request.server, request.fetch)
  if (scopes.length > 0) parameters.set('scope', scopes.join(' '))
  const unused = (): never => {
    throw new TypeError('A machine has no browser.')
  }
  const tokens = await fetchToken(
    {
      redirectUrl: undefined,
      clientMetadata: { redirect_uris: [] },
      clientInformation: () => clientInformation(request.client),
      prepareTokenRequest: () => parameters,
      ...(machine.authenticate !== undefined && { addClientAuthentication: machine.authenticate }),
      tokens: unused,
      saveTokens: unused,
      redirectToAuthorization: unused,
      saveCodeVerifier: unused,
      codeVerifier: unused,
    },
    request.server.url,
    { ...(metadata !== undefined && { metadata }), resource, fetchFn },
  ).catch((error: unknown) => {
    throw loginFault(request.name, 'giving Alicia a token', error)
  })
  return grantOf(tokens, request, scopes)
}

function grantOf(
  tokens: OAuthTokens,
  { name, server, client, audience, nowMs }: TokenRequest,
  requested: Scopes,
): Grant {
  if (tokens.token_type.toLowerCase() !== 'bearer')
    throw new Fault('upstream_failed', `${name} gives tokens of type ${clean(tokens.token_type)}, not Bearer.`)
  if (!TOKEN.test(tokens.access_token))
    throw new Fault('upstream_failed', `The login server of ${name} gave a token that no request can carry.`)
  return {
    audience,
    issuer: server.issuer,
    client,
    accessToken: tokens.access_token,
    ...(tokens.refresh_token !== undefined && { refreshToken: tokens.refresh_token }),
    ...(tokens.expires_in !== undefined && lifetime(nowMs, tokens.expires_in * 1000)),
    requested: [...requested],
    // RFC 6749, section 5.1: left out where it is what was asked for.
    scopes: [...(tokens.scope === undefined ? requested : readScopes(tokens.scope))],
  }
}

/** RFC 6750, section 2.1; servers put other visible characters in besides. */
const TOKEN = /^[\x21-\x7E]+$/

/** A token is renewed this long before its end, or in the middle of a life that is shorter than twice that. */
const SKEW_MS = 60_000

const lifetime = (fromMs: number, lifeMs: number) => ({
  expiresMs: fromMs + lifeMs,
  renewMs: fromMs + Math.max(lifeMs - SKEW_MS, lifeMs / 2),
})
