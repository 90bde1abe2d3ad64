import { mayUse, type Caller } from '../../kernel/caller.ts'
import { Fault } from '../../kernel/fault.ts'
import { OWNER } from '../../kernel/identity.ts'
import type { People, Person } from '../../kernel/people.ts'
import { covers } from '../../kernel/scope.ts'
import type { TokenRow } from './table.ts'

/**
 * Whose a new token is: whoever makes it, where that is a person. A token that acts as somebody else only the owner gives away.
 * Throws Fault `forbidden`, `not_found`.
 */
export function ownerOf(people: People, maker: Caller, forWhom: string | undefined): Person | undefined {
  refuseLent(maker)
  const self = maker.person === undefined ? undefined : people.get(maker.person)
  if (forWhom === undefined || forWhom === self?.name) {
    if (maker.person !== undefined && !self)
      throw new Fault('forbidden', `${maker.name} acts for somebody who is gone.`, { hint: 'Log in again.' })
    return self
  }
  if (maker.role !== 'owner')
    throw new Fault('forbidden', `Only an owner may make a token for somebody else.`, {
      hint: 'Leave it out to make one of your own.',
    })
  const person = people.named(forWhom)
  if (person) return person
  throw new Fault('not_found', `There is nobody called ${forWhom}.`, { hint: 'list_people shows those there are.' })
}

/** What it made would stay when it is sent away, or when its issuer does not know it any more. Throws Fault `forbidden`. */
function refuseLent(maker: Caller): void {
  const isOfIssuer = maker.person === undefined && maker.role !== undefined && maker.id !== OWNER.id
  if (maker.client === undefined && !isOfIssuer) return
  throw new Fault('forbidden', `${maker.name} came by something that was lent, and cannot make a token.`, {
    hint: 'Log in yourself, with name and password, or let the owner make it.',
  })
}

/** Somebody sees their own. Owners and whoever looks after people, and the owner's programs, see all. */
export const sees = (caller: Caller, { person }: TokenRow): boolean =>
  caller.person === undefined ||
  caller.person === person ||
  caller.role === 'owner' ||
  mayUse(caller.scopes, 'people:read')

/** Nobody hands on more than they have, or ends it: else `tokens:write` would be as good as everything. */
export function refuseMoreThan(caller: Caller, scopes: readonly string[], refusal: string): void {
  const lacking = scopes.filter((scope) => !covers(caller.scopes, scope))
  if (lacking.length === 0) return
  throw new Fault('forbidden', `${caller.name} ${refusal}: ${lacking.join(', ')}.`, {
    hint: `It has: ${caller.scopes.join(', ')}.`,
    details: { scopes: lacking },
  })
}
