import { existsSync, readFileSync, unwatchFile, watchFile } from 'node:fs'
import type { Clock } from '../../kernel/clock.ts'
import type { Log } from '../../kernel/log.ts'
import type { HashedGuest } from './dynamic-security.ts'
import { partsOfHash, readPasswordFile } from './generator/password-file.ts'
import type { IdentityLogins } from './identity-logins.ts'

export interface MosquittoGuestsOptions {
  /** Path of the file with hashes of passwords, as `alicia broker password` writes it. */
  readonly passwords: string
  /** Whether the configuration has a user of that name. */
  readonly taken: (name: string) => boolean
  readonly clock: Clock
  readonly log: Log
  /** Makes these and no others the guests of the running broker. */
  readonly apply: (guests: readonly HashedGuest[]) => Promise<void>
}

/** Several changes at once are one. */
const SETTLE_MS = 200
/** How often the file is looked at. */
const LOOK_EVERY_MS = 1000

/**
 * People of the hub at a Mosquitto, which cannot ask the hub for them: those who have a password of their own there. Whenever one of
 * them may something else it starts anew, so that nobody stays connected with what they had.
 */
export function keepGuests({ passwords, taken, clock, log, apply }: MosquittoGuestsOptions) {
  let applied = '[]'
  let applying: Promise<void> = Promise.resolve()
  let cancel = () => {}
  let shut = () => {}

  const guestsOf = (logins: IdentityLogins): HashedGuest[] => {
    const hashes = existsSync(passwords) ? readPasswordFile(readFileSync(passwords, 'utf8')) : new Map<string, string>()
    return logins.people().flatMap(({ name, account }) => {
      const hash = partsOfHash(hashes.get(name) ?? '')
      return hash && !taken(name) ? [{ username: name, account, hash }] : []
    })
  }

  const bring = async (guests: readonly HashedGuest[]) => {
    const text = JSON.stringify(guests)
    if (text === applied) return
    applied = text
    await apply(guests)
    log.info('Mosquitto was started anew: what its users may has changed', { people: guests.length })
  }

  const enqueue = (task: () => Promise<void>) => {
    applying = applying
      .then(task)
      .catch((error: unknown) => log.error('the people of the broker were not renewed', { error }))
  }

  return {
    openTo(logins: IdentityLogins): () => void {
      const renew = () => {
        cancel()
        cancel = clock.after(SETTLE_MS, () => enqueue(() => bring(guestsOf(logins))))
      }
      enqueue(() => bring(guestsOf(logins)))
      const endPeople = logins.onPeople(renew)
      watchFile(passwords, { interval: LOOK_EVERY_MS, persistent: false }, renew)
      shut = () => {
        cancel()
        endPeople()
        unwatchFile(passwords, renew)
        shut = () => {}
      }
      return () => shut()
    },
    /** Once more, as they are: something else in the file has changed. */
    again(): Promise<void> {
      const done = applying.then(() => apply(JSON.parse(applied) as HashedGuest[]))
      applying = done.catch(() => undefined)
      return done
    },
    async stop(): Promise<void> {
      shut()
      await applying
    },
  }
}
