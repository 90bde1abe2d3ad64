import { openLogins, type LoginsOptions } from '../engines/logins/logins.ts'
import type { Part } from '../kernel/lifecycle.ts'

/** Logins with access and refresh tokens, and who the holders of such tokens are. */
export function loginsPart(options: Pick<LoginsOptions, 'origins' | 'throttle' | 'events' | 'clock' | 'log'>): Part {
  return {
    name: 'logins',
    needs: ['store', 'secrets', 'people', 'identity'],
    async start({ store, secrets, people, identity }) {
      if (!store || !secrets || !people || !identity) throw new TypeError('Logins start after the people.')
      const logins = await openLogins({ ...options, store, secrets, people })
      const removeSource = identity.addSource(logins.source)
      return {
        value: logins,
        async stop() {
          removeSource()
          await logins.close()
        },
      }
    },
  }
}
