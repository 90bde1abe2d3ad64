import type { Config } from '../config.ts'
import { createExternalIssuer } from '../engines/logins/external-issuer.ts'
import { openLogins, type LoginsOptions } from '../engines/logins/logins.ts'
import { createGuardedFetch } from '../gateway/oauth/guarded-fetch.ts'
import type { Part } from '../kernel/lifecycle.ts'
import type { PeopleKeeper } from '../kernel/people.ts'

export interface LoginsPartOptions extends Pick<LoginsOptions, 'origins' | 'throttle' | 'events' | 'clock' | 'log'> {
  readonly config: Pick<Config, 'auth'>
}

/** Logins with access and refresh tokens, and who the holders of such tokens are; of another issuer's tokens, too. */
export function loginsPart(options: LoginsPartOptions): Part {
  return {
    name: 'logins',
    needs: ['store', 'secrets', 'people', 'identity'],
    async start({ store, secrets, people, identity }) {
      if (!store || !secrets || !people || !identity) throw new TypeError('Logins start after the people.')
      const logins = await openLogins({ ...options, store, secrets, people })
      const other = otherIssuer(options, people)
      const ends = [logins, ...(other ? [other] : [])].map(({ source }) => identity.addSource(source))
      if (other) ends.push(people.onChange(other.changed))
      return {
        value: logins,
        async stop() {
          for (const end of ends) end()
          await logins.close()
        },
      }
    },
  }
}

/** An answer of an issuer has a few kilobytes; a call waits for it. */
const KEYS_TIMEOUT_MS = 5000
const MOST_KEYS_BYTES = 256 * 1024

function otherIssuer({ config: { auth }, origins, clock, log }: LoginsPartOptions, keeper: PeopleKeeper) {
  if (!auth) return undefined
  const fetch = createGuardedFetch({
    name: 'the issuer',
    upstream: new URL(auth.issuer),
    allowPrivateAddresses: false,
    clock,
    timeoutMs: KEYS_TIMEOUT_MS,
    mostBytes: MOST_KEYS_BYTES,
  })
  return createExternalIssuer(auth, { keeper, origins, fetch, clock, log })
}
