import type { Config } from '../config.ts'
import { createBusDirectory, type BusDirectory } from '../gateway/bus/directory.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Events } from '../kernel/events.ts'
import type { Part } from '../kernel/lifecycle.ts'
import type { Log } from '../kernel/log.ts'
import type { Registry } from '../kernel/registry.ts'

export interface BusServicesOptions {
  readonly config: Config
  readonly registry: Registry
  readonly events: Events
  readonly clock: Clock
  readonly log: Log
  /** Told while it runs, and with undefined at its end. */
  onDirectory(directory: BusDirectory | undefined): void
}

/** The services that processes of their own run for this hub: those of the users whom the configuration lets. */
export function busServicesPart({ config, registry, events, clock, log, onDirectory }: BusServicesOptions): Part {
  const allowed = new Map(config.broker.users.map(({ name, services }) => [name, new Set(services)]))
  return {
    name: 'processes',
    needs: ['broker', 'bus'],
    async start({ broker, bus }) {
      if (!broker || !bus) throw new TypeError('Services of other processes are found after the bus.')
      const isWanted = [...allowed.values()].some((services) => services.size > 0)
      if (!isWanted) return { stop: async () => {} }
      if (!broker.enforcesIdentity) {
        log.warn('services of other processes are ignored: this broker is not known to check who writes what', {
          hint: 'see broker.enforcesIdentity',
        })
        return { stop: async () => {} }
      }
      const mayRun = (login: string, service: string) => allowed.get(login)?.has(service) === true
      const directory = await createBusDirectory({ bus, registry, events, clock, log, mayRun })
      onDirectory(directory)
      return {
        async stop() {
          onDirectory(undefined)
          await directory.stop()
        },
      }
    },
  }
}
