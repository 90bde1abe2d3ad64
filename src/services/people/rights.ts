import { isLent, type Caller } from '../../kernel/caller.ts'
import { Fault } from '../../kernel/fault.ts'
import type { PeopleKeeper, Person } from '../../kernel/people.ts'
import type { Role } from '../../kernel/role.ts'
import { covers } from '../../kernel/scope.ts'

/** Nobody gives more than they have: else `people:write` would be as good as everything. Throws Fault `forbidden`. */
export function requireToGive(caller: Caller, scopes: readonly string[]): void {
  const lacking = scopes.filter((scope) => !covers(caller.scopes, scope))
  if (lacking.length === 0) return
  throw new Fault('forbidden', `${caller.name} cannot give what it lacks: ${lacking.join(', ')}.`, {
    hint: `It has: ${caller.scopes.join(', ')}.`,
    details: { scopes: lacking },
  })
}

/**
 * Whoever changes somebody, or gets them in, can do what they can: so nobody does that to one who may more, and to an owner only
 * an owner. Throws Fault `forbidden`.
 */
export function requireOver(caller: Caller, person: Person): void {
  if (person.role === 'owner') requireOwner(caller, `change ${person.name}, who is one`)
  if (person.scopes.every((scope) => covers(caller.scopes, scope))) return
  throw new Fault('forbidden', `${person.name} may more than ${caller.name}, who cannot change that.`, {
    hint: 'The owner can.',
  })
}

/** Throws Fault `forbidden` for a role that says more than the caller's: to be asked, or to decide alone. */
export function requireToAppoint(caller: Caller, role: Role, { roles }: PeopleKeeper): void {
  if (role === 'owner') requireOwner(caller, 'make another')
  if (!roles[role].decidesAlone || caller.role === undefined || roles[caller.role].decidesAlone) return
  throw new Fault('forbidden', `A ${caller.role} does not decide alone, and cannot make somebody who does.`, {
    hint: 'Whoever decides alone can.',
  })
}

/** A token of the owner's is none: it may have been given away. */
function requireOwner(caller: Caller, what: string): void {
  if (caller.role === 'owner') return
  throw new Fault('forbidden', `Only an owner may ${what}.`, { hint: 'Use the owner’s token, or log in as an owner.' })
}

/**
 * A device that is paired stays in when the program or the token that paired it is sent away. Throws Fault `forbidden`.
 */
export function refuseLent(caller: Caller, what: string): void {
  if (!isLent(caller)) return
  throw new Fault('forbidden', `${caller.name} came by something that was lent, and cannot ${what}.`, {
    hint: 'Log in yourself, with name and password: what it would make would outlive what it came by.',
  })
}

/** Where only the password is not for models, not the operation: what they hear can end up anywhere. Throws Fault `forbidden`. */
export function refusePassword(caller: Caller): void {
  if (caller.via !== 'mcp') return
  throw new Fault('forbidden', 'Passwords are not for models.', { hint: 'Use the command line: `alicia user`.' })
}
