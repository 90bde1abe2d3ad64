import type { Clock } from '../../kernel/clock.ts'
import type { Events } from '../../kernel/events.ts'
import { Fault } from '../../kernel/fault.ts'
import type { Log } from '../../kernel/log.ts'
import type { Bus, BusMessage } from '../../kernel/ports.ts'
import type { Registry } from '../../kernel/registry.ts'
import type { GroupStatus } from '../../kernel/resilience/group-status.ts'
import type { PartReport } from '../../kernel/status.ts'
import { BusService } from './bus-service.ts'
import { refusal } from './claims.ts'
import { readDescription } from './description.ts'
import { Instance } from './instance.ts'
import { readAnswer } from './messages.ts'
import { readStatus } from './status.ts'
import {
  answerFilter,
  META_FILTER,
  metaTopic,
  placeName,
  STATUS_FILTER,
  statusTopic,
  writerOf,
  type Place,
} from './topics.ts'

export interface BusDirectoryOptions {
  readonly bus: Bus
  readonly registry: Registry
  readonly events: Events
  readonly clock: Clock
  readonly log: Log
  /** Whether that login may run that service: who has the configuration says so, not who connects. */
  mayRun(login: string, service: string): boolean
}

export interface BusDirectory {
  /** The services of other processes, as parts of the hub. */
  reports(): readonly PartReport[]
  /** How calls are spread over the processes of each service. */
  groups(): readonly GroupStatus[]
  stop(): Promise<void>
}

const LOOK_EVERY_MS = 2000

/** A process that is away for so long is not missed any more: what the broker keeps of it is cleared. */
const FORGOTTEN_AFTER_MS = 24 * 3_600_000
/** The same where others have taken over all that it did. */
const REPLACED_AFTER_MS = 600_000

/** More processes than a home has; each costs memory. */
const MOST_INSTANCES = 200

/**
 * Finds the services that other processes run at the hub's broker, and offers them as the hub's own. Presence is health:
 * who is gone is unavailable until it is back.
 */
