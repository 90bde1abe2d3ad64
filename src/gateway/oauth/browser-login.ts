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
  /** `account`: who alone may end it. Absent: whoever comes back with its state. */
  begin(person: string, signal: AbortSignal, account?: string): Promise<URL>
  /** The login that waits for an answer with this state; nothing is used up. */
  waiting(state: string): { readonly account?: string } | undefined
  /** `account`: who the browser belongs to, where that was asked. */
  finish(answer: LoginAnswer, signal: AbortSignal, account?: string): Promise<{ person: string; grant: Grant }>
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
    async begin(person, signal, account) {
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
      pending.add(state, {
        person,
        ...(account !== undefined && { account }),
        server,
        client,
        verifier: codeVerifier,
        requested,
      })
      return authorizationUrl
    },
    waiting(state) {
      const login = pending.find(state)
      return login && (login.account === undefined ? {} : { account: login.account })
    },
    async finish(answer, signal, account) {
      const login = pending.take(answer.state)
      if (login === undefined)
        throw new Fault('not_found', 'This login is not known, was used already, or is older than 10 minutes.', {
          hint: `Begin again: alicia login ${id}`,
        })
      // 2025-11-25, client/elicitation, "Phishing": who ends it is who began it. Where there is no code, nothing can be kept.
      if (answer.code !== undefined && login.account !== undefined && login.account !== account)
        throw begunBySomebodyElse(id)
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

const begunBySomebodyElse = (id: string): Fault =>
  new Fault(
    'forbidden',
    `This login at ${id} was begun by somebody else than who is signed in here. Nothing was kept.`,
    {
      hint:
        `Follow no link to log in that somebody else gave you; begin your own with: alicia login ${id}. If you did begin it, ` +
        'begin again in a private window, and sign in there as yourself.',
    },
  )

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
