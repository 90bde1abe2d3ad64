import { createHash, randomUUID } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import type { TestContext } from 'node:test'
import { systemClock, type Clock } from '../kernel/clock.ts'
import { json, listen, readRequest, type SeenRequest } from './http-server.ts'

/** A token as its server knows it. */
export interface IssuedToken {
  readonly kind: 'access' | 'refresh'
  readonly clientId: string
  readonly resource: string | null
  readonly scopes: readonly string[]
  readonly untilMs: number
  /** All that came of one login; reuse of a spent refresh token ends them together. */
  readonly family: string
}

/** What the server does otherwise than it should, and may be changed at any time. */
export interface OAuthBehaviour {
  /** Over the metadata; `undefined` takes a member out. */
  metadata: Record<string, unknown>
  iss: 'right' | 'wrong' | 'with_slash' | 'absent'
  /** The person says no. */
  denies: boolean
  lifeSeconds: number | undefined
  givesRefreshToken: boolean
  rotates: boolean
  tokenType: string
  /** Less than was asked for. */
  grants: readonly string[] | undefined
  /** Of tokens, whatever was asked for. */
  audience: string | undefined
  /** Answers this path so; `silence` never does. */
  answers: Readonly<Record<string, { status: number; location?: string; body?: string } | 'silence'>>
}

export interface OAuthServer {
  readonly issuer: string
  readonly behaviour: OAuthBehaviour
  readonly seen: SeenRequest[]
  readonly tokens: Map<string, IssuedToken>
  readonly clients: Map<string, { secret?: string; redirectUris: readonly string[] }>
  /** What a person's browser brings back who says yes (or no) at this address. */
  approve(authorizationUrl: string): Promise<URLSearchParams>
  /** How often a path was asked. */
  count(path: string): number
}

interface Code {
  readonly clientId: string
  readonly redirectUri: string | null
  readonly challenge: string | null
  readonly resource: string | null
  readonly scopes: readonly string[]
}

/**
 * An authorization server on a free port of loopback: RFC 8414, 7591, 7636, 7009, 8707 and 9207, refresh tokens that
 * rotate (OAuth 2.1, section 4.3). Ends with the test.
 */
