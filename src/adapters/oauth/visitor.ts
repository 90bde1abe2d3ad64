import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Provider } from 'oidc-provider'
import type { AttemptFrom } from '../../kernel/people.ts'
import type { Accounts } from './accounts.ts'
import { beginSession, findSession } from './browser-session.ts'
import { checkFormToken, formToken, readForm } from './form.ts'
import { sendPage } from './pages/page.ts'
import { signInPage } from './pages/sign-in.ts'
import { signIn, signInProblem } from './sign-in.ts'

export interface VisitorParts {
  readonly provider: Provider
  readonly accounts: Accounts
  readonly formKey: Buffer
  /** A sentence on what waits for somebody to sign in. */
  readonly reason: string
}

/**
 * The account that is signed in with the browser. Who is not gets the page to sign in, whose form comes to the same address, query
 * included, and from there back to it. Undefined: it was answered. Throws Fault.
 */
export async function findVisitor(
  parts: VisitorParts,
  request: IncomingMessage,
  response: ServerResponse,
  from: AttemptFrom,
): Promise<string | undefined> {
  const { provider, accounts, formKey, reason } = parts
  const { method, url: action = '/' } = request
  const token = formToken(formKey, action)
  const ask = (problem?: { message: string; status: number }) => {
    const { hasPasswords } = accounts
    const wrong = problem && { problem: problem.message, status: problem.status }
    // Not `no-referrer`, with which no browser says where a form is from: the address is told to the hub alone, which has it.
    sendPage(response, signInPage({ action, formToken: token, hasPasswords, reason, ...wrong }))
  }
  if (method !== 'POST') {
    const session = await findSession(parts, request, response)
    if (session) return session.account.id
    ask()
    return undefined
  }
  const form = await readForm(request, provider.issuer)
  checkFormToken(form, token)
  try {
    await beginSession(provider, await signIn(form, accounts, from), request, response)
  } catch (error) {
    const problem = signInProblem(error)
    if (!problem) throw error
    ask(problem)
    return undefined
  }
  response.writeHead(303, { location: action, 'cache-control': 'no-store' }).end()
  return undefined
}
