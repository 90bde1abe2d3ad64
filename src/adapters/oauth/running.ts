import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Provider } from 'oidc-provider'
import { Fault } from '../../kernel/fault.ts'
import type { OwnOrigins } from '../../kernel/logins.ts'
import { createProvider } from './provider.ts'
import type { ProviderParts } from './provider-parts.ts'

/** The library's server as it is now. */
export interface Running {
  readonly provider: Provider
  readonly answer: (request: IncomingMessage, response: ServerResponse) => Promise<void>
}

/**
 * Makes the library's server when it is first asked for, which costs megabytes, and anew when the issuer or the keys are others:
 * it reads both once. Throws Fault `unavailable` before the hub listens.
 */
export function createRunning(parts: ProviderParts, origins: OwnOrigins): () => Promise<Running> {
  let made: { readonly for: string; readonly running: Promise<Running> } | undefined
  return () => {
    const issuer = origins.preferred
    if (issuer === '')
      throw new Fault('unavailable', 'The hub is not ready for logins.', { hint: 'Try again in a moment.' })
    const key = [issuer, ...parts.keys.private().map(({ kid }) => kid)].join(' ')
    if (made?.for !== key) made = { for: key, running: make(issuer, parts) }
    return made.running
  }
}

async function make(issuer: string, parts: ProviderParts): Promise<Running> {
  const library = await import('oidc-provider')
  const provider = createProvider(library, issuer, parts)
  return { provider, answer: provider.callback() }
}
