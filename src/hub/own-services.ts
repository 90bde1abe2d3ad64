import type { Config } from '../config.ts'
import { Fault } from '../kernel/fault.ts'
import type { Service } from '../kernel/service.ts'
import { services, servicesFor, type Changing } from '../services.ts'

/** Names that a server behind the hub cannot have: those of services and of the hub's own parts. */
export const RESERVED = [
  ...services.map(({ name }) => name),
  'hub',
  'store',
  'trail',
  'limits',
  'logins',
  'authorization',
  'broker',
  'bus',
  'http',
  'requests',
  'broker-people',
  'approval-news',
  'servers',
  'processes',
]

/** Those that this process runs. Throws Fault `invalid_input` for one to leave out that does not exist. */
export function ownServices(config: Config, changing: Changing): readonly Service[] {
  const { without } = config
  const unknown = without.find((name) => !services.some((service) => service.name === name))
  if (unknown !== undefined)
    throw new Fault('invalid_input', `without: there is no service called ${unknown}.`, {
      hint: `There are: ${services.map(({ name }) => name).join(', ')}.`,
    })
  if (without.includes('people'))
    throw new Fault('invalid_input', 'without: people are those of the hub, and cannot be left out.')
  return servicesFor(config, changing).filter(({ name }) => !without.includes(name))
}
