import type { IncomingMessage, ServerResponse } from 'node:http'
import { resourcePath } from './resources.ts'

export const RESOURCE_METADATA_PATH = '/.well-known/oauth-protected-resource'

export interface ResourceMetadataOptions {
  /** The hub's origin that the client asked at: what it compares with the address it has. */
  originOf(request: IncomingMessage): string
  /** Issuers whose tokens are good here. */
  authorizationServers(): readonly string[]
  /** What it takes to begin with; the rest is asked for when it is needed. */
  startingScopes(profile: string | undefined): readonly string[]
  isProfile(name: string): boolean
}

/** Answers a request for the metadata of a protected resource (RFC 9728, 3); undefined: there is no such resource. */
export function resourceMetadata(path: string, options: ResourceMetadataOptions) {
  if (path !== RESOURCE_METADATA_PATH && !path.startsWith(`${RESOURCE_METADATA_PATH}/`)) return undefined
  // The path comes after the well-known part, as the client has it: the document has to name that very address.
  const own = path.slice(RESOURCE_METADATA_PATH.length)
  const at = resourcePath(own, options.isProfile)
  if (at === undefined) return undefined
  const profile = at.startsWith('/mcp/') ? at.slice('/mcp/'.length) : undefined
  return (request: IncomingMessage, response: ServerResponse): void => {
    const document = {
      resource: options.originOf(request) + own,
      authorization_servers: options.authorizationServers(),
      scopes_supported: options.startingScopes(profile),
      bearer_methods_supported: ['header'],
      resource_name: profile === undefined ? 'Alicia' : `Alicia (${profile})`,
    }
    response
      .writeHead(200, {
        'content-type': 'application/json',
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff',
        // Everybody may know, and clients in browsers have to.
        'access-control-allow-origin': '*',
      })
      .end(request.method === 'HEAD' ? undefined : JSON.stringify(document))
  }
}
