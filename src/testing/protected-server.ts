import type { IncomingMessage, ServerResponse } from 'node:http'
import type { TestContext } from 'node:test'
import { systemClock, type Clock } from '../kernel/clock.ts'
import { json, listen, readRequest, type SeenRequest } from './http-server.ts'
import type { IssuedToken, OAuthServer } from './oauth-server.ts'

export interface ProtectedServer {
  readonly url: string
  readonly origin: string
  readonly seen: SeenRequest[]
  /** May be changed at any time. */
  readonly behaviour: {
    /** Whose tokens it takes. */
    authorizationServer: OAuthServer
    /** Over its metadata (RFC 9728); `undefined` takes a member out, `null` all of it. */
    metadata: Record<string, unknown> | null
    /** What a request of this JSON-RPC method needs. */
    scopes: Readonly<Record<string, readonly string[]>>
    /** Named in the challenge of a 401. */
    challengedScope: string | undefined
    /** Refuses every token. */
    refuses: boolean
    /** The result of a request; undefined: it knows no such method. */
    result: (method: string, token: IssuedToken) => object | undefined
    /** Requests of these methods alone want a token; undefined: all. */
    guarded: readonly string[] | undefined
    /** Where its metadata is. */
    metadataPath: string
    /** Answers its metadata so. */
    metadataAnswer: { status: number; location?: string } | undefined
  }
}

/** Who shows no token where none is wanted. */
const NOBODY: IssuedToken = { kind: 'access', clientId: '', resource: null, scopes: [], untilMs: 0, family: 'nobody' }

/** An MCP server at `/mcp` that wants tokens made for it (2026-07-28, authorization). It says `{}` to any request. */
export async function startProtectedServer(
  test: Pick<TestContext, 'after'>,
  authorizationServer: OAuthServer,
  clock: Pick<Clock, 'now'> = systemClock,
): Promise<ProtectedServer> {
  const behaviour: ProtectedServer['behaviour'] = {
    authorizationServer,
    metadata: {},
    scopes: {},
    challengedScope: undefined,
    refuses: false,
    result: () => ({}),
    guarded: undefined,
    metadataPath: '/.well-known/oauth-protected-resource/mcp',
    metadataAnswer: undefined,
  }
  const seen: SeenRequest[] = []

  const challenge = (response: ServerResponse, status: number, parameters: Record<string, string | undefined>) => {
    const all = {
      resource_metadata: behaviour.metadata === null ? undefined : `${origin}${behaviour.metadataPath}`,
      ...parameters,
    }
    const text = Object.entries(all).flatMap(([key, value]) => (value === undefined ? [] : [`${key}="${value}"`]))
    response.writeHead(status, { 'www-authenticate': `Bearer ${text.join(', ')}` }).end()
  }

  const serveMetadata = (response: ServerResponse) => {
    const { metadataAnswer: instead, metadata } = behaviour
    if (instead !== undefined)
      return void response
        .writeHead(instead.status, instead.location === undefined ? {} : { location: instead.location })
        .end()
    if (metadata === null) return json(response, 404, {})
    const { issuer } = behaviour.authorizationServer
    json(response, 200, { resource: `${origin}/mcp`, authorization_servers: [issuer], ...metadata })
  }

  const serve = (body: string, token: IssuedToken, response: ServerResponse): void => {
    const { id, method } = JSON.parse(body) as { id?: number; method: string }
    const needed = behaviour.scopes[method] ?? []
    if (!needed.every((scope) => token.scopes.includes(scope)))
      return challenge(response, 403, { error: 'insufficient_scope', scope: needed.join(' ') })
    if (id === undefined) return void response.writeHead(202).end()
    const result = behaviour.result(method, token)
    const error = { code: -32601, message: 'Method not found' }
    json(response, 200, { jsonrpc: '2.0', id, ...(result === undefined ? { error } : { result }) })
  }

  const tokenOf = ({ authorization, body }: SeenRequest): IssuedToken | undefined => {
    const { method } = JSON.parse(body) as { method: string }
    if (authorization === undefined) return behaviour.guarded?.includes(method) === false ? NOBODY : undefined
    const token = behaviour.authorizationServer.tokens.get(authorization.replace(/^Bearer /, ''))
    const isGood = token?.kind === 'access' && token.untilMs > clock.now() && token.resource === `${origin}/mcp`
    return isGood ? token : undefined
  }

  const answer = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const request = await readRequest(incoming)
    seen.push(request)
    if (request.path === behaviour.metadataPath) return serveMetadata(response)
    if (request.path !== '/mcp') return json(response, 404, {})
    if (request.method !== 'POST') return json(response, 405, {})
    const token = tokenOf(request)
    if (token === undefined || behaviour.refuses)
      return challenge(response, 401, {
        scope: behaviour.challengedScope,
        error: request.authorization === undefined ? undefined : 'invalid_token',
      })
    serve(request.body, token, response)
  }
  const origin = await listen(test, answer)
  return { url: `${origin}/mcp`, origin, seen, behaviour }
}
