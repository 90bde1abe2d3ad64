import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Provider } from 'oidc-provider'
import type { AttemptFrom } from '../../kernel/people.ts'
import type { Accounts } from './accounts.ts'
import type { ScopeText } from './pages/consent.ts'

interface InteractionParts {
  readonly provider: Provider
  readonly accounts: Accounts
  readonly formKey: Buffer
  scopeText(scope: string): ScopeText
  /** Of the profile that the resource is the endpoint of; undefined: it is the whole hub. */
  profileOf(resource: string): string | undefined
  /** Told of what a person decided, for the record. */
  onDecision(decision: Decision, from: AttemptFrom): void
}

export interface Decision {
  readonly accountId: string
  readonly client: string
  /** What was granted; undefined: they said no. */
  readonly granted?: { readonly grantId: string; readonly scopes: readonly string[] }
}

type Interaction = Awaited<ReturnType<Provider['interactionDetails']>>

/** One step in which a person is asked something; the browser that began it is the only one that can take it. */
export interface Step extends InteractionParts {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly interaction: Interaction
  readonly from: AttemptFrom
}
