import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Provider } from 'oidc-provider'
import type { AttemptFrom } from '../../kernel/people.ts'
import type { Accounts } from './accounts.ts'
import { beginSession, findSession, type BrowserSession } from './browser-session.ts'
import { checkFormToken, field, formToken, readForm } from './form.ts'
import type { ModelTable } from './model-table.ts'
import { appsPage, type AppView } from './pages/apps.ts'
import { sendPage } from './pages/page.ts'
import { signInPage } from './pages/sign-in.ts'
import { PATHS } from './paths.ts'
import { signIn, signInProblem } from './sign-in.ts'

export interface AppsParts {
  readonly provider: Provider
  readonly accounts: Accounts
  readonly table: Pick<ModelTable, 'grants'>
  readonly formKey: Buffer
  endGrant(grantId: string): Promise<void>
}

/** The page of the programs that somebody let in, where each can be ended. Throws Fault. */
export async function answerApps(
  parts: AppsParts,
  request: IncomingMessage,
  response: ServerResponse,
  from: AttemptFrom,
): Promise<void> {
  const { provider, formKey } = parts
  const session = await findSession(parts, request, response)
  const token = formToken(formKey, PATHS.apps, session?.uid ?? '')
  if (request.method !== 'POST') {
    const page = session ? await listPage(parts, session, token) : loginPage(parts, token)
    return sendPage(response, page)
  }
  const form = await readForm(request, provider.issuer)
  checkFormToken(form, token)
  if (session) await end(parts, session, field(form, 'grant'))
  else {
    try {
      await beginSession(provider, await signIn(form, parts.accounts, from), request, response)
    } catch (error) {
      const problem = signInProblem(error)
      if (!problem) throw error
      return sendPage(response, loginPage(parts, token, problem))
    }
  }
  response.writeHead(303, { location: PATHS.apps }).end()
}

const loginPage = ({ accounts }: AppsParts, token: string, problem?: { message: string; status: number }) =>
  signInPage({
    action: PATHS.apps,
    formToken: token,
    hasPasswords: accounts.hasPasswords,
    ...(problem && { problem: problem.message, status: problem.status }),
  })

async function listPage({ provider, table }: AppsParts, { account }: BrowserSession, token: string) {
  const grants = await table.grants(account.id)
  const apps = await Promise.all(
    grants.map(async ({ payload, createdMs }): Promise<AppView> => {
      const clientId = String(payload['clientId'])
      const resources = (payload['resources'] ?? {}) as Record<string, string>
      return {
        grantId: String(payload['jti']),
        name: await nameOf(provider, clientId),
        scopes: [...new Set(Object.values(resources).flatMap((scopes) => scopes.split(' ')))],
        since: new Date(createdMs),
      }
    }),
  )
  return appsPage({ account: account.name, apps, formToken: token, action: PATHS.apps })
}

/** A document elsewhere is not asked for a name: its address says more. */
async function nameOf(provider: Provider, clientId: string): Promise<string> {
  if (clientId.startsWith('https://')) return new URL(clientId).host
  const client = await provider.Client.find(clientId).catch(() => undefined)
  return client?.clientName ?? 'A program without a name'
}

/** Of one's own alone. */
async function end({ table, endGrant }: AppsParts, { account }: BrowserSession, grantId: string): Promise<void> {
  const own = await table.grants(account.id)
  if (own.some(({ payload }) => payload['jti'] === grantId)) await endGrant(grantId)
}
