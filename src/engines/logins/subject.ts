import { OWNER } from '../../kernel/identity.ts'
import type { People } from '../../kernel/people.ts'
import type { Role } from '../../kernel/role.ts'

/** Whom a login is of, as things are now. */
export interface Subject {
  readonly id: string
  readonly name: string
  readonly role: Role
  readonly scopes: readonly string[]
  /** What was given to them before that has ended: their password was set. Wall-clock milliseconds. */
  readonly sinceMs: number
  /** Absent: the hub's owner, who is known by their token alone. */
  readonly person?: string
}

const OWNER_SUBJECT: Subject = { id: OWNER.id, name: OWNER.name, role: 'owner', scopes: OWNER.scopes, sinceMs: 0 }

/** Undefined for whoever does not exist (any more) or is disabled. */
export function subjectOf(id: string, people: Pick<People, 'get'>): Subject | undefined {
  if (id === OWNER.id) return OWNER_SUBJECT
  const person = people.get(id)
  if (!person || person.isDisabled) return undefined
  const { name, role, scopes, passwordSetMs: sinceMs = 0 } = person
  return { id, name, role, scopes, sinceMs, person: id }
}