export async function createBusDirectory(options: BusDirectoryOptions): Promise<BusDirectory> {
  const { bus, registry, events, clock, log, mayRun } = options
  const hub = crypto.randomUUID()
  const instances = new Map<string, Instance>()
  const services = new Map<string, BusService>()
  /** What was refused, so that each thing is said once. */
  const refused = new Map<string, string>()

  const instanceAt = (place: Place): Instance => {
    const known = instances.get(placeName(place))
    if (known) return known
    if (instances.size >= MOST_INSTANCES)
      throw new Fault('too_large', `${MOST_INSTANCES} processes run services already; ${placeName(place)} is ignored.`)
    const instance = new Instance(place, { bus, clock, hub })
    instances.set(instance.name, instance)
    return instance
  }

  const running = (service: string) => [...instances.values()].filter(({ descriptions }) => descriptions.has(service))

  const refresh = (name: string) => {
    const own = running(name)
    const service = services.get(name) ?? new BusService(name, clock)
    if (own.length === 0) return forget(name)
    const isNew = !services.has(name)
    services.set(name, service)
    if (service.update(own) || isNew) registry.add(service.provider())
    const { status, reason } = service.provider().report()
    if (service.lastStatus === status) return
    service.lastStatus = status
    log.info(`${name} on the bus is ${status}`, { ...(reason !== undefined && { reason }) })
    events.emit('status.changed', { name, status, ...(reason !== undefined && { reason }) })
  }

  const forget = (name: string) => {
    const isOurs = [...registry.providers()].some(({ id, kind }) => id === name && kind === 'bus')
    if (services.delete(name) && isOurs) registry.remove(name)
  }

  const refreshAll = ({ descriptions }: Instance) => {
    for (const service of descriptions.keys()) refresh(service)
  }

  const onStatus = (place: Place, { payload, retain }: BusMessage) => {
    if (payload.length === 0) return
    const status = readStatus(payload)
    if (!status) throw new Fault('invalid_request', 'its status cannot be read')
    const instance = instanceAt(place)
    instance.tell(status, !retain)
    refreshAll(instance)
  }

  const onMeta = (place: Place, service: string, { payload }: BusMessage) => {
    if (payload.length === 0) return drop(place, service)
    if (!mayRun(place.login, service))
      throw new Fault('forbidden', `the login ${place.login} may not run it (broker.users, services)`)
    const description = readDescription(service, payload)
    const problem = refusal(description, registry.providers())
    if (problem !== undefined) throw new Fault('conflict', problem)
    refused.delete(`${placeName(place)} ${service}`)
    instanceAt(place).descriptions.set(service, description)
    refresh(service)
  }

  const drop = (place: Place, service: string) => {
    if (instances.get(placeName(place))?.descriptions.delete(service)) refresh(service)
  }

  const onAnswer = (place: Place, { payload, retain }: BusMessage) => {
    const instance = instances.get(placeName(place))
    if (!instance || retain) return
    const answer = readAnswer(payload)
    if (!answer) return
    if (instance.hear(answer.boot)) refreshAll(instance)
    if (answer.is !== 'here' && instance.link?.boot === answer.boot) instance.link.receive(answer)
  }

  /** Whatever comes from outside: it is refused with a word in the log, once. */
  const guarded =
    (take: (place: Place, last: string, message: BusMessage) => void, what: string) => (message: BusMessage) => {
      const writer = writerOf(message.topic)
      if (!writer) return
      const { place, last } = writer
      try {
        take(place, last, message)
      } catch (error) {
        if (what === 'service') drop(place, last)
        const reason = error instanceof Error ? error.message : String(error)
        const key = `${placeName(place)} ${last}`
        if (refused.get(key) === reason) return
        if (refused.size < MOST_INSTANCES) refused.set(key, reason)
        log.warn(`a ${what} on the bus was refused`, {
          from: placeName(place),
          ...(what === 'service' && { service: last }),
          reason,
        })
      }
    }

  const bury = ({ name, place, descriptions }: Instance) => {
    instances.delete(name)
    for (const service of descriptions.keys()) {
      void bus.publish(metaTopic(place, service), '', { qos: 1, retain: true }).catch(() => undefined)
      refresh(service)
    }
    void bus.publish(statusTopic(place), '', { qos: 1, retain: true }).catch(() => undefined)
  }

  const isReplaced = ({ descriptions }: Instance) =>
    [...descriptions.keys()].every((service) => running(service).some(({ is }) => is === 'here'))

  const look = () => {
    // While the hub itself is cut off, the silence of others says nothing.
    if (bus.report().status === 'available')
      for (const instance of instances.values()) {
        const { awaySinceMs } = instance
        const awayMs = awaySinceMs === undefined ? 0 : clock.now() - awaySinceMs
        if (awayMs > FORGOTTEN_AFTER_MS || (awayMs > REPLACED_AFTER_MS && isReplaced(instance))) bury(instance)
        else if (instance.look()) refreshAll(instance)
      }
    cancelLook = clock.after(LOOK_EVERY_MS, look)
  }

  const onConnect = () => {
    for (const instance of instances.values()) instance.reconnected()
  }

  // Answers first: who is found is spoken to at once.
  const ends = [
    await bus.subscribe(
      answerFilter(hub),
      0,
      guarded((place, _, message) => onAnswer(place, message), 'answer'),
    ),
    await bus.subscribe(
      STATUS_FILTER,
      1,
      guarded((place, _, message) => onStatus(place, message), 'process'),
    ),
    await bus.subscribe(META_FILTER, 1, guarded(onMeta, 'service')),
  ]
  const endConnect = bus.onConnect(onConnect)
  let cancelLook = clock.after(LOOK_EVERY_MS, look)

  return {
    reports: () =>
      [...services.values()].map((service) => ({ name: service.name, needs: ['bus'], ...service.provider().report() })),
    groups: () => [...services.values()].map((service) => service.status()),
    async stop() {
      cancelLook()
      endConnect()
      for (const instance of instances.values()) instance.end('the hub is shutting down')
      await Promise.all(ends.map((end) => end().catch((error: unknown) => log.debug('still subscribed', { error }))))
      for (const name of services.keys()) forget(name)
    },
  }
}
