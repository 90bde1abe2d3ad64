import type { Clock } from '../../kernel/clock.ts'
import { Fault } from '../../kernel/fault.ts'
import type { OAuthDefinition } from '../../kernel/mcp/server-definition.ts'
import { isLoopbackHost } from './address.ts'
import type { Challenge } from './challenge.ts'
import { clientAt, clientOf } from './client.ts'
import { discover, type AuthorizationServer } from './discovery.ts'
import type { Fetch } from './guarded-fetch.ts'
import { chooseScopes, readScopes, unite, type Scopes } from './scopes.ts'
import type { TokenRequest } from './tokens.ts'
import type { Grant, Registration, TokenVault } from './vault.ts'

/** The authorization server of one upstream, as it is known at the moment, and what the upstream wants of its tokens. */
export interface Authority {
  /** `anew`: even if it was asked a moment ago. The visit's requests end with the signal. */
  visit(signal: AbortSignal, anew: 'anew' | 'known'): Promise<Visit>
  /** The upstream's refusal says where to log in, and for what. */
  heard(challenge: Challenge): void
  /** Whether it has refused anything yet. */
  readonly hasHeard: boolean
  /** These are wanted at the person's next login besides. */
  want(person: string, scopes: Scopes): void
  /** The person has logged in or out: what was wanted before counts no more. */
  forgetWanted(person: string): void
  /** What to ask for; what the person has of another server does not count. */
  scopesFor(person: string, server: AuthorizationServer, grant: Grant | undefined): Scopes
}

export interface Visit {
  readonly server: AuthorizationServer
  /** Who the hub is there; registers it if need be. */
  client(): Promise<Registration>
  /** Who it was when it got this; undefined: the configuration has another client since. */
  clientOf(grant: Grant): Promise<Registration | undefined>
  request(client: Registration): TokenRequest
}

export interface AuthorityOptions {
  readonly id: string
  readonly upstream: URL
  readonly audience: string
  readonly definition: OAuthDefinition
  readonly vault: TokenVault
  readonly redirectUrl: string
  readonly clock: Clock
  /** Guarded. */
  readonly fetch: Fetch
  /** Whether the hub logs in for itself. */
  readonly isMachine: boolean
  readonly closing: AbortSignal
}

/** Metadata is asked for again after this time. */
const METADATA_MS = 60 * 60_000

export function createAuthority(options: AuthorityOptions): Authority {
  const { id, upstream, audience, definition, clock, closing } = options
  let challenge: Challenge | undefined
  let latest: { readonly server: AuthorizationServer; readonly atMs: number } | undefined
  const wanted = new Map<string, Scopes>()

  const ask = async (fetch: Fetch): Promise<AuthorizationServer> => {
    refusePlain(id, upstream, definition)
    const server = await discover({ name: id, upstream, fetch, resourceMetadata: challenge?.resourceMetadata })
    latest = { server, atMs: clock.monotonic() }
    return server
  }

  return {
    async visit(signal, anew) {
      const either = AbortSignal.any([signal, closing])
      const fetch: Fetch = (url, init) => options.fetch(url, { ...init, signal: either })
      const isFresh = latest !== undefined && clock.monotonic() - latest.atMs < METADATA_MS
      const server = anew === 'known' && isFresh && latest !== undefined ? latest.server : await ask(fetch)
      const client = { ...options, name: id, fetch }
      return {
        server,
        client: () => clientAt(server, client),
        clientOf: (grant) => clientOf(grant, server, client),
        request: (registration) => ({ name: id, server, client: registration, audience, fetch, nowMs: clock.now() }),
      }
    },
    heard(said) {
      challenge = said
    },
    get hasHeard() {
      return challenge !== undefined
    },
    want: (person, scopes) => void wanted.set(person, unite(wanted.get(person) ?? [], scopes)),
    forgetWanted: (person) => void wanted.delete(person),
    scopesFor: (person, server, grant) =>
      chooseScopes({
        configured: definition.scopes,
        challenged: readScopes(challenge?.scope),
        listed: server.scopes,
        before: unite(grant?.issuer === server.issuer ? grant.requested : [], wanted.get(person) ?? []),
        known: options.isMachine ? [] : (server.metadata?.scopes_supported ?? []),
      }),
  }
}

/** OAuth 2.1, section 1.5: whoever sees a token on its way has it. */
function refusePlain(id: string, upstream: URL, { allowPrivateAddresses }: OAuthDefinition): void {
  if (upstream.protocol === 'https:' || isLoopbackHost(upstream) || allowPrivateAddresses) return
  throw new Fault(
    'conflict',
    `${id} is not reached over HTTPS: a token would pass through the network for all to see.`,
    {
      hint: `Give it an https address, or set oauth.allowPrivateAddresses for ${id} if it is in your own network.`,
    },
  )
}
