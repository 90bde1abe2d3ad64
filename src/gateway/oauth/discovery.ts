import type { AuthorizationServerMetadata, OAuthProtectedResourceMetadata } from '@modelcontextprotocol/client'
import { Fault } from '../../kernel/fault.ts'
import { isLoopbackHost } from './address.ts'
import { clean, loginFault } from './faults.ts'
import type { Fetch } from './guarded-fetch.ts'
import { sdk } from './sdk.ts'

/** Who gives tokens for an upstream, and for what. */
export interface AuthorizationServer {
  /** As its validated metadata says it: what everything stored is bound to, and what `iss` is compared with. */
  readonly issuer: string
  /** What its addresses are built from where metadata does not name them. */
  readonly url: string
  /** Whether the upstream's metadata names it; else it is the one that would lie beside the upstream. */
  readonly isNamed: boolean
  /** Absent: a server of 2025-03-26, whose endpoints lie at fixed places beside it. */
  readonly metadata: AuthorizationServerMetadata | undefined
  /** The upstream's name for itself (RFC 8707): tokens are asked for it. */
  readonly resource: string
  /** `scopes_supported` of the upstream. */
  readonly scopes: readonly string[]
}

export interface DiscoveryOptions {
  readonly name: string
  readonly upstream: URL
  /** Guarded. */
  readonly fetch: Fetch
  /** From the server's challenge. */
  readonly resourceMetadata: URL | undefined
}

/**
 * Asks the upstream for its authorization server, and that one for its metadata (2026-07-28, authorization server
 * discovery). Throws Fault `unavailable` when either fails, `upstream_failed` when what they say does not hold.
 */
export async function discover(options: DiscoveryOptions): Promise<AuthorizationServer> {
  const { name, upstream, fetch } = options
  const resource = await resourceMetadata(options)
  const url = resource?.authorization_servers?.[0] ?? new URL('/', upstream).href
  const { discoverAuthorizationServerMetadata } = await sdk()
  const seen = watch(fetch)
  const metadata = await discoverAuthorizationServerMetadata(url, { fetchFn: seen.fetch }).catch((error: unknown) => {
    if (!(error instanceof Fault) && seen.status() >= 500) throw failed(name, seen.status())
    throw loginFault(name, `telling its metadata (${clean(url)})`, error)
  })
  if (metadata === undefined && resource !== undefined)
    throw new Fault('upstream_failed', `The login server of ${name}, ${clean(url)}, has no metadata.`, {
      hint: 'It has to serve /.well-known/oauth-authorization-server (RFC 8414) or openid-configuration.',
    })
  if (metadata !== undefined) refuseAddress(name, metadata.authorization_endpoint, upstream)
  return {
    issuer: metadata?.issuer ?? url,
    url,
    isNamed: resource !== undefined,
    metadata,
    resource: resource?.resource ?? resourceOf(upstream),
    scopes: resource?.scopes_supported ?? [],
  }
}

/** Undefined: there is none, as with servers of 2025-03-26. */
async function resourceMetadata(options: DiscoveryOptions): Promise<OAuthProtectedResourceMetadata | undefined> {
  const { name, upstream, resourceMetadata: resourceMetadataUrl } = options
  const { checkResourceAllowed, discoverOAuthProtectedResourceMetadata } = await sdk()
  const seen = watch(options.fetch)
  let metadata: OAuthProtectedResourceMetadata
  try {
    metadata = await discoverOAuthProtectedResourceMetadata(
      upstream,
      resourceMetadataUrl === undefined ? {} : { resourceMetadataUrl },
      seen.fetch,
    )
  } catch (error) {
    if (error instanceof Fault) throw error
    if (seen.status() >= 500) throw failed(name, seen.status())
    if (seen.status() >= 400) return undefined
    throw loginFault(name, 'telling where to log in', error)
  }
  // RFC 9728, section 3.3: metadata of another resource would make tokens for that one.
  if (checkResourceAllowed({ requestedResource: upstream, configuredResource: metadata.resource })) return metadata
  throw new Fault('upstream_failed', `${name} calls itself ${clean(metadata.resource)}, not ${upstream.href}.`, {
    hint: 'Put the address that it calls itself by into the configuration, if it is the right one.',
  })
}

/** The SDK tells in words alone whether a server failed or has no such document. */
function watch(fetch: Fetch): { fetch: Fetch; status: () => number } {
  let status = 0
  const watched: Fetch = async (url, init) => {
    const response = await fetch(url, init)
    status = response.status
    return response
  }
  return { fetch: watched, status: () => status }
}

const failed = (name: string, status: number): Fault =>
  new Fault('unavailable', `${name} does not tell where to log in (HTTP ${status}).`, { hint: 'Try again later.' })

/** The address without what is no part of a resource's name (RFC 8707, section 2). */
function resourceOf(upstream: URL): string {
  const url = new URL(upstream)
  url.hash = ''
  return url.pathname === '/' && url.search === '' ? url.origin : url.href
}

/** A browser is sent there: HTTPS, or this very machine. */
function refuseAddress(name: string, address: string, upstream: URL): void {
  const url = new URL(address)
  if (url.protocol === 'https:') return
  if (url.protocol === 'http:' && isLoopbackHost(url) && isLoopbackHost(upstream)) return
  throw new Fault('upstream_failed', `The login page of ${name}, ${clean(url.origin)}, is not HTTPS.`)
}
