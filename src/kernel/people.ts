import type { Caller } from './caller.ts'
import type { Role } from './role.ts'

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
  /** Whom this pairing code is for; it is spent by that. The grants are those the pairing was made for. Throws the same. */
  redeem(code: string, from: AttemptFrom): Promise<{ readonly person: Person; readonly scopes: readonly string[] }>
  /** Throws Fault `invalid_input` for a password that is too short or on every list of bad ones. Ends the person's logins. */
  setPassword(id: string, password: string): Promise<void>
  /** Told whenever somebody was added, changed, disabled or removed, here or by another hub on the same database. */
  onChange(listener: (id: string) => void): () => void
}
