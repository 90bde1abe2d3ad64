import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Provider } from 'oidc-provider'
import { z } from 'zod'
import type { Clock } from '../../kernel/clock.ts'
import { Fault } from '../../kernel/fault.ts'
import type { AttemptFrom, People } from '../../kernel/people.ts'
import type { Secrets } from '../../kernel/ports.ts'
import { covers } from '../../kernel/scope.ts'
import type { Accounts, SignedIn } from './accounts.ts'
import type { Note } from './noted-accounts.ts'
import { beginSession } from './browser-session.ts'
import { field, readForm } from './form.ts'
import { messagePage } from './pages/message.ts'
import { sendPage } from './pages/page.ts'
import { pairPage, passwordPage } from './pages/pair.ts'
import { PATHS } from './paths.ts'
import { signInProblem } from './sign-in.ts'

export interface PairingParts {
  readonly provider: Provider
  readonly accounts: Accounts
  readonly people: Pick<People, 'setPassword'>
  readonly secrets: Pick<Secrets, 'seal' | 'open'>
  readonly clock: Pick<Clock, 'now'>
  readonly note: Note
}

/** What somebody who has just paired may do: choose a password, for so long, once. */
const Ticket = z.object({
  id: z.string(),
  untilMs: z.number(),
  /** When the password was set that it is instead of. */
  sinceMs: z.number().optional(),
})
const TICKET_LIFE_MS = 600_000
const TICKET_CONTEXT = 'password after pairing'

/**
 * The page of a pairing code: signs the browser in, and lets its person choose a password if the code was for all that the person
 * may. One that is for less would become more by that; and whoever has a password and made the code themselves changes it with the
 * one they have, or a login that was stolen would be enough. Throws Fault.
 */
export async function answerPairing(
  parts: PairingParts,
  request: IncomingMessage,
  response: ServerResponse,
  from: AttemptFrom,
): Promise<void> {
  if (request.method !== 'POST') return sendPage(response, pairPage({ action: PATHS.pair }))
  const form = await readForm(request, parts.provider.issuer)
  if (field(form, 'how') === 'password') return await choosePassword(parts, form, { request, response, from })
  let signedIn: SignedIn
  try {
    signedIn = await parts.accounts.byCode(field(form, 'code').trim(), from)
  } catch (error) {
    const problem = signInProblem(error)
    if (!problem) throw error
    return sendPage(response, pairPage({ action: PATHS.pair, problem }))
  }
  await beginSession(parts.provider, signedIn, request, response)
  const { account } = signedIn
  if (!mayChoosePassword(signedIn)) return sendPage(response, pairedPage)
  const { id, sinceMs } = account
  const ticket = JSON.stringify({ id, untilMs: parts.clock.now() + TICKET_LIFE_MS, sinceMs })
  sendPage(response, askPassword(account.name, parts.secrets.seal(ticket, TICKET_CONTEXT)))
}

const mayChoosePassword = ({ account, ceiling, isOwnCode }: SignedIn): boolean =>
  !(isOwnCode && account.sinceMs !== undefined) && account.scopes.every((scope) => covers(ceiling, scope))

const pairedPage = messagePage('Paired', ['This device may sign in to programs now. You can close this window.'])

const askPassword = (name: string, ticket: string, problem?: Fault) =>
  passwordPage({ name, ticket, action: PATHS.pair, appsUrl: PATHS.apps, ...(problem && { problem }) })

async function choosePassword(
  parts: PairingParts,
  form: URLSearchParams,
  { request, response, from }: { request: IncomingMessage; response: ServerResponse; from: AttemptFrom },
): Promise<void> {
  const sealed = field(form, 'ticket')
  const { id, sinceMs } = ticketOf(sealed, parts)
  const account = parts.accounts.find(id)
  if (!account || account.sinceMs !== sinceMs) throw tooLate()
  try {
    if (field(form, 'password') !== field(form, 'again'))
      throw new Fault('invalid_input', 'The two passwords are not the same.')
    await parts.people.setPassword(account.id, field(form, 'password'))
  } catch (error) {
    const problem = signInProblem(error)
    if (!problem) throw error
    return sendPage(response, askPassword(account.name, sealed, problem))
  }
  parts.note({ kind: 'password.set', outcome: 'ok', ...from, who: { id: account.id, name: account.name } })
  // With the password every login of before is over, that of a moment ago too.
  await beginSession(parts.provider, { account, ceiling: account.scopes }, request, response)
  sendPage(
    response,
    messagePage('The password is set', ['Sign in with it wherever you are asked. You can close this window.']),
  )
}

function ticketOf(sealed: string, { secrets, clock }: PairingParts): z.infer<typeof Ticket> {
  try {
    const ticket = Ticket.parse(JSON.parse(secrets.open(sealed, TICKET_CONTEXT)))
    if (ticket.untilMs > clock.now()) return ticket
  } catch {
    // It is none of ours: as good as one that is over.
  }
  throw tooLate()
}

const tooLate = () =>
  new Fault('unauthenticated', 'The time to choose a password is over.', { hint: 'Ask for another pairing code.' })
