import { Fault } from '../../kernel/fault.ts'
import type { LoginThrottle } from '../../kernel/login-throttle.ts'
import type { Access, Account } from './access.ts'
import type { Guest, IdentityLogins } from './identity-logins.ts'

/** Somebody who is let in; a guest's access may end while they are here. */
export interface Admission {
  readonly account: Account
  readonly guest?: Guest
}

/** What a CONNECT packet says of who it is. */
export interface Shown {
  readonly username: string | undefined
  readonly password: Uint8Array | undefined
  readonly address: string | undefined
}

export interface GateOptions {
  readonly access: Access
  /** Absent: guesses are not slowed. */
  readonly throttle?: LoginThrottle
  /** `starting`: they will be there in a moment. Undefined: there is nobody besides those of the configuration. */
  readonly identities: () => IdentityLogins | 'starting' | undefined
}

/** Longer than any name that somebody has. */
const LONGEST_NAME = 256

/**
 * Who somebody is, asked of the configuration first, of the hub's people and tokens then. Throws (or rejects with) Fault
 * `unauthenticated`, the same for a wrong name and a wrong password, `rate_limited`, or `unavailable`.
 */
export function createGate({ access, throttle, identities }: GateOptions) {
  const configured = ({ username = '', password, address }: Shown): Admission => {
    // The hub's own logins change with every start and are never guessed: nobody can lock the hub out by trying.
    const own = access.isOwn(username) ? access.authenticate(username, password) : undefined
    if (own) return { account: own }
    const attempt = throttle?.begin(username, address)
    const account = access.authenticate(username, password)
    if (!account) throw notRight()
    attempt?.succeeded()
    return { account }
  }

  return (shown: Shown): Admission | Promise<Admission> => {
    const { username, password, address } = shown
    if (username === undefined && password === undefined) {
      const account = access.anonymous
      if (account) return { account }
      throw new Fault('unauthenticated', 'A user name and a password are needed.')
    }
    if (username !== undefined && access.has(username)) return configured(shown)
    const logins = identities()
    if (logins === 'starting')
      throw new Fault('unavailable', 'The hub is starting.', { hint: 'Try again in a moment.' })
    if (!logins || username === undefined || password === undefined || username.length > LONGEST_NAME) {
      throttle?.begin(username, address)
      throw notRight()
    }
    const guest = logins.login({ username, password: Buffer.from(password).toString('utf8'), address })
    return guest instanceof Promise ? guest.then(admission) : admission(guest)
  }
}

const admission = (guest: Guest): Admission => ({ account: guest.account, guest })

const notRight = () => new Fault('unauthenticated', 'The user name or password is wrong.')
