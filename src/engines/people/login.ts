import { Fault } from '../../kernel/fault.ts'
import type { Log } from '../../kernel/log.ts'
import type { LoginThrottle } from '../../kernel/login-throttle.ts'
import type { People, Person } from '../../kernel/people.ts'
import type { SharedCopy } from '../../kernel/shared-copy.ts'
import type { HashQueue } from './hash-queue.ts'
import { hashPassword, isOutdated, verifyPassword } from './password-hash.ts'
import { isTooLong } from './password-rules.ts'
import type { Register } from './register.ts'
import type { PeopleTables } from './table.ts'

interface LoginOptions {
  readonly copy: SharedCopy
  readonly register: Register
  readonly throttle: LoginThrottle
  readonly queue: HashQueue
  readonly log: Log
}

/** Whoever has this name and password: see `People.login`. */
export function createPasswordLogin({ copy, register, throttle, queue, log }: LoginOptions): People['login'] {
  /** A new hash in the place of that one, unless somebody set a new password meanwhile. Nobody else can do something else by it. */
  const upgrade = async (person: Person, password: string, stored: string) => {
    try {
      const hash = await queue.run(() => hashPassword(password), true)
      await copy.change<PeopleTables, unknown>((db) =>
        db
          .updateTable('people')
          .set({ password: hash })
          .where('id', '=', person.id)
          .where('password', '=', stored)
          .execute(),
      )
    } catch (error) {
      log.warn('the hash of a password could not be made anew', { person: person.name, error })
    }
  }

  return async (typedName, password, { address }) => {
    const name = typedName.slice(0, 100).normalize('NFKC').trim().toLowerCase()
    const attempt = throttle.begin(name, address)
    const person = register.named(name)
    const stored = person && register.passwordOf(person.id)
    // What is too long is nobody's, and takes as long as anything else.
    const shown = isTooLong(password) ? '' : password
    let isRight: boolean
    try {
      isRight = await queue.run(() => verifyPassword(shown, stored), attempt.isKnown)
    } catch (error) {
      attempt.undecided()
      throw error
    }
    // As they are now: looking at the password took a while, and it may be another one already.
    const now = isRight && person ? register.get(person.id) : undefined
    if (stored === undefined || !now || now.isDisabled || now.passwordSetMs !== person?.passwordSetMs) throw notRight()
    attempt.succeeded()
    if (isOutdated(stored)) await upgrade(now, shown, stored)
    return now
  }
}

const notRight = () =>
  new Fault('unauthenticated', 'The name or the password is not right.', {
    hint: 'The owner sets a new one with `alicia user password <name>`.',
  })
