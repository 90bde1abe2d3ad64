import { Fault } from '../../kernel/fault.ts'
import type { Person } from '../../kernel/people.ts'
import { ROLES, type Role, type RoleTable } from '../../kernel/role.ts'
import type { PersonRow } from './table.ts'

interface Kept {
  readonly row: PersonRow
  readonly person: Person
}

/**
 * Everybody, as every call asks for them. Somebody who did not change is the same object as before, so that what was made of them
 * can be kept beside it.
 */
export class Register {
  readonly #roles: RoleTable
  readonly #ended: (id: string) => void
  readonly #listeners = new Set<(id: string) => void>()
  #byId = new Map<string, Kept>()
  #byName = new Map<string, Kept>()
  #list: readonly Person[] = []

  /** `ended` is told who may do something else than before. */
  constructor(roles: RoleTable, ended: (id: string) => void) {
    this.#roles = roles
    this.#ended = ended
  }

  list(): readonly Person[] {
    return this.#list
  }

  get(id: string): Person | undefined {
    return this.#byId.get(id)?.person
  }

  named(name: string): Person | undefined {
    return this.#byName.get(name)?.person
  }

  /** The stored hash of their password. */
  passwordOf(id: string): string | undefined {
    return this.#byId.get(id)?.row.password ?? undefined
  }

  /** Throws Fault `not_found`. */
  require(id: string): Person {
    const person = this.get(id)
    if (person) return person
    throw new Fault('not_found', 'There is no such person (any more).', { hint: 'list_people shows those there are.' })
  }

  onChange(listener: (id: string) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** Everybody is who they are in these rows from now on. */
  replace(rows: readonly PersonRow[]): void {
    const before = this.#byId
    const kept = rows.map((row) => this.#keep(row))
    this.#byId = new Map(kept.map((entry) => [entry.person.id, entry]))
    this.#byName = new Map(kept.map((entry) => [entry.person.name, entry]))
    this.#list = kept.map(({ person }) => person).sort((a, b) => (a.name < b.name ? -1 : 1))
    const changed = [...new Set([...before.keys(), ...this.#byId.keys()])].filter(
      (id) => before.get(id)?.person !== this.#byId.get(id)?.person,
    )
    // Whoever listens to one finds everybody else as they are.
    for (const id of changed) {
      if (before.has(id)) this.#ended(id)
      for (const listener of this.#listeners) listener(id)
    }
  }

  #keep(row: PersonRow): Kept {
    const person = this.#personOf(row)
    const before = this.#byId.get(row.id)?.person
    return { row, person: before && isSame(before, person) ? before : person }
  }

  #personOf(row: PersonRow): Person {
    const role = roleOf(row.role)
    return Object.freeze({
      id: row.id,
      name: row.name,
      role,
      scopes: Object.freeze(row.scopes === null ? [...this.#roles[role].scopes] : (JSON.parse(row.scopes) as string[])),
      hasPassword: row.password !== null,
      isDisabled: row.disabled !== 0,
      createdMs: row.created_at,
      ...(row.password_set_at !== null && { passwordSetMs: row.password_set_at }),
    })
  }
}

/** A role that this version does not know is a guest: that gives nothing. */
const roleOf = (text: string): Role => ROLES.find((role) => role === text) ?? 'guest'

const isSame = (one: Person, other: Person): boolean => JSON.stringify(one) === JSON.stringify(other)
