import type { Clock } from '../../kernel/clock.ts'
import { Fault } from '../../kernel/fault.ts'
import { OWNER } from '../../kernel/identity.ts'
import type { Log } from '../../kernel/log.ts'
import type { OAuthDefinition } from '../../kernel/mcp/server-definition.ts'
import type { LoginAnswer } from '../../kernel/ports.ts'
import { createAuthority } from './authority.ts'
import { createBrowserLogin } from './browser-login.ts'
import { createGuardedFetch, type Fetch, type Resolve } from './guarded-fetch.ts'
import { createHoldings, type Holding } from './holdings.ts'
import { askWithoutLogin, createLoginFetch } from './login-fetch.ts'
import { createPatientFetch } from './patient-fetch.ts'
import { createRenewal } from './renewal.ts'
import { revoke } from './revocation.ts'
import type { Scopes } from './scopes.ts'
import { clientCredentials, type MachineGrant } from './tokens.ts'
import type { TokenVault } from './vault.ts'

export interface UpstreamLoginOptions {
  /** The upstream's id, which faults name. */
  readonly id: string
  /** What its tokens are stored under; absent: the id. */
  readonly key?: string
  /** The upstream's address. Tokens go to its origin and nowhere else. */
  readonly url: string
  /** Absent: everything is discovered. */
  readonly definition?: OAuthDefinition
  readonly vault: TokenVault
  /** Where authorization servers send the browser back to: HTTPS, or this machine (OAuth 2.1, section 2.3). */
  readonly redirectUrl: string
  readonly clock: Clock
  readonly log: Log
  /** For requests to the upstream. Redirects are left to the caller: `init` says so. */
  readonly fetch: Fetch
  /** Told of each change of what a person has. */
  readonly onChange?: (person: string, status: LoginStatus) => void
  /** For look-ups of hosts that metadata names; absent: the system's resolver. */
  readonly resolve?: Resolve
  /** How the hub gets a token for itself, where it is not by `client_credentials`. */
  readonly machine?: MachineGrant
}

export type LoginStatus =
  | { readonly is: 'logged_out'; readonly reason: string }
  | {
      readonly is: 'logged_in'
      readonly issuer: string
      readonly scopes: Scopes
      /** Wall-clock milliseconds; absent: not known. */
      readonly expiresMs?: number
      /** Whether the hub can go on without the person after that. */
      readonly renews: boolean
    }

/**
 * Logging in at one upstream. Each person (`Caller.id`) has a login of their own; what nobody in particular asks for (health,
 * lists) uses the owner's. Faults: `unauthenticated` when a person has to log in, `forbidden` when they have to allow
 * more, `unavailable` when the authorization server fails, `upstream_failed` when it breaks a rule.
 */
export interface UpstreamLogin {
  readonly id: string
  /** A `fetch` for this upstream that adds the person's token, renews it, and knows what refusals mean. */
  fetch(person?: string): typeof fetch
  /** The address to open in the person's browser. `account`: who alone may end it; absent: whoever comes back with its state. */
  begin(person: string, signal: AbortSignal, account?: string): Promise<{ readonly authorizationUrl: string }>
  /** The login with this state, where one was begun here and is not over. Looks, and uses nothing up. */
  waiting(state: string): { readonly account?: string } | undefined
  /** Redeems the code. `account`: who is signed in with the browser, where that was asked; another's login is refused. */
  finish(answer: LoginAnswer, signal: AbortSignal, account?: string): Promise<{ readonly person: string }>
  /** Forgets the person's tokens. `revoked`: the authorization server has confirmed that they are void. */
  logout(person: string, signal: AbortSignal): Promise<{ readonly revoked: boolean }>
  status(person?: string): Promise<LoginStatus>
  /** Ends what runs. */
  close(): void
}

const DISCOVER_ANYWAY: OAuthDefinition = { grant: 'authorization_code', allowPrivateAddresses: false }

/** A machine's login belongs to nobody: no caller has this id. */
const MACHINE = ''

