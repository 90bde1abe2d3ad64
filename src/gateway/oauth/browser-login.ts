import type { Clock } from '../../kernel/clock.ts'
import { Fault } from '../../kernel/fault.ts'
import type { LoginAnswer } from '../../kernel/ports.ts'
import type { Authority } from './authority.ts'
import type { AuthorizationServer } from './discovery.ts'
import { clean, isUnknownClient } from './faults.ts'
import type { Holdings } from './holdings.ts'
import { createPendingLogins } from './pending.ts'
import { sdk } from './sdk.ts'
import { exchangeCode } from './tokens.ts'
import type { Grant, TokenVault } from './vault.ts'

/** The authorization code flow: out to a person's browser, and back. */
export interface BrowserLogin {
  begin(person: string, signal: AbortSignal): Promise<URL>
  expects(state: string): boolean
  finish(answer: LoginAnswer, signal: AbortSignal, person?: string): Promise<{ person: string; grant: Grant }>
}

export interface BrowserLoginOptions {
  readonly id: string
  readonly authority: Authority
  readonly holdings: Holdings
  readonly vault: TokenVault
  readonly redirectUrl: string
  readonly clock: Clock
}

export function createBrowserLogin(options: BrowserLoginOptions): BrowserLogin {
  const { id, authority, holdings, vault, redirectUrl, clock } = options
  const pending = createPendingLogins(clock)
  return {
    async begin(person, signal) {
      const visit = await authority.visit(signal, 'anew')
      const { server } = visit
      refuseWithoutPkce(id, server)
      const client = await visit.client()
      const holding = await holdings.of(person)
      const requested = authority.scopesFor(person, server, holding.is === 'nothing' ? undefined : holding.grant)
      const state = pending.newState()
      const { startAuthorization } = await sdk()
      const { authorizationUrl, codeVerifier } = await startAuthorization(server.url, {
        ...(server.metadata !== undefined && { metadata: server.metadata }),
        clientInformation: { client_id: client.clientId },
        redirectUrl,
        ...(requested.length > 0 && { scope: requested.join(' ') }),
        state,
        resource: server.resource,
      })
      pending.add(state, { person, server, client, verifier: codeVerifier, requested })
      return authorizationUrl
    },
    expects: (state) => pending.has(state),
    async finish(answer, signal, person) {
      const login = pending.take(answer.state)
      if (login === undefined)
        throw new Fault('not_found', 'This login is not known, was used already, or is older than 10 minutes.', {
          hint: `Begin again: alicia login ${id}`,
        })
      if (person !== undefined && person !== login.person)
        throw new Fault('forbidden', `This login at ${id} was begun by somebody else.`)
      const { server, client, verifier, requested } = login
      await refuseOtherIssuer(id, server, answer.iss)
      if (answer.code === undefined)
        throw new Fault('forbidden', `The login at ${id} was not allowed (${clean(answer.error ?? 'no code')}).`)
      const visit = await authority.visit(signal, 'known')
      const request = { ...visit.request(client), server }
      const code = { code: answer.code, iss: answer.iss, verifier, requested }
      const grant = await exchangeCode(request, code).catch(async (error: unknown) => {
        if (isUnknownClient(error)) await vault.removeRegistration(server.issuer, client.clientId)
        throw error
      })
      await holdings.keep(login.person, grant)
      authority.forgetWanted(login.person)
      return { person: login.person, grant }
    },
  }
}

/** 2026-07-28, authorization security considerations, "Authorization Code Protection". */
function refuseWithoutPkce(id: string, { metadata, issuer }: AuthorizationServer): void {
  if (metadata === undefined || metadata.code_challenge_methods_supported?.includes('S256')) return
  throw new Fault('upstream_failed', `${clean(issuer)}, where ${id} logs in, does not offer PKCE with S256.`, {
    hint: 'A login there could be stolen on its way back, so it was not begun.',
  })
}

/** RFC 9207, section 2.4: before anything of the answer is believed, its error included. */
async function refuseOtherIssuer(
  id: string,
  { metadata }: AuthorizationServer,
  iss: string | undefined,
): Promise<void> {
  const { validateAuthorizationResponseIssuer } = await sdk()
  try {
    validateAuthorizationResponseIssuer({
      iss,
      expectedIssuer: metadata?.issuer,
      issParameterSupported: metadata?.authorization_response_iss_parameter_supported === true,
    })
  } catch {
    throw new Fault('upstream_failed', `The answer to the login at ${id} is not from the server it was begun at.`, {
      hint: 'It was not used. Begin again, and follow no link that somebody else gave you.',
    })
  }
}
