import { OWNER } from '../../kernel/identity.ts'
import type { People } from '../../kernel/people.ts'
import type { Role } from '../../kernel/role.ts'

/** Whom a login is of, as things are now. */
export interface Subject {
  readonly id: string
  readonly name: string
  readonly role: Role
  readonly scopes: readonly string[]
  /** Absent: the hub's owner, who is known by their token alone. */
  readonly person?: string
}

const OWNER_SUBJECT: Subject = { id: OWNER.id, name: OWNER.name, role: 'owner', scopes: OWNER.scopes }

/** Undefined for whoever does not exist (any more) or is disabled. */
export function subjectOf(id: string, people: Pick<People, 'get'>): Subject | undefined {
  if (id === OWNER.id) return OWNER_SUBJECT
  const person = people.get(id)
  if (!person || person.isDisabled) return undefined
  const { name, role, scopes } = person
  return { id, name, role, scopes, person: id }
}