/** Throws TypeError when `url` is none. */
export function createUpstreamLogin(options: UpstreamLoginOptions): UpstreamLogin {
  const { id, key: storedAs = id, vault, clock, log, redirectUrl, definition = DISCOVER_ANYWAY } = options
  const upstream = new URL(options.url)
  const audience = `${upstream.origin}${upstream.pathname}`
  const machine = options.machine ?? (definition.grant === 'client_credentials' ? clientCredentials : undefined)
  const closing = new AbortController()
  const guarded = createGuardedFetch({
    name: id,
    upstream,
    allowPrivateAddresses: definition.allowPrivateAddresses,
    clock,
    ...(options.resolve !== undefined && { resolve: options.resolve }),
  })
  const keyOf = (person: string) => (machine === undefined ? person : MACHINE)
  const holdings = createHoldings({
    id,
    storedAs,
    audience,
    vault,
    clock,
    log,
    onChange: (person, holding) =>
      options.onChange?.(person === MACHINE ? OWNER.id : person, statusOf(holding, machine)),
  })
  const common = { id, vault, clock, log, redirectUrl, holdings, closing: closing.signal }
  const authority = createAuthority({
    ...common,
    upstream,
    audience,
    definition,
    fetch: createPatientFetch(guarded, { name: id, clock }),
    isMachine: machine !== undefined,
  })
  const renewal = createRenewal({ ...common, authority, machine })
  const browser = createBrowserLogin({ ...common, authority })

  /** The issuer that a person's login was at, or would be at; undefined: it cannot be found out. */
  const issuerOf = async (holding: Holding, signal: AbortSignal): Promise<string | undefined> => {
    if (holding.is !== 'nothing') return holding.grant.issuer
    const visit = await authority.visit(signal, 'known').catch(() => undefined)
    return visit?.server.issuer
  }

  /** Whatever goes wrong: the tokens are forgotten already. */
  const revokeAt = async (holding: Holding, signal: AbortSignal): Promise<boolean> => {
    if (holding.is === 'nothing') return false
    try {
      const { grant } = holding
      const visit = await authority.visit(signal, 'known')
      const client = visit.server.issuer === grant.issuer ? await visit.clientOf(grant) : undefined
      return client !== undefined && (await revoke(visit.request(client), grant))
    } catch (error) {
      log.warn('tokens were forgotten, but not revoked', { upstream: id, reason: reasonOf(error) })
      return false
    }
  }

  return {
    id,
    fetch: (person = OWNER.id) =>
      createLoginFetch(keyOf(person), {
        id,
        upstream,
        fetch: options.fetch,
        current: renewal.current,
        async replace(key, refused, challenge) {
          authority.heard(challenge)
          const holding = await holdings.of(key)
          if (holding.is === 'grant' && holding.grant.accessToken !== refused?.accessToken) return holding.grant
          return renewal.renew(key, 'anew')
        },
        refuse: holdings.refuse,
        async widen(key, grant, scopes) {
          authority.want(key, [...grant.requested, ...scopes])
          return machine === undefined ? undefined : renewal.renew(key, 'known')
        },
      }),
    async begin(person, signal, account) {
      if (machine !== undefined) throw noPerson(id)
      if (!authority.hasHeard) {
        const challenge = await askWithoutLogin(upstream, options.fetch, signal)
        if (challenge !== undefined) authority.heard(challenge)
      }
      const authorizationUrl = await browser.begin(person, signal, account)
      return { authorizationUrl: authorizationUrl.href }
    },
    waiting: browser.waiting,
    async finish(answer, signal, account) {
      const { person, grant } = await browser.finish(answer, signal, account)
      log.info('logged in at an upstream', { upstream: id, person, scopes: grant.scopes })
      return { person }
    },
    async logout(person, signal) {
      const key = keyOf(person)
      const holding = await holdings.of(key)
      await holdings.drop(key, 'logged out')
      authority.forgetWanted(key)
      const revoked = await revokeAt(holding, signal)
      if ((await vault.people(storedAs)).length === 0) await vault.unbindIssuer(id)
      // A registration that its server has lost cannot be told from a good one: this is how a person renews it.
      const issuer = await issuerOf(holding, signal)
      if (issuer !== undefined && !(await vault.isUsed(issuer))) await vault.removeRegistration(issuer)
      return { revoked }
    },
    status: async (person = OWNER.id) => statusOf(await holdings.of(keyOf(person)), machine),
    close: () => closing.abort(new Fault('stopping', `The login at ${id} was ended.`)),
  }
}

const noPerson = (id: string): Fault =>
  new Fault('conflict', `${id} logs in by itself, with its client credentials.`, {
    hint: `Set oauth.grant to authorization_code for ${id} to log in as a person.`,
  })

const reasonOf = (error: unknown): string => (error instanceof Fault ? error.message : 'the server gave no sense')

function statusOf(holding: Holding, machine: MachineGrant | undefined): LoginStatus {
  if (holding.is !== 'grant') return { is: 'logged_out', reason: holding.why }
  const { issuer, scopes, expiresMs, refreshToken } = holding.grant
  return {
    is: 'logged_in',
    issuer,
    scopes,
    ...(expiresMs !== undefined && { expiresMs }),
    renews: machine !== undefined || refreshToken !== undefined,
  }
}
