import type { Clock } from '../../kernel/clock.ts'
import type { Events } from '../../kernel/events.ts'
import type { Log } from '../../kernel/log.ts'
import type { Bus, BusMessage } from '../../kernel/ports.ts'
import type { Provider, Registry } from '../../kernel/registry.ts'
import type { Status, StatusReport } from '../../kernel/status.ts'
import { metaOf } from './meta.ts'
import { isTopicLevel, metaTopic, serviceOf, statusFilter, statusTopic } from './topics.ts'

/** The will that the hub's own connection leaves with its broker. */
export interface PresenceWill {
  readonly topic: string
  readonly payload: string
  readonly qos: 1
  readonly retain: true
  /** A hub that is back sooner was never away, as far as others can see. */
  readonly delaySeconds: number
}

/** The hub's own name among its services. */
const HUB = 'hub'

/** What the broker says of the hub when it is gone without a word. Its services are as gone as it is. */
export const presenceWill = (instance: string): PresenceWill => ({
  topic: statusTopic(HUB, instance),
  payload: JSON.stringify({ status: 'offline' }),
  qos: 1,
  retain: true,
  delaySeconds: 5,
})

/** Schemas cost a millisecond each: they are made a while after the start, and once for several changes. */
const META_DELAY_MS = 100

export interface PresenceOptions {
  bus: Bus
  registry: Registry
  events: Events
  log: Log
  clock: Clock
  version: string
  /** This hub, among others at the same broker: one topic level. */
  instance: string
}

export interface Presence {
  /** Says that the hub and its services are gone, and speaks no more. */
  stop(): Promise<void>
}

const WORDS: Readonly<Record<Status, string>> = {
  available: 'online',
  degraded: 'degraded',
  unavailable: 'offline',
  unknown: 'unknown',
}

/** Keeps retained statuses and descriptions of the hub and its services true until stopped. */
export async function startPresence(options: PresenceOptions): Promise<Presence> {
  const { bus, registry, events, log, clock, version, instance } = options
  const boot = crypto.randomUUID()
  const startedMs = clock.now()
  /** What is retained of whom, as far as this connection knows. */
  const metas = new Map<string, string>()
  let cancelMetas = () => {}
  let stopped = false

  const retain = (topic: string, payload: string) =>
    bus
      .publish(topic, payload, { qos: 1, retain: true })
      .catch((error: unknown) => log.debug('presence was not published', { topic, error }))

  const publishStatus = (service: string, status: string, report: Omit<StatusReport, 'status'>) => {
    const since = new Date(report.sinceMs).toISOString()
    const payload = { status, boot, since, ...(report.reason !== undefined && { reason: report.reason }) }
    return retain(statusTopic(service, instance), JSON.stringify(payload))
  }

  const publishHub = () => publishStatus(HUB, 'online', { sinceMs: startedMs })

  const publishProvider = (provider: Provider) => {
    const report = provider.report()
    return publishStatus(provider.id, WORDS[report.status], report)
  }

  const known = () => [...registry.providers()].filter(({ id }) => isTopicLevel(id) && id !== HUB)

  const find = (id: string) => known().find((provider) => provider.id === id)

  /** A retained status of what is no more would be believed for ever. */
  const bury = (service: string) => {
    metas.delete(service)
    void retain(statusTopic(service, instance), '')
    void retain(metaTopic(service, instance), '')
  }

  const publishMetas = () => {
    for (const provider of known()) {
      const meta = metaOf(provider, version)
      if (metas.get(provider.id) === meta) continue
      metas.set(provider.id, meta)
      void retain(metaTopic(provider.id, instance), meta)
    }
  }

  const publishMetasSoon = () => {
    cancelMetas()
    cancelMetas = clock.after(META_DELAY_MS, publishMetas)
  }

  const publishAll = () => {
    // The broker may have lost what it retained.
    metas.clear()
    void publishHub()
    for (const provider of known()) void publishProvider(provider)
    publishMetasSoon()
  }

  const onTools = (id: string) => {
    const provider = find(id)
    if (provider) void publishProvider(provider)
    else if (isTopicLevel(id) && id !== HUB) bury(id)
    publishMetasSoon()
  }

  /** Statuses an earlier run left behind, and a will that came late: neither is true. */
  const onStatus = ({ topic, payload }: BusMessage) => {
    const service = serviceOf(topic, instance)
    if (service === undefined || payload.length === 0) return
    if (service !== HUB) {
      if (!find(service)) bury(service)
    } else if (isOffline(payload)) void publishHub()
  }

  const endConnect = bus.onConnect(publishAll)
  const endTools = events.on('tools.changed', ({ provider }) => onTools(provider))
  const endStatus = events.on('status.changed', ({ name }) => {
    const provider = find(name)
    if (provider) void publishProvider(provider)
  })
  const endOwn = await bus.subscribe(statusFilter(instance), 1, (message) => {
    if (!stopped) onStatus(message)
  })

  return {
    async stop() {
      stopped = true
      for (const end of [endConnect, endTools, endStatus]) end()
      cancelMetas()
      const gone = { sinceMs: clock.now(), reason: 'the hub was stopped' }
      const services = [HUB, ...known().map(({ id }) => id)]
      await Promise.all(services.map((service) => publishStatus(service, 'offline', gone)))
      await endOwn().catch((error: unknown) => log.debug('a subscription was not ended', { error }))
    },
  }
}

/** Of the hub itself: what its will says, whoever sent it. */
function isOffline(payload: Buffer): boolean {
  try {
    return (JSON.parse(payload.toString()) as { status?: unknown } | null)?.status === 'offline'
  } catch {
    return false
  }
}
