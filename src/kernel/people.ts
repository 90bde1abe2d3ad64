import type { Caller } from './caller.ts'
import type { Role, RoleTable } from './role.ts'

/** A name of somebody: also a user name and a level of topics at the broker, and easy to say. */
export const PERSON_NAME = /^[a-z0-9](?:[a-z0-9._-]{0,30}[a-z0-9])?$/

/** Somebody of the home, as everybody but the keeper of passwords sees them. */
export interface Person {
  /** `person-…`, for ever. */
  readonly id: string
  /** What they log in with: lower-case letters, digits, `.`, `_`, `-`; unique. Also their user name at the broker. */
  readonly name: string
  readonly role: Role
  /** Grants in effect: their own, or those of their role. */
  readonly scopes: readonly string[]
  readonly hasPassword: boolean
  /** A disabled person can do nothing, by whatever they came. */
  readonly isDisabled: boolean
  /** Wall-clock milliseconds. */
  readonly createdMs: number
  /** When the password was last set; a login that is older has ended. Absent: there is none. */
  readonly passwordSetMs?: number
}

/** Where an attempt to log in comes from: it is throttled by name and by address. */
export type AttemptFrom = Pick<Caller, 'via' | 'address'>

/** The people of the home. What is asked of it synchronously is in memory: every call asks. */
export interface People {
  list(): readonly Person[]
  /** By id; undefined: there is none (any more). */
  get(id: string): Person | undefined
  named(name: string): Person | undefined
  /**
   * The person with this name and password. Takes as long for a name that nobody has. Throws Fault `unauthenticated` (which
   * never says what was wrong), `rate_limited` after too many attempts.
   */
  login(name: string, password: string, from: AttemptFrom): Promise<Person>
  /** Whom this pairing code is for; it is spent by that. Throws the same. */
  redeem(code: string, from: AttemptFrom): Promise<Redeemed>
  /**
   * Throws Fault `invalid_input` for a password that is too short or on every list of bad ones. Ends the person's logins, and
   * their pairing codes that wait.
   */
  setPassword(id: string, password: string): Promise<void>
  /** Told whenever somebody was added, changed, disabled or removed, here or by another hub on the same database. */
  onChange(listener: (id: string) => void): () => void
}

/** What a pairing code was good for. */
export interface Redeemed {
  readonly person: Person
  /** Those it was made for, as far as the person still has them. */
  readonly scopes: readonly string[]
  /** Whether the person made it, with another device of theirs. */
  readonly isOwn: boolean
}

export interface NewPerson {
  readonly name: string
  readonly role: Role
  /** Instead of those of the role. */
  readonly scopes?: readonly string[]
  readonly password?: string
}

/** What stays away stays as it is; a new role without scopes brings its own. */
export interface PersonChange {
  readonly name?: string
  readonly role?: Role
  readonly scopes?: readonly string[]
  readonly isDisabled?: boolean
}

/** A code that lets a phone or browser in as somebody, once. */
export interface Pairing {
  /** `pairing-…`; nothing that lets anybody in. */
  readonly id: string
  /** Whose it is. */
  readonly person: string
  /** What the login made with it may, as far as its person still may. */
  readonly scopes: readonly string[]
  /** The id of the person that made it, whatever they came with, or of the caller that is nobody in particular. */
  readonly createdBy: string
  /** Wall-clock milliseconds. */
  readonly createdMs: number
  readonly expiresMs: number
}

export interface NewPairing {
  /** Absent: all that the person may. */
  readonly scopes?: readonly string[]
  readonly createdBy: string
  readonly lifeMs: number
}

/** The people, for whoever changes them. Who may do so is not asked here. By id; throws Fault `not_found`. */
export interface PeopleKeeper extends People {
  readonly roles: RoleTable
  /** Throws Fault `conflict` for a name that is taken, `invalid_input` for a bad name or password. */
  add(person: NewPerson): Promise<Person>
  /** What lives on the person's word ends and is opened anew. Throws the same. */
  change(id: string, change: PersonChange): Promise<Person>
  remove(id: string): Promise<void>
  /** The code is shown this once. Throws Fault `conflict` when the person has too many that wait. */
  pair(id: string, pairing: NewPairing): Promise<Pairing & { readonly code: string }>
  /** Those that can still be used, oldest first. */
  pairings(): Promise<readonly Pairing[]>
  cancelPairing(pairing: string): Promise<void>
}

/** People whose home ends: waits for what is still being written. */
export interface OpenPeople extends PeopleKeeper {
  close(): Promise<void>
}
