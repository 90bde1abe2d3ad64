import type { IncomingMessage } from 'node:http'
import type { Configuration, errors, interactionPolicy, Provider } from 'oidc-provider'
import type { Clock } from '../../kernel/clock.ts'
import type { Log } from '../../kernel/log.ts'
import type { SigningKeys } from '../../kernel/logins.ts'
import type { BucketTable } from '../../kernel/token-bucket.ts'
import type { Accounts } from './accounts.ts'
import type { BrowserKeys } from './cookie-keys.ts'
import type { ModelTable } from './model-table.ts'
import type { ResourceOptions } from './resources.ts'

/** The library, which is loaded with the first request to it. */
export interface Library {
  readonly Provider: typeof Provider
  readonly errors: typeof errors
  readonly interactionPolicy: typeof interactionPolicy
}

/** `fetch` for addresses that clients chose: HTTPS, public addresses, bounded. */
export type DocumentFetch = (url: string | URL, init?: RequestInit) => Promise<Response>

export interface OAuthPolicy {
  /** Hosts at which clients may describe themselves: `app.example`, `*.example`, `*`. */
  readonly clientHosts: readonly string[]
  /** Whether clients of older revisions may register themselves. */
  readonly registration: boolean
}

export interface ProviderParts {
  readonly table: ModelTable
  readonly browserKeys: BrowserKeys
  readonly keys: SigningKeys
  readonly accounts: Accounts
  readonly resources: ResourceOptions
  readonly policy: OAuthPolicy
  readonly fetch: DocumentFetch
  readonly clock: Pick<Clock, 'monotonic'>
  /** How often documents are fetched, by the network that makes it so. */
  readonly fetches: BucketTable
  /** The peer's address, behind whatever proxies there are. */
  addressOf(request: IncomingMessage): string | undefined
  readonly log: Log
  knownScopes(): readonly string[]
  startingScopes(profile: string | undefined): readonly string[]
  /** Ends all that came of a grant, from now on. */
  endGrant(grantId: string): Promise<void>
}

export type Features = NonNullable<Configuration['features']>
