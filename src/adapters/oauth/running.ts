import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Provider } from 'oidc-provider'
import { Fault } from '../../kernel/fault.ts'
import type { Log } from '../../kernel/log.ts'
import type { OwnOrigins } from '../../kernel/logins.ts'
import { createProvider } from './provider.ts'
import type { Library, ProviderParts } from './provider-parts.ts'

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
  const library = await load(parts.log)
  const provider = createProvider(library, issuer, parts)
  return { provider, answer: provider.callback() }
}

/** The library greets whoever imports it on the console, which is the hub's protocol where it is run over stdio. */
async function load(log: Log): Promise<Library> {
  const { warn } = console
  console.warn = (...words: unknown[]) => log.debug('the OAuth library says', { words: words.map(String) })
  try {
    return await import('oidc-provider')
  } finally {
    console.warn = warn
  }
}
