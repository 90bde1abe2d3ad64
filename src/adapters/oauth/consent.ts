import { Fault } from '../../kernel/fault.ts'
import { intersect } from '../../kernel/scope.ts'
import { ceilingOf } from './browser-session.ts'
import { redirectKind } from './client-policy.ts'
import type { Step } from './step.ts'
import type { ClientView, ConsentView } from './pages/consent.ts'
import { PATHS } from './paths.ts'
import { LIFE } from './life.ts'
import { grantsIn } from './scope-text.ts'

/** What a person has to know to decide. */
export async function consentView(step: Step): Promise<Omit<ConsentView, 'action' | 'formToken'>> {
  const { interaction, accounts, scopeText } = step
  const { params, session } = interaction
  const { asked, offered, own } = await offer(step)
  const profiles = resourcesOf(step).map(step.profileOf)
  const again = new URLSearchParams({ ...textsOf(params), prompt: 'login' })
  return {
    client: await clientView(step),
    account: accounts.find(session?.accountId ?? '')?.name ?? '',
    scopes: offered.map(scopeText),
    refused: asked.filter((scope) => intersect([scope], own).length === 0),
    otherAccountUrl: `${PATHS.authorize}?${again.toString()}`,
    // Of several all count: one that is the whole hub among them is what matters.
    ...(profiles.length > 0 &&
      profiles.every((profile) => profile !== undefined) && { profiles: [...new Set(profiles)] }),
    idleDays: LIFE.refreshToken / 86_400,
    mostDays: LIFE.grant / 86_400,
  }
}

/**
 * Grants what the person left ticked, and nothing else: of what was asked for, and of what they granted the same client before.
 * Undefined: nothing was left. Throws Fault.
 */
export async function answerConsent(step: Step, ticked: readonly string[]) {
  const { provider, interaction } = step
  const { offered, grant: existing, accountId } = await offer(step)
  const scopes = offered.filter((scope) => ticked.includes(scope))
  if (scopes.length === 0) return undefined
  const clientId = String(interaction.params['client_id'])
  const grant = existing ?? new provider.Grant({ accountId, clientId })
  const text = scopes.join(' ')
  grant.resources = { ...grant.resources, ...Object.fromEntries(resourcesOf(step).map((name) => [name, text])) }
  const asksForName = String(interaction.params['scope']).split(' ').includes('openid')
  if (asksForName) grant.addOIDCScope('openid')
  const grantId = await grant.save()
  // The tokens that follow are for what was granted: less than was asked for, or more where that was granted before.
  interaction.params['scope'] = asksForName ? `openid ${text}` : text
  await interaction.persist()
  return { grantId, scopes }
}

/** What the account can hand on of what was asked for; a scope within bounds where it has it within bounds. */
async function offer({ provider, accounts, interaction, ...step }: Step) {
  const { params, session, grantId } = interaction
  const account = accounts.find(session?.accountId ?? '')
  if (!account) throw new Fault('unauthenticated', 'Nobody is signed in.', { hint: 'Go back, and begin again.' })
  const grant = grantId === undefined ? undefined : await provider.Grant.find(grantId)
  const before = resourcesOf({ interaction, ...step }).flatMap((name) => grantsIn(grant?.getResourceScope(name)))
  const asked = [...new Set([...grantsIn(params['scope']), ...before])]
  const own = intersect(account.scopes, ceilingOf(session?.acr))
  const offered = [...new Set(asked.flatMap((scope) => intersect([scope], own)))]
  return { asked, own, offered, grant, accountId: account.id }
}

const resourcesOf = ({ interaction: { params } }: Pick<Step, 'interaction'>): string[] =>
  [params['resource']].flat().filter((resource) => typeof resource === 'string')

async function clientView({ provider, interaction: { params } }: Step): Promise<ClientView> {
  const clientId = String(params['client_id'])
  const client = await provider.Client.find(clientId)
  const redirect = String(params['redirect_uri'])
  const kind = redirectKind(redirect)
  if (!client || !kind) throw new Fault('not_found', 'The program that asked is not known any more.')
  const host = clientId.startsWith('https://') ? new URL(clientId).host : undefined
  const name = client.clientName?.trim() || (host ?? 'A program without a name')
  return { name, redirect, redirectKind: kind, ...(host !== undefined && { host }) }
}

const textsOf = (params: Readonly<Record<string, unknown>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(params).flatMap(([name, value]) => (typeof value === 'string' ? [[name, value]] : [])),
  )
