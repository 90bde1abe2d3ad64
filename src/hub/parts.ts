import { hostname } from 'node:os'
import { createMqttAdapter } from '../adapters/mqtt/adapter.ts'
import type { Config } from '../config.ts'
import type { RunningGateway } from '../gateway/gateway.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Events } from '../kernel/events.ts'
import type { Holder } from '../kernel/identity.ts'
import type { Part } from '../kernel/lifecycle.ts'
import type { RootLog } from '../kernel/log.ts'
import type { Hub, PartReport, Ports } from '../kernel/ports.ts'
import { clearDemoHome } from '../services/demo/ghosts.ts'

/** Ports that need no start: they are there as soon as they are made. */
export function readyParts(ports: Pick<Ports, 'hub' | 'identity' | 'ownerToken'>): Part[] {
  return Object.entries(ports).map(([name, value]) => readyPart(name, value))
}

export const readyPart = (name: string, value: Ports[keyof Ports]): Part => ({
  name,
  needs: [],
  start: async () => ({ value, stop: async () => {} }),
})

interface MqttPartOptions {
  readonly config: Config
  readonly hub: Hub
  readonly events: Events
  readonly clock: Clock
  readonly log: RootLog
  readonly holderOf: (login: string) => Holder | undefined
}

/** Every operation as request and response on the bus. */
export function mqttPart({ config, hub, events, clock, log, holderOf }: MqttPartOptions): Part {
  return {
    name: 'requests',
    needs: ['broker', 'bus'],
    async start({ broker, bus }) {
      if (!broker || !bus) throw new TypeError('Requests over MQTT start after the bus.')
      const { invoke, registry, version } = hub
      const { users } = config.broker
      const instance = instanceOf(config)
      const parts = { broker, bus, registry, invoke, events, log, clock, version, instance, users, holderOf }
      return await createMqttAdapter(parts)
    },
  }
}

/** Whether the demo home of another process may be at the broker: that is none that was left behind. */
export const isDemoElsewhere = ({ broker }: Config) => broker.users.some(({ services: own }) => own.includes('demo'))

/** A demo home whose hub was killed leaves retained topics behind; without the demo nobody else would clear them. */
export const cleanPart = (clock: Clock, log: RootLog): Part => ({
  name: 'cleaning',
  needs: ['broker', 'bus'],
  async start({ broker, bus }) {
    if (!broker || !bus) throw new TypeError('Cleaning starts after the bus.')
    let isDone = false
    // Not before there is a broker to look at, and once.
    const stop = bus.onConnect(() => {
      if (isDone) return
      isDone = true
      clearDemoHome({ bus, broker, clock, log }).catch((error: unknown) =>
        log.warn('what a demo home left could not be cleared', { error }),
      )
    })
    return { stop: async () => stop() }
  },
})

/** This hub's name among others at one broker: a topic level. Two on one machine differ in their port. */
export function instanceOf({ port }: Config): string {
  const name = hostname().replaceAll(/[^A-Za-z0-9_-]/g, '-')
  return port === 8765 ? name : `${name}-${port}`
}

/** The servers behind the hub stand beside its own parts wherever somebody asks how things are. */
export function serverParts(gateway: RunningGateway | undefined): PartReport[] {
  return (gateway?.servers() ?? []).map(({ id, needs, status, sinceMs, reason }) => ({
    name: id,
    needs,
    status,
    sinceMs,
    ...(reason !== undefined && { reason }),
  }))
}
