import type { interactionPolicy, KoaContextWithOIDC } from 'oidc-provider'
import { redirectKind } from './client-policy.ts'
import type { Library } from './provider-parts.ts'
import { grantsIn } from './scope-text.ts'

/**
 * When a person is asked. To sign in: whenever nobody is, or who is signed in does not exist any more. For consent: whenever the
 * client asks for more than they granted it, and each time where the answer goes to a program on a machine, which anybody there
 * can pretend to be (RFC 8252, 8.6).
 */
export function consentPolicy({
  interactionPolicy: { base, Check, Prompt },
}: Library): interactionPolicy.DefaultPolicy {
  const policy = base()
  const { REQUEST_PROMPT, NO_NEED_TO_PROMPT } = Check
  const when = (is: boolean) => (is ? REQUEST_PROMPT : NO_NEED_TO_PROMPT)
  const gone = new Check('account_gone', 'the account is gone', ({ oidc: { session, account } }) =>
    when(session?.accountId !== undefined && account === undefined),
  )
  policy.get('login')?.checks.add(gone)
  policy.remove('consent')
  const consent = new Check('consent_needed', 'a person has to agree', 'consent_required', (ctx) =>
    when(ctx.oidc.result?.['consent'] === undefined && !isRemembered(ctx)),
  )
  policy.add(new Prompt({ name: 'consent', requestable: true }, consent))
  return policy
}

function isRemembered({ oidc }: KoaContextWithOIDC): boolean {
  const { params = {}, resourceServers = {}, entities } = oidc
  if (redirectKind(String(params['redirect_uri'])) !== 'web') return false
  const granted = new Set(
    Object.keys(resourceServers).flatMap((resource) => grantsIn(entities.Grant?.getResourceScope(resource))),
  )
  const asked = grantsIn(params['scope'])
  return asked.length > 0 && asked.every((scope) => granted.has(scope))
}
