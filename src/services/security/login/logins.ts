import { z } from 'zod'
import { mayUse, type Caller } from '../../../kernel/caller.ts'
import { Fault } from '../../../kernel/fault.ts'
import type { LoginReport } from '../../../kernel/logins.ts'
import { OWNER } from '../../../kernel/identity.ts'
import { operation } from '../../../kernel/operation.ts'
import type { People } from '../../../kernel/people.ts'
import { covers } from '../../../kernel/scope.ts'
import { iso, type LoginDeps } from './shapes.ts'

/** For logins of somebody else. */
const OTHERS = 'people:write'

const Whose = z.string().max(100).optional().describe('Whose; absent: yours. Of others it takes people:write')

const Info = z.object({
  id: z.string(),
  client: z.string(),
  scopes: z.array(z.string()),
  created_at: z.iso.datetime(),
  last_used_at: z.iso.datetime(),
  this_one: z.boolean().describe('Whether this call was made with it'),
})

export const listLogins = operation<LoginDeps>()({
  name: 'security.list_logins',
  summary: 'The phones, browsers and programs that somebody is logged in with.',
  scope: 'people:own',
  effect: 'read',
  route: { method: 'GET', path: '/auth/logins' },
  input: z.object({ name: Whose }),
  output: z.object({ logins: z.array(Info) }),
  async handler({ name }, { people, logins, caller }) {
    const own = logins.list(subjectOf(name, caller, people))
    return { logins: own.toSorted((a, b) => b.lastUsedMs - a.lastUsedMs).map((login) => infoOf(login, caller)) }
  },
})

export const endLogin = operation<LoginDeps>()({
  name: 'security.end_login',
  summary: 'End a login, of a phone that was lost for example: from this moment on nothing of it is good.',
  scope: 'people:own',
  effect: 'write',
  route: { method: 'DELETE', path: '/auth/logins/{id}' },
  input: z.object({ id: z.string().min(1).max(100).describe('From list_logins'), name: Whose }),
  output: z.object({ ended: z.string() }),
  async handler({ id, name }, { people, logins, caller }) {
    const login = logins.list(subjectOf(name, caller, people)).find(({ credential }) => credential === id)
    if (!login)
      throw new Fault('not_found', 'There is no such login (any more).', { hint: 'list_logins shows those there are.' })
    refuseMighty(login, caller)
    await logins.end(id)
    return { ended: id }
  },
})

export const endAllLogins = operation<LoginDeps>()({
  name: 'security.end_all_logins',
  summary: 'Log out everywhere: end every login, every program that was let in, and every browser session.',
  description:
    'The login of this call ends as well. Tokens made by hand stay; revoke_token ends those. It takes all that the person may.',
  scope: 'people:own',
  effect: 'write',
  forModels: false,
  route: { method: 'DELETE', path: '/auth/logins' },
  input: z.object({ name: Whose }),
  output: z.object({ ended: z.int().describe('Logins of list_logins that ended; programs come on top') }),
  async handler({ name }, { people, logins, caller }) {
    const subject = subjectOf(name, caller, people)
    refuseLess(people.get(subject)?.scopes ?? OWNER.scopes, caller)
    const ended = logins.list(subject).length
    await logins.endAllOf(subject)
    return { ended }
  },
})

/** Throws Fault `forbidden`, `not_found`. */
function subjectOf(name: string | undefined, caller: Caller, people: People): string {
  if (name === undefined || name === caller.name) return caller.person ?? caller.id
  if (!mayUse(caller.scopes, OTHERS))
    throw new Fault('forbidden', `${caller.name} lacks the scope ${OTHERS} that logins of others need.`, {
      hint: 'Leave the name out to see your own.',
      details: { scope: OTHERS },
    })
  const person = people.named(name)
  if (person) return person.id
  throw new Fault('not_found', `There is nobody called ${name}.`, { hint: 'list_people shows those there are.' })
}

/** A program that was given little cannot put its person out of the house. Throws Fault `forbidden`. */
function refuseMighty({ scopes, credential }: LoginReport, caller: Caller): void {
  if (credential === caller.credential || scopes.every((scope) => covers(caller.scopes, scope))) return
  throw new Fault('forbidden', `That login may more than ${caller.name} with this access, which cannot end it.`, {
    hint: 'Use a login that may as much, or ask the owner.',
  })
}

/** Throws Fault `forbidden`. */
function refuseLess(scopes: readonly string[], caller: Caller): void {
  if (scopes.every((scope) => covers(caller.scopes, scope))) return
  throw new Fault('forbidden', `${caller.name} may less with this access than it would end.`, {
    hint: 'Use a login that may as much, or end logins one by one.',
  })
}

const infoOf = ({ credential, client, scopes, createdMs, lastUsedMs }: LoginReport, caller: Caller) => ({
  id: credential,
  client,
  scopes: [...scopes],
  created_at: iso(createdMs),
  last_used_at: iso(lastUsedMs),
  this_one: credential === caller.credential,
})
