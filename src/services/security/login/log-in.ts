import { z } from 'zod'
import { Fault } from '../../../kernel/fault.ts'
import type { AttemptFrom, People, Person } from '../../../kernel/people.ts'
import { operation } from '../../../kernel/operation.ts'
import { intersect, isGrant } from '../../../kernel/scope.ts'
import { Pair, pairOf, requireHttp, type LoginDeps } from './shapes.ts'

const Scope = z.string().max(4000).describe('To get less than all that you may: scopes with spaces between')

const Login = z.object({
  name: z.string().max(100).optional().describe('With a password'),
  password: z.string().max(2000).meta({ writeOnly: true }).optional(),
  pairing_code: z
    .string()
    .max(100)
    .meta({ writeOnly: true })
    .optional()
    .describe('Instead of both: from `alicia pair`'),
  scope: Scope.optional(),
  client: z
    .string()
    .trim()
    .min(1)
    .max(60)
    .regex(/^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]*$/u, 'printable characters')
    .default('unnamed')
    .describe('The device or program, as you will recognise it in list_logins'),
})

export const logIn = operation<LoginDeps>()({
  name: 'security.login',
  summary: 'Log in with name and password, or with a pairing code: an access token, and a refresh token for the next.',
  description:
    'The access token lives for minutes. A refresh token is good once: one that is shown again ends its login.',
  scope: null,
  effect: 'write',
  forModels: false,
  route: { method: 'POST', path: '/auth/login' },
  input: Login,
  output: Pair,
  async handler(input, { people, logins, events, caller, requestId }) {
    requireHttp(caller)
    const wanted = input.scope === undefined ? undefined : scopesIn(input.scope)
    const { person, scopes } = await whoIs(input, people, caller)
    const given = wanted === undefined ? scopes : intersect(wanted, intersect(scopes, person.scopes))
    if (wanted !== undefined && given.length === 0)
      throw new Fault('forbidden', `${person.name} may do nothing of what was asked for.`, {
        hint: 'Leave the scope out to get all that you may.',
      })
    const pair = await logins.issue({ subject: person.id, scopes: given, client: input.client })
    const { via, address } = caller
    events.emit('security.noted', {
      kind: 'login.succeeded',
      outcome: 'ok',
      via,
      ...(address !== undefined && { address }),
      who: { id: person.id, name: person.name, person: person.id, role: person.role },
      requestId,
      details: { client: input.client, with: input.pairing_code === undefined ? 'password' : 'pairing' },
    })
    return pairOf(pair)
  },
})

export const refresh = operation<LoginDeps>()({
  name: 'security.refresh',
  summary: 'The next access token and the next refresh token, for a refresh token, which is spent by that.',
  scope: null,
  effect: 'write',
  forModels: false,
  route: { method: 'POST', path: '/auth/refresh' },
  input: z.object({ refresh_token: z.string().max(200).meta({ writeOnly: true }) }),
  output: Pair,
  async handler({ refresh_token: token }, { logins, caller }) {
    requireHttp(caller)
    const { via, address } = caller
    return pairOf(await logins.refresh(token, { via, ...(address !== undefined && { address }) }))
  },
})

interface Found {
  readonly person: Person
  readonly scopes: readonly string[]
}

/** Throws Fault `unauthenticated`, `rate_limited`, and `invalid_input` where it is neither the one nor the other. */
async function whoIs(input: z.output<typeof Login>, people: People, { via, address }: AttemptFrom): Promise<Found> {
  const { name, password, pairing_code: code } = input
  const from: AttemptFrom = { via, ...(address !== undefined && { address }) }
  if (code !== undefined && name === undefined && password === undefined) return await people.redeem(code, from)
  if (code === undefined && name !== undefined && password !== undefined) {
    const person = await people.login(name, password, from)
    return { person, scopes: person.scopes }
  }
  throw new Fault('invalid_input', 'login takes name and password, or pairing_code.', {
    hint: '`alicia pair` makes a pairing code.',
  })
}

/** More than anybody has use for: each is compared with all that a person may. */
const MOST_SCOPES = 100

/** Throws Fault `invalid_input`. */
function scopesIn(text: string): string[] {
  const scopes = text.split(' ').filter(Boolean)
  if (scopes.length > MOST_SCOPES)
    throw new Fault('invalid_input', `login: scope: ${scopes.length} scopes; ${MOST_SCOPES} are allowed.`, {
      hint: 'area:* stands for all of an area. Leave the scope out to get all that you may.',
    })
  const wrong = scopes.find((scope) => !isGrant(scope))
  if (wrong === undefined && scopes.length > 0) return scopes
  throw new Fault('invalid_input', `login: scope: ${JSON.stringify((wrong ?? text).slice(0, 100))} is no scope.`, {
    hint: 'Scopes are area:verb, area:* or *, with spaces between.',
  })
}
