import { z } from 'zod'
import { mayUse, type Caller } from '../../kernel/caller.ts'
import { Fault } from '../../kernel/fault.ts'
import { operation } from '../../kernel/operation.ts'
import type { PeopleKeeper, Person } from '../../kernel/people.ts'
import { covers } from '../../kernel/scope.ts'
import { refuseLent, requireOver } from './rights.ts'
import { Name, Password, personNamed, type Deps } from './shapes.ts'

export const setPassword = operation<Deps>()({
  name: 'people.set_password',
  summary: 'Set a password: your own, or of somebody else. For people, not for models.',
  description: 'Logins made before it end. Somebody else’s takes people:write; your own takes the one you have.',
  scope: 'people:own',
  effect: 'write',
  forModels: false,
  input: z.object({
    name: Name.optional().describe('Absent: you'),
    password: Password.describe('At least 10 characters, and not one that is guessed first'),
    current_password: Password.optional().describe('Yours, where you have one'),
  }),
  output: z.object({ name: z.string() }),
  async handler({ name, password, current_password: current }, { people, caller }) {
    const person = name === undefined ? themselves(people, caller) : personNamed(people, name)
    if (mayUse(caller.scopes, 'people:write') && person.id !== caller.person) requireOver(caller, person)
    else await requireThemselves({ people, caller, person, current })
    await people.setPassword(person.id, password)
    return { name: person.name }
  },
})

interface Own {
  readonly people: PeopleKeeper
  readonly caller: Caller
  readonly person: Person
  readonly current: string | undefined
}

/**
 * Whoever sets a password can log in with it, and then do all that its person may. So a token that was lent, or given for less,
 * is not enough. Throws Fault `forbidden`, `unauthenticated`, `rate_limited`.
 */
async function requireThemselves({ people, caller, person, current }: Own): Promise<void> {
  if (person.id !== caller.person)
    throw new Fault('forbidden', `${caller.name} lacks the scope people:write that the password of others needs.`, {
      hint: 'Leave the name out to set your own.',
      details: { scope: 'people:write' },
    })
  if (person.hasPassword) {
    if (current === undefined)
      throw new Fault('invalid_input', 'set_password: current_password: missing.', {
        hint: 'Whoever forgot theirs asks the owner: `alicia user password <name>`.',
      })
    await people.login(person.name, current, caller)
    return
  }
  refuseLent(caller, 'set a first password')
  if (!person.scopes.every((scope) => covers(caller.scopes, scope)))
    throw new Fault('forbidden', `This access may less than ${person.name}, and cannot set a password.`, {
      hint: 'Use one that was not narrowed.',
    })
}

/** Throws Fault `invalid_input` for whoever is nobody in particular: the owner's token, a program. */
export function themselves(people: PeopleKeeper, { person: id, name }: Caller): Person {
  const person = id === undefined ? undefined : people.get(id)
  if (person) return person
  throw new Fault('invalid_input', `name: missing; ${name} is a token and no person.`, {
    hint: 'list_people shows those there are.',
  })
}
