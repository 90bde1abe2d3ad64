import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Provider } from 'oidc-provider'
import { isOutdated, type Account, type Accounts, type SignedIn } from './accounts.ts'
import { LIFE } from './life.ts'

/** Who is signed in at the authorization server with a browser. */
export interface BrowserSession {
  readonly account: Account
  /** What may be handed on at most. */
  readonly ceiling: readonly string[]
  /** Known to the hub alone: forms are bound to it. */
  readonly uid: string
}

/** What a session's account may hand on stands in the session, as its class of authentication. */
export const ceilingText = (ceiling: readonly string[]): string => ceiling.join(' ')
export const ceilingOf = (acr: string | undefined): string[] => acr?.split(' ') ?? []

type Session = InstanceType<Provider['Session']>

/** The library's own way to the session of a request, which its types leave out. */
interface Sessions {
  get(context: { req: IncomingMessage; res: ServerResponse; secure: boolean }): Promise<Session & { uid: string }>
}

async function load(provider: Provider, request: IncomingMessage, response: ServerResponse) {
  const context = provider.createContext(request, response)
  const session = await (provider.Session as unknown as Sessions).get(context)
  return { context, session }
}

export async function findSession(
  { provider, accounts }: { provider: Provider; accounts: Accounts },
  request: IncomingMessage,
  response: ServerResponse,
): Promise<BrowserSession | undefined> {
  const { session } = await load(provider, request, response)
  const account = session.accountId === undefined ? undefined : accounts.find(session.accountId)
  if (account && isOutdated(account, session.loginTs)) return undefined
  return account && { account, ceiling: ceilingOf(session.acr), uid: session.uid }
}

/** Signs somebody in outside of any request of a client. The session gets another id: a planted one is worth nothing. */
export async function beginSession(
  provider: Provider,
  { account, ceiling }: SignedIn,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { context, session } = await load(provider, request, response)
  session.resetIdentifier()
  session.authorizations = {}
  session.loginAccount({ accountId: account.id, acr: ceilingText(ceiling) })
  const seconds = context.secure ? LIFE.session : LIFE.plainSession
  await session.save(seconds)
  context.cookies.set(provider.cookieName('session'), session.jti, {
    httpOnly: true,
    sameSite: 'lax',
    signed: true,
    secure: context.secure,
    maxAge: seconds * 1000,
  })
}

type Interaction = Awaited<ReturnType<Provider['interactionDetails']>>

/**
 * Another person than the one who is signed in, or the same with other bounds: nothing that was remembered for the session counts
 * any more. The session is theirs with their bounds in one step: whoever goes no further finds nothing of the other login in it.
 */
export async function takeSession(
  provider: Provider,
  interaction: Interaction,
  { account, ceiling }: SignedIn,
): Promise<void> {
  const own = interaction.session
  const session = own === undefined ? undefined : await provider.Session.find(own.cookie)
  if (!own || !session) return
  session.loginAccount({ accountId: account.id, acr: ceilingText(ceiling) })
  session.authorizations = {}
  await session.persist()
  // The library goes on only with whom the step was begun for.
  Object.assign(own, { accountId: account.id, acr: ceilingText(ceiling) })
  await interaction.persist()
}
