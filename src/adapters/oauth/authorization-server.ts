import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Provider } from 'oidc-provider'
import type { SecurityEvent } from '../../kernel/audit.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Events } from '../../kernel/events.ts'
import { Fault, toFault } from '../../kernel/fault.ts'
import type { Identity } from '../../kernel/identity.ts'
import type { Log } from '../../kernel/log.ts'
import type { LoginThrottle } from '../../kernel/login-throttle.ts'
import type { OwnOrigins, SigningKeys } from '../../kernel/logins.ts'
import type { AttemptFrom, People } from '../../kernel/people.ts'
import type { Secrets, Store } from '../../kernel/ports.ts'
import type { Registry } from '../../kernel/registry.ts'
import { createAccounts } from './accounts.ts'
import { answerApps } from './apps.ts'
import { openBrowserKeys } from './cookie-keys.ts'
import { answerInteraction } from './interaction.ts'
import { openModelTable } from './model-table.ts'
import { notedAccounts, type Note } from './noted-accounts.ts'
import { faultPage } from './pages/message.ts'
import { sendPage } from './pages/page.ts'
import { answerPairing } from './pairing.ts'
import { DISCOVERY_PATHS, PATHS } from './paths.ts'
import type { DocumentFetch, OAuthPolicy } from './provider-parts.ts'
import { createRequestLimits, type RequestKind } from './requests.ts'
import { revokeToken } from './revocation.ts'
import { resourceOf } from './resources.ts'
import { createRunning } from './running.ts'
import { knownScopes, scopeText } from './scope-text.ts'
import type { Decision } from './step.ts'
import { findVisitor } from './visitor.ts'

export interface AuthorizationServerOptions {
  readonly store: Store
  readonly secrets: Secrets
  readonly people: People
  readonly identity: Pick<Identity, 'authenticate'>
  readonly throttle: LoginThrottle
  readonly keys: SigningKeys
  readonly origins: OwnOrigins
  readonly registry: Pick<Registry, 'list'>
  readonly events: Events
  readonly clock: Clock
  readonly log: Log
  readonly policy: OAuthPolicy
  /** Asks for documents of clients: HTTPS and public addresses alone, no redirects, bounded. */
  readonly fetch: DocumentFetch
  isProfile(name: string): boolean
  /** For clients that name no scope. */
  startingScopes(profile: string | undefined): readonly string[]
  /** Ends the tokens of a grant wherever they are verified. */
  endLogin(credential: string): Promise<void>
  /** Tells when everything that somebody was let in with is to end. */
  onEndAll(end: (account: string) => Promise<void>): () => void
  /** The peer's address, behind whatever proxies there are. */
  addressOf(request: IncomingMessage): string | undefined
}

/** Answers a request by itself, errors included. */
export type Answer = (request: IncomingMessage, response: ServerResponse) => void

export interface AuthorizationServer {
  /** What answers at the path; undefined: it is none of the authorization server's. */
  at(path: string): Answer | undefined
  /**
   * The account that is signed in with the browser at a page elsewhere on the hub. Undefined: the request was answered, with the
   * page to sign in, with the way back after that, or with the way to the name that cookies belong to. `reason`: a sentence on
   * what waits for it. Throws Fault.
   */
  visitor(request: IncomingMessage, response: ServerResponse, reason: string): Promise<string | undefined>
  stop(): void
}