export async function startOAuthServer(
  test: Pick<TestContext, 'after'>,
  clock: Pick<Clock, 'now'> = systemClock,
): Promise<OAuthServer> {
  const behaviour: OAuthBehaviour = {
    metadata: {},
    iss: 'right',
    denies: false,
    lifeSeconds: 3600,
    givesRefreshToken: true,
    rotates: true,
    tokenType: 'Bearer',
    grants: undefined,
    audience: undefined,
    answers: {},
  }
  const seen: SeenRequest[] = []
  const tokens: OAuthServer['tokens'] = new Map()
  const clients: OAuthServer['clients'] = new Map()
  const codes = new Map<string, Code>()
  const spent = new Map<string, string>()
  let issuer = ''

  const metadata = () => ({
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    registration_endpoint: `${issuer}/register`,
    revocation_endpoint: `${issuer}/revoke`,
    response_types_supported: ['code'],
    grant_types_supported: ['authorization_code', 'refresh_token', 'client_credentials'],
    code_challenge_methods_supported: ['S256'],
    token_endpoint_auth_methods_supported: ['none', 'client_secret_basic', 'client_secret_post'],
    authorization_response_iss_parameter_supported: true,
    ...behaviour.metadata,
  })

  const issue = (kind: IssuedToken['kind'], of: Omit<IssuedToken, 'kind' | 'untilMs'>): string => {
    const token = `${kind}-${randomUUID()}`
    const lifeMs = kind === 'access' ? (behaviour.lifeSeconds ?? 3600) * 1000 : Number.POSITIVE_INFINITY
    tokens.set(token, { ...of, kind, untilMs: clock.now() + lifeMs })
    return token
  }
  const issueBoth = (of: Omit<IssuedToken, 'kind' | 'untilMs'>, old?: string) => {
    const given = { ...of, scopes: behaviour.grants ?? of.scopes, resource: behaviour.audience ?? of.resource }
    return {
      access_token: issue('access', given),
      token_type: behaviour.tokenType,
      ...(behaviour.lifeSeconds !== undefined && { expires_in: behaviour.lifeSeconds }),
      ...(behaviour.givesRefreshToken && { refresh_token: old ?? issue('refresh', of) }),
      scope: given.scopes.join(' '),
    }
  }
  const endFamily = (family: string) => {
    for (const [token, issued] of tokens) if (issued.family === family) tokens.delete(token)
  }

  const authorize = ({ params }: SeenRequest, response: ServerResponse) => {
    const clientId = params.get('client_id') ?? ''
    const redirectUri = params.get('redirect_uri')
    const isKnown = clients.get(clientId)?.redirectUris.includes(redirectUri ?? '') || clientId.startsWith('https:')
    if (!isKnown || redirectUri === null) return json(response, 400, { error: 'invalid_client' })
    const back = new URL(redirectUri)
    back.searchParams.set('state', params.get('state') ?? '')
    const iss = { right: issuer, wrong: 'https://evil.example', with_slash: `${issuer}/`, absent: undefined }[
      behaviour.iss
    ]
    if (iss !== undefined) back.searchParams.set('iss', iss)
    if (behaviour.denies) back.searchParams.set('error', 'access_denied')
    else {
      const code = randomUUID()
      codes.set(code, {
        clientId,
        redirectUri,
        challenge: params.get('code_challenge_method') === 'S256' ? params.get('code_challenge') : null,
        resource: params.get('resource'),
        scopes: (params.get('scope') ?? 'basic').split(' '),
      })
      back.searchParams.set('code', code)
    }
    response.writeHead(302, { location: back.href }).end()
  }

  /** The client that has proved itself, by name. */
  const clientOf = ({ params, authorization }: SeenRequest): string | undefined => {
    const basic = authorization?.startsWith('Basic ')
      ? Buffer.from(authorization.slice(6), 'base64').toString()
      : undefined
    const [id = '', secret] = basic?.split(':') ?? [
      params.get('client_id') ?? '',
      params.get('client_secret') ?? undefined,
    ]
    if (id.startsWith('https:')) return id
    const client = clients.get(id)
    return client !== undefined && client.secret === secret ? id : undefined
  }

  const byCode = (params: URLSearchParams, clientId: string) => {
    const code = codes.get(params.get('code') ?? '')
    codes.delete(params.get('code') ?? '')
    const proof = createHash('sha256')
      .update(params.get('code_verifier') ?? '')
      .digest('base64url')
    const isSame = code?.clientId === clientId && code.redirectUri === params.get('redirect_uri')
    if (code === undefined || !isSame || code.challenge !== proof || code.resource !== params.get('resource'))
      return undefined
    return issueBoth({ clientId, resource: code.resource, scopes: code.scopes, family: randomUUID() })
  }
  const byRefresh = (params: URLSearchParams, clientId: string) => {
    const old = params.get('refresh_token') ?? ''
    const reused = spent.get(old)
    if (reused !== undefined) endFamily(reused)
    const issued = tokens.get(old)
    if (issued?.kind !== 'refresh' || issued.clientId !== clientId || issued.resource !== params.get('resource'))
      return undefined
    if (!behaviour.rotates) return issueBoth(issued, old)
    tokens.delete(old)
    spent.set(old, issued.family)
    return issueBoth(issued)
  }
  const token = (request: SeenRequest, response: ServerResponse) => {
    const { params } = request
    const clientId = clientOf(request)
    if (clientId === undefined) return json(response, 401, { error: 'invalid_client' })
    const kind = params.get('grant_type')
    if (kind === 'client_credentials') {
      const { refresh_token: _none, ...given } = issueBoth({
        clientId,
        resource: params.get('resource'),
        scopes: (params.get('scope') ?? 'basic').split(' '),
        family: randomUUID(),
      })
      return json(response, 200, given)
    }
    const given = kind === 'refresh_token' ? byRefresh(params, clientId) : byCode(params, clientId)
    return given === undefined ? json(response, 400, { error: 'invalid_grant' }) : json(response, 200, given)
  }

  const register = ({ body }: SeenRequest, response: ServerResponse) => {
    const asked = JSON.parse(body) as { redirect_uris: string[]; token_endpoint_auth_method?: string }
    const id = `client-${randomUUID()}`
    const secret = asked.token_endpoint_auth_method === 'none' ? undefined : randomUUID()
    clients.set(id, { redirectUris: asked.redirect_uris, ...(secret !== undefined && { secret }) })
    json(response, 201, { ...asked, client_id: id, ...(secret !== undefined && { client_secret: secret }) })
  }

  const routes: Record<string, (request: SeenRequest, response: ServerResponse) => void> = {
    '/.well-known/oauth-authorization-server': (_, response) => json(response, 200, metadata()),
    '/authorize': authorize,
    '/token': token,
    '/register': register,
    '/revoke': (request, response) => {
      if (clientOf(request) === undefined) return json(response, 401, { error: 'invalid_client' })
      tokens.delete(request.params.get('token') ?? '')
      response.writeHead(200).end()
    },
  }
  issuer = await listen(test, async (request, response) => {
    const asked = await readRequest(request)
    seen.push(asked)
    const instead = behaviour.answers[asked.path]
    if (instead === 'silence') return
    if (instead !== undefined)
      return void response
        .writeHead(instead.status, instead.location === undefined ? {} : { location: instead.location })
        .end(instead.body)
    const route = routes[asked.path]
    if (route === undefined) json(response, 404, {})
    else route(asked, response)
  })
  return {
    issuer,
    behaviour,
    seen,
    tokens,
    clients,
    async approve(authorizationUrl) {
      const response = await fetch(authorizationUrl, { redirect: 'manual' })
      const location = response.headers.get('location')
      if (location === null) throw new Error(`No way back: HTTP ${response.status} ${await response.text()}`)
      return new URL(location).searchParams
    },
    count: (path) => seen.filter((request) => request.path === path).length,
  }
}
