import { createIdentityLogins, type IdentityLogins } from '../engines/broker/identity-logins.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Events } from '../kernel/events.ts'
import type { Part } from '../kernel/lifecycle.ts'
import type { LoginThrottle } from '../kernel/login-throttle.ts'
import type { Places } from '../kernel/places.ts'
import type { Refusals } from '../kernel/refusals.ts'
import type { Tenure } from '../kernel/tenure.ts'
import type { BrokerWatch, OwnBroker } from './engines.ts'

export interface BrokerGuardOptions {
  readonly places: Places
  readonly throttle: LoginThrottle
  readonly tenure: Tenure
  readonly refusals: Refusals
  readonly events: Events
  readonly clock: Clock
  /** Undefined while it does not run. */
  broker(): OwnBroker | undefined
}

/** The people and tokens of the hub at its broker: who they are there, and what they run into. */
export function createBrokerGuard({ places, throttle, tenure, refusals, events, clock, broker }: BrokerGuardOptions) {
  let logins: IdentityLogins | undefined
  const watch: BrokerWatch = {
    throttle,
    note: (limit, whose) => refusals.note(limit, whose),
    onWrong: ({ name, address }) =>
      events.emit('security.noted', {
        kind: 'login.failed',
        outcome: 'unauthenticated',
        via: 'mqtt',
        ...(address !== undefined && { address }),
        ...(name !== undefined && { who: { name } }),
      }),
  }
  const part: Part = {
    name: 'broker-people',
    needs: ['broker', 'people', 'identity'],
    async start({ people, identity }) {
      if (!people || !identity) throw new TypeError('The broker opens to people after they are there.')
      const running = createIdentityLogins({ people, identity, places, throttle, tenure, events, clock })
      const shut = broker()?.openTo?.(running)
      logins = running
      return {
        async stop() {
          logins = undefined
          shut?.()
          running.stop()
        },
      }
    },
  }
  return { part, watch, holderOf: (login: string) => logins?.holder(login) }
}