/** Throws Fault `storage_failed` or `unavailable` where the database does. */
export async function openAuthorizationServer(options: AuthorizationServerOptions): Promise<AuthorizationServer> {
  const { store, secrets, people, keys, origins, registry, events, clock, log } = options
  const table = await openModelTable({ store, secrets, clock })
  const browserKeys = await openBrowserKeys(store, secrets)
  const note: Note = (event) => events.emit('security.noted', event)
  const accounts = notedAccounts(createAccounts(options), note)
  const limits = createRequestLimits(clock)
  const endGrant = async (grantId: string) => {
    await table.removeGrant(grantId)
    // Also where nothing of it is left: somebody was quicker, and its access tokens live on for minutes.
    await options.endLogin(grantId)
  }
  const shared = { accounts, note, table, keys, people, secrets, clock, formKey: browserKeys.forms, endGrant }
  const resources = { origins, isProfile: options.isProfile }
  const profileOf = (indicator: string) => resourceOf(indicator, resources)?.profile
  const running = createRunning(
    {
      ...shared,
      browserKeys,
      resources,
      policy: options.policy,
      fetch: options.fetch,
      fetches: limits.fetches,
      addressOf: options.addressOf,
      log,
      knownScopes: () => knownScopes(registry),
      startingScopes: options.startingScopes,
    },
    origins,
  )
  const onDecision = (decision: Decision, from: AttemptFrom) =>
    note(noteOf(decision, from, people.get(decision.accountId)?.name))

  const admit = async (kind: RequestKind, request: IncomingMessage) => {
    const address = options.addressOf(request)
    limits.take(kind, address)
    const from: AttemptFrom = { via: 'rest', ...(address !== undefined && { address }) }
    return { from, ...(await running()) }
  }

  const answer = async (path: string, request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { provider, answer: answerByLibrary, from } = await admit(kindOf(path), request)
    if (isPage(path) && isElsewhere(provider, request)) return moveTo(provider.issuer, request, response)
    const parts = { ...shared, provider }
    if (path === PATHS.revoke && request.method === 'POST') return await revokeToken(parts, request, response)
    if (path === PATHS.pair) return await answerPairing(parts, request, response, from)
    if (path === PATHS.apps) return await answerApps(parts, request, response, from)
    if (!path.startsWith(`${PATHS.interaction}/`)) return await answerByLibrary(request, response)
    const interaction = await interactionOf(provider, path, request, response)
    const words = { scopeText: (scope: string) => scopeText(scope, registry), profileOf }
    await answerInteraction({ ...parts, ...words, request, response, interaction, from, onDecision })
  }

  const stopListening = events.on('access.ended', (ended) => {
    if (!('credential' in ended)) return
    table.removeGrant(ended.credential).catch((error: unknown) => log.error('a grant could not be removed', { error }))
  })

  const endGrantsOf = async (id: string, beforeMs: number) => {
    for (const { payload, createdMs } of await table.grants(id))
      if (createdMs < beforeMs) await endGrant(String(payload['jti']))
  }
  const endAllOf = async (id: string) => {
    await table.removeByAccount('Session', id)
    await endGrantsOf(id, Number.POSITIVE_INFINITY)
  }
  const stopEnding = options.onEndAll(endAllOf)
  const stopLooking = people.onChange((id) => {
    const account = accounts.find(id)
    // Of sessions from before a new password, each page sees that they are over.
    const ending = account ? endGrantsOf(id, account.sinceMs ?? 0) : endAllOf(id)
    ending.catch((error: unknown) => log.error('grants could not be removed', { error }))
  })

  return {
    at(path) {
      if (!isOwn(path)) return undefined
      return (request, response) => {
        answer(path, request, response).catch((error: unknown) => refuse(path, response, faultOf(error, log)))
      }
    },
    async visitor(request, response, reason) {
      const { provider, from } = await admit('page', request)
      if (!isElsewhere(provider, request))
        return await findVisitor({ ...shared, provider, reason }, request, response, from)
      moveTo(provider.issuer, request, response)
      return undefined
    },
    stop() {
      stopListening()
      stopEnding()
      stopLooking()
    },
  }
}

const EXACT: ReadonlySet<string> = new Set([
  ...DISCOVERY_PATHS,
  PATHS.authorize,
  PATHS.token,
  PATHS.keys,
  PATHS.register,
  PATHS.revoke,
  PATHS.apps,
  PATHS.pair,
])

const isOwn = (path: string): boolean =>
  EXACT.has(path) || path.startsWith(`${PATHS.authorize}/`) || path.startsWith(`${PATHS.interaction}/`)

const isPage = (path: string): boolean => kindOf(path) === 'page'

function kindOf(path: string): RequestKind {
  if (path === PATHS.register) return 'registration'
  if ([PATHS.token, PATHS.revoke, PATHS.keys].some((own) => own === path) || DISCOVERY_PATHS.has(path)) return 'token'
  return 'page'
}

const isElsewhere = ({ issuer }: Provider, { headers }: IncomingMessage): boolean =>
  headers.host !== new URL(issuer).host

/** Cookies are those of one name alone, which is the issuer's. */
function moveTo(issuer: string, { method, url = '/' }: IncomingMessage, response: ServerResponse): void {
  if (method === 'POST') throw new Fault('forbidden', 'This form was sent to another name of the hub.')
  response
    .writeHead(307, { location: new URL(url.replace(/^\/+/, '/'), issuer).href, 'cache-control': 'no-store' })
    .end()
}

/** Throws Fault `not_found` for a step that is over, or was begun in another browser. */
async function interactionOf(provider: Provider, path: string, request: IncomingMessage, response: ServerResponse) {
  const interaction = await provider.interactionDetails(request, response).catch(() => undefined)
  if (interaction && path === `${PATHS.interaction}/${interaction.uid}`) return interaction
  throw new Fault('not_found', 'This page is over, or was opened in another browser.', {
    hint: 'Go back to the program that sent you here, and begin again.',
  })
}

const faultOf = (error: unknown, log: Log): Fault =>
  toFault(error, (reference, cause) => log.error('the authorization server failed', { reference, error: cause }))

function refuse(path: string, response: ServerResponse, fault: Fault): void {
  if (response.headersSent) return void response.destroy()
  if (fault.retryAfterMs !== undefined) response.setHeader('retry-after', String(Math.ceil(fault.retryAfterMs / 1000)))
  if (isPage(path)) return sendPage(response, faultPage(fault))
  // RFC 6749, 5.2 has no word for most of it.
  const error = fault.status >= 500 || fault.code === 'rate_limited' ? 'temporarily_unavailable' : 'invalid_request'
  response
    .writeHead(fault.status, { 'content-type': 'application/json', 'cache-control': 'no-store' })
    .end(JSON.stringify({ error, error_description: fault.message }))
}

const noteOf = (
  { accountId, client, granted }: Decision,
  from: AttemptFrom,
  name: string | undefined,
): SecurityEvent => ({
  kind: granted ? 'consent.given' : 'consent.refused',
  outcome: granted ? 'ok' : 'forbidden',
  ...from,
  who: { id: accountId, ...(name !== undefined && { name }), ...(granted && { credential: granted.grantId }) },
  details: { client, ...(granted && { scopes: granted.scopes }) },
})
