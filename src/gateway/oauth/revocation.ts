import type { Grant, Registration } from './vault.ts'
import type { AuthorizationServer } from './discovery.ts'
import type { Fetch } from './guarded-fetch.ts'
import { clientInformation } from './client.ts'
import { sdk } from './sdk.ts'

/**
 * Tells the authorization server that the tokens are of no use any more (RFC 7009); it ends the access token together with
 * the refresh token. Returns whether it did; `false` also where it has no such endpoint. Throws what `fetch` throws.
 */
export async function revoke(
  { server, client, fetch }: { server: AuthorizationServer; client: Registration; fetch: Fetch },
  { accessToken, refreshToken }: Grant,
): Promise<boolean> {
  const { metadata } = server
  if (metadata === undefined || !('revocation_endpoint' in metadata)) return false
  const { revocation_endpoint: endpoint, revocation_endpoint_auth_methods_supported: own } = metadata
  if (endpoint === undefined) return false
  const { assertSecureTokenEndpoint, selectClientAuthMethod } = await sdk()
  const methods = own ?? metadata.token_endpoint_auth_methods_supported ?? []
  const method = selectClientAuthMethod(clientInformation(client), methods)
  const url = assertSecureTokenEndpoint(endpoint)
  const revokeOne = async (token: string, kind: string) => {
    const body = new URLSearchParams({ token, token_type_hint: kind })
    const headers = new Headers()
    if (method === 'client_secret_basic') headers.set('authorization', basic(client))
    else body.set('client_id', client.clientId)
    if (method === 'client_secret_post') body.set('client_secret', client.clientSecret ?? '')
    return (await fetch(url, { method: 'POST', headers, body })).ok
  }
  const results = [
    refreshToken === undefined || (await revokeOne(refreshToken, 'refresh_token')),
    await revokeOne(accessToken, 'access_token'),
  ]
  return results.every(Boolean)
}

/** Written as the SDK writes it for the token endpoint: a server that took that takes this. */
const basic = ({ clientId, clientSecret = '' }: Registration): string =>
  `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}`
