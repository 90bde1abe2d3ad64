import { Fault } from '../../kernel/fault.ts'
import type { AttemptFrom } from '../../kernel/people.ts'
import type { Accounts, SignedIn } from './accounts.ts'
import { field } from './form.ts'

/** Who filled in a form of the page to sign in. Throws Fault `unauthenticated`, `rate_limited`, `invalid_request`. */
export function signIn(form: URLSearchParams, accounts: Accounts, from: AttemptFrom): Promise<SignedIn> {
  switch (field(form, 'how')) {
    case 'password':
      return accounts.byPassword(field(form, 'name').trim().toLowerCase(), field(form, 'password'), from)
    case 'code':
      return accounts.byCode(field(form, 'code').trim(), from)
    case 'token':
      return accounts.byToken(field(form, 'token').trim(), from)
    default:
      throw new Fault('invalid_request', 'The form does not say how to sign in.')
  }
}

/** What went wrong, for the page to sign in; undefined: something else, which is no mistake of the person. */
export function signInProblem(error: unknown): Fault | undefined {
  const isMistake = error instanceof Fault && ['unauthenticated', 'rate_limited', 'invalid_input'].includes(error.code)
  return isMistake ? error : undefined
}
