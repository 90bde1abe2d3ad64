import type { Caller } from '../../kernel/caller.ts'
import { Fault } from '../../kernel/fault.ts'
import { OWNER, type Identity } from '../../kernel/identity.ts'
import type { LoginThrottle } from '../../kernel/login-throttle.ts'
import type { AttemptFrom, People, Person } from '../../kernel/people.ts'

/** Somebody who can let a program in. */
export interface Account {
  /** A person's id, or `owner`. */
  readonly id: string
  readonly name: string
  /** What they may do now. */
  readonly scopes: readonly string[]
  /** Logins of before are over: a password was set. Wall-clock milliseconds. */
  readonly sinceMs?: number
}

/** Somebody who has just shown who they are. */
export interface SignedIn {
  readonly account: Account
  /** What may be handed on at most: a pairing code can be for less than its person may. */
  readonly ceiling: readonly string[]
  /** By a pairing code that they made themselves. */
  readonly isOwnCode?: true
}

export interface Accounts {
  /** Undefined for whoever does not exist (any more) or is disabled. */
  find(id: string): Account | undefined
  /** Whether anybody has a password; before that only the hub's own token says who somebody is. */
  readonly hasPasswords: boolean
  /** All of them throw Fault `unauthenticated` or `rate_limited`. */
  byPassword(name: string, password: string, from: AttemptFrom): Promise<SignedIn>
  byCode(code: string, from: AttemptFrom): Promise<SignedIn>
  byToken(token: string, from: AttemptFrom): Promise<SignedIn>
}

export interface AccountsOptions {
  readonly people: People
  readonly identity: Pick<Identity, 'authenticate'>
  readonly throttle: LoginThrottle
}

export function createAccounts({ people, identity, throttle }: AccountsOptions): Accounts {
  return {
    find(id) {
      if (id === OWNER.id) return ownerAccount
      const person = people.get(id)
      return person && !person.isDisabled ? accountOf(person) : undefined
    },
    get hasPasswords() {
      return people.list().some(({ hasPassword, isDisabled }) => hasPassword && !isDisabled)
    },
    async byPassword(name, password, from) {
      const account = accountOf(await people.login(name, password, from))
      return { account, ceiling: ['*'] }
    },
    async byCode(code, from) {
      const { person, scopes, isOwn } = await people.redeem(code, from)
      return { account: accountOf(person), ceiling: scopes, ...(isOwn && { isOwnCode: true }) }
    },
    async byToken(token, from) {
      const attempt = throttle.begin(undefined, from.address)
      const caller = await identity.authenticate(token, from.via, from)
      // A token that was given for less must not become a login for more.
      if (!isOwner(caller)) throw notTheOwner()
      attempt.succeeded()
      return { account: ownerAccount, ceiling: ['*'] }
    },
  }
}

const ownerAccount: Account = { id: OWNER.id, name: OWNER.name, scopes: OWNER.scopes }

const notTheOwner = () =>
  new Fault('unauthenticated', 'That is not the hub’s own access token.', { hint: '`alicia token` prints it.' })

const isOwner = ({ id, credential }: Caller): boolean => id === OWNER.id && credential === OWNER.credential

const accountOf = ({ id, name, scopes, passwordSetMs }: Person): Account => ({
  id,
  name,
  scopes,
  ...(passwordSetMs !== undefined && { sinceMs: passwordSetMs }),
})

/** Whether a login of that second, since 1970, was ended by a password that was set later. */
export const isOutdated = ({ sinceMs }: Account, loginS: number | undefined): boolean =>
  sinceMs !== undefined && loginS !== undefined && (loginS + 1) * 1000 <= sinceMs
