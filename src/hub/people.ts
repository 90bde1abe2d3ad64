import type { Config } from '../config.ts'
import { openPeople } from '../engines/people/people.ts'
import type { LoginThrottle } from '../kernel/login-throttle.ts'
import type { OwnOrigins } from '../kernel/logins.ts'
import type { RoleTable } from '../kernel/role.ts'
import type { PeopleServiceOptions } from '../services/people/index.ts'

export interface PeopleOptions {
  readonly config: Config
  readonly roles: RoleTable
  readonly origins: OwnOrigins
  readonly throttle: LoginThrottle
}

/** What the service of people is made from; it is the port `people`, too. */
export function peopleOf({ config, roles, origins, throttle }: PeopleOptions): PeopleServiceOptions {
  const takenNames = config.broker.users.map(({ name }) => name)
  return {
    origin: () => origins.preferred,
    open: ({ store, events, clock, log }) => openPeople({ store, events, throttle, roles, takenNames, clock, log }),
  }
}
