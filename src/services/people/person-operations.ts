import { z } from 'zod'
import type { Caller } from '../../kernel/caller.ts'
import { Fault } from '../../kernel/fault.ts'
import { operation } from '../../kernel/operation.ts'
import type { NewPerson, PersonChange } from '../../kernel/people.ts'
import { refusePassword, requireOver, requireToAppoint, requireToGive } from './rights.ts'
import { Info, infoOf, Name, Password, personNamed, RoleName, Scopes, type Deps } from './shapes.ts'

export const addPerson = operation<Deps>()({
  name: 'people.add_person',
  summary: 'Add somebody of the home, with a role that says what they may.',
  description:
    'They get in with a password, or with a device that is paired (`pair`). A guest may nothing that is not given.',
  scope: 'people:write',
  effect: 'write',
  route: { method: 'POST', path: '/people' },
  input: z.object({
    name: Name,
    role: RoleName,
    scopes: Scopes.optional().describe(
      'Instead of those of the role: area:verb, area:*, *; @room/kitchen after one limits it',
    ),
    password: Password.optional().describe('Not for models'),
  }),
  output: Info,
  async handler({ name, role, scopes, password }, { people, caller }) {
    if (password !== undefined) refusePassword(caller)
    requireToAppoint(caller, role, people)
    requireToGive(caller, scopes ?? people.roles[role].scopes)
    const person: NewPerson = {
      name,
      role,
      ...(scopes !== undefined && { scopes }),
      ...(password !== undefined && { password }),
    }
    return infoOf(await people.add(person))
  },
})

export const listPeople = operation<Deps>()({
  name: 'people.list_people',
  summary: 'The people of the home, with their roles and what they may.',
  scope: 'people:read',
  effect: 'read',
  route: { method: 'GET', path: '/people' },
  input: z.object({}),
  output: z.object({ people: z.array(Info) }),
  handler: async (_, { people }) => ({ people: people.list().map(infoOf) }),
})

export const changePerson = operation<Deps>()({
  name: 'people.change_person',
  summary: 'Give somebody another role, other rights or another name; disable them, or let them in again.',
  description:
    'From this moment on: what they have open ends. A new role brings its own rights unless scopes are given with it.',
  scope: 'people:write',
  effect: 'write',
  idempotent: true,
  route: { method: 'PUT', path: '/people/{name}' },
  input: z.object({
    name: Name,
    role: RoleName.optional(),
    scopes: Scopes.optional().describe('Instead of those of the role'),
    disabled: z.boolean().optional(),
    new_name: Name.optional(),
  }),
  output: Info,
  async handler({ name, role, scopes, disabled, new_name: newName }, { people, caller }) {
    const person = personNamed(people, name)
    requireOver(caller, person)
    if (disabled === true) refuseSelf(caller, person.id, 'disable')
    if (role !== undefined) requireToAppoint(caller, role, people)
    requireToGive(caller, scopes ?? (role === undefined ? [] : people.roles[role].scopes))
    const change: PersonChange = {
      ...(role !== undefined && { role }),
      ...(scopes !== undefined && { scopes }),
      ...(disabled !== undefined && { isDisabled: disabled }),
      ...(newName !== undefined && { name: newName }),
    }
    return infoOf(await people.change(person.id, change))
  },
})

export const removePerson = operation<Deps>()({
  name: 'people.remove_person',
  summary: 'Remove somebody for good, with their password, pairings and tokens.',
  scope: 'people:write',
  effect: 'destructive',
  route: { method: 'DELETE', path: '/people/{name}' },
  input: z.object({ name: Name }),
  output: z.object({ removed: z.string() }),
  async handler({ name }, { people, caller }) {
    const person = personNamed(people, name)
    requireOver(caller, person)
    refuseSelf(caller, person.id, 'remove')
    await people.remove(person.id)
    return { removed: name }
  },
})

/** By mistake, mostly: whoever is left may not be able to undo it. */
function refuseSelf(caller: Caller, id: string, what: string): void {
  if (caller.person !== id) return
  throw new Fault('conflict', `Nobody can ${what} themselves.`, { hint: 'Somebody else with people:write can.' })
}
