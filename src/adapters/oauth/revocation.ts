import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Provider } from 'oidc-provider'
import type { SigningKeys } from '../../kernel/logins.ts'
import { field, readFields } from './form.ts'

export interface RevocationParts {
  readonly provider: Provider
  readonly keys: Pick<SigningKeys, 'public'>
  endGrant(grantId: string): Promise<void>
}

interface Revocable {
  readonly clientId: string
  readonly grantId: string
}

/**
 * Token revocation (RFC 7009). With either token goes all that came of its grant, access tokens before they expire; the library's
 * own endpoint refuses those, for it keeps none. Whether there was such a token is not said. Throws Fault for what is no form.
 */
export async function revokeToken(
  parts: RevocationParts,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const form = await readFields(request, request.headers['content-type'] ?? '')
  const [token, clientId] = [field(form, 'token'), field(form, 'client_id')]
  if (token === '' || clientId === '') {
    const problem = { error: 'invalid_request', error_description: 'token and client_id are needed' }
    return void response.writeHead(400, HEADERS).end(JSON.stringify(problem))
  }
  const found = await (token.split('.').length === 3 ? ofAccessToken(token, parts) : ofRefreshToken(token, parts))
  if (found?.clientId === clientId) await parts.endGrant(found.grantId)
  response.writeHead(200, HEADERS).end()
}

const HEADERS = { 'content-type': 'application/json', 'cache-control': 'no-store' }

async function ofRefreshToken(token: string, { provider }: RevocationParts): Promise<Revocable | undefined> {
  const found = await provider.RefreshToken.find(token)
  return found?.clientId !== undefined && found.grantId !== undefined
    ? { clientId: found.clientId, grantId: found.grantId }
    : undefined
}

async function ofAccessToken(token: string, { provider, keys }: RevocationParts): Promise<Revocable | undefined> {
  const { createLocalJWKSet, jwtVerify } = await import('jose')
  const keySet = createLocalJWKSet({
    keys: keys
      .public()
      .keys.map(({ kid, alg, use, kty = 'OKP', crv = '', x = '' }) => ({ kid, alg, use, kty, crv, x })),
  })
  const rules = { algorithms: ['EdDSA'], typ: 'at+jwt', issuer: provider.issuer }
  try {
    const { payload } = await jwtVerify(token, keySet, rules)
    const { client_id: clientId, sid: grantId } = payload
    return typeof clientId === 'string' && typeof grantId === 'string' ? { clientId, grantId } : undefined
  } catch {
    // Not good any more, or never was: there is nothing to end.
    return undefined
  }
}
