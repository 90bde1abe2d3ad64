import type { InteractionResults } from 'oidc-provider'
import type { Fault } from '../../kernel/fault.ts'
import type { SignedIn } from './accounts.ts'
import { ceilingText, takeSession } from './browser-session.ts'
import { answerConsent, consentView } from './consent.ts'
import { checkFormToken, field, formToken, readForm } from './form.ts'
import { consentPage } from './pages/consent.ts'
import { continuePage } from './pages/message.ts'
import { sendPage, type Page } from './pages/page.ts'
import { signInPage } from './pages/sign-in.ts'
import { PATHS } from './paths.ts'
import { signIn, signInProblem } from './sign-in.ts'
import type { Step } from './step.ts'

/** Shows the step that a client's request has come to, or takes what the person says to it. Throws Fault. */
export async function answerInteraction(step: Step): Promise<void> {
  const { interaction, request, response } = step
  const isLogin = interaction.prompt.name === 'login'
  if (request.method !== 'POST') return sendPage(response, isLogin ? await loginPage(step) : await askConsent(step))
  const form = await readForm(request, step.provider.issuer)
  checkFormToken(form, tokenOf(step))
  await (isLogin ? takeLogin(step, form) : takeConsent(step, form))
}

const tokenOf = ({ formKey, interaction: { uid, prompt, session } }: Step): string =>
  formToken(formKey, uid, prompt.name, session?.uid ?? '')

const actionOf = ({ interaction }: Step): string => `${PATHS.interaction}/${interaction.uid}`

async function loginPage(step: Step, problem?: Fault, name?: string): Promise<Page> {
  const client = await step.provider.Client.find(String(step.interaction.params['client_id']))
  return signInPage({
    client: client?.clientName ?? 'A program',
    action: actionOf(step),
    formToken: tokenOf(step),
    hasPasswords: step.accounts.hasPasswords,
    ...(problem && { problem: problem.message, status: problem.status }),
    ...(name !== undefined && { name }),
  })
}

async function takeLogin(step: Step, form: URLSearchParams): Promise<void> {
  const { interaction, response, provider, accounts, from } = step
  if (field(form, 'how') === 'deny') return await finish(step, DENIED)
  let signedIn: SignedIn
  try {
    signedIn = await signIn(form, accounts, from)
  } catch (error) {
    const problem = signInProblem(error)
    if (!problem) throw error
    return sendPage(response, await loginPage(step, problem, field(form, 'name') || undefined))
  }
  const { account, ceiling } = signedIn
  await takeSession(provider, interaction, signedIn)
  await finish(step, { login: { accountId: account.id, acr: ceilingText(ceiling), remember: true } })
}

async function askConsent(step: Step, problem?: string): Promise<Page> {
  const view = await consentView(step)
  return consentPage({
    ...view,
    action: actionOf(step),
    formToken: tokenOf(step),
    ...(problem !== undefined && { problem }),
  })
}

async function takeConsent(step: Step, form: URLSearchParams): Promise<void> {
  const { interaction, onDecision, from, response } = step
  const decided = { accountId: interaction.session?.accountId ?? '', client: String(interaction.params['client_id']) }
  if (field(form, 'answer') !== 'allow') {
    onDecision(decided, from)
    return await finish(step, DENIED)
  }
  const granted = await answerConsent(step, form.getAll('scope'))
  if (!granted) return sendPage(response, await askConsent(step, 'Leave a tick at something that it may do.'))
  onDecision({ ...decided, granted }, from)
  // Whoever was asked to sign in has done so, a step ago: else they would be asked again, and again.
  const { login } = interaction.lastSubmission ?? {}
  await finish(step, { ...(login && { login }), consent: { grantId: granted.grantId } })
}

const DENIED = { error: 'access_denied', error_description: 'the person said no' }

/**
 * Goes on by a page and not by a redirect: what follows a form by redirects has to be in the form's policy, and where the client
 * sends the browser on to is not known.
 */
async function finish({ provider, request, response }: Step, result: InteractionResults): Promise<void> {
  const returnTo = await provider.interactionResult(request, response, result, { mergeWithLastSubmission: false })
  sendPage(response, continuePage(returnTo))
}
