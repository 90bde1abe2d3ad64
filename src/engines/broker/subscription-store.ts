import type { DatabaseSync } from 'node:sqlite'
import { createFilterIndex } from './topic.ts'

/** A subscription with the options of MQTT 5.0, 3.8.3.1. */
export interface Subscription {
  topic: string
  qos: 0 | 1 | 2
  rh?: number
  rap?: boolean
  nl?: boolean
  subscriptionIdentifier?: number
}

/** A subscription of a session whose client may be away. */
export interface SessionSubscription extends Subscription {
  clientId: string
}

/** The subscriptions of sessions that outlive their connection: in memory for matching, in the file for the next run. */
export interface SubscriptionStore {
  add(client: string, subscriptions: readonly Subscription[]): void
  remove(client: string, filters: readonly string[]): void
  removeAll(client: string): void
  of(client: string): Subscription[]
  /** Subscriptions of QoS 1 and 2 that match the topic: those that messages are queued for. */
  match(topic: string): SessionSubscription[]
  /** Ids of clients that hold exactly this filter. */
  holders(filter: string): string[]
  count(): { subsCount: number; clientsCount: number }
}

export function openSubscriptionStore(db: DatabaseSync): SubscriptionStore {
  const upsert = db.prepare(`INSERT INTO subscription (client, filter, options) VALUES (?, ?, ?)
    ON CONFLICT (client, filter) DO UPDATE SET options = excluded.options`)
  const removeOne = db.prepare('DELETE FROM subscription WHERE client = ? AND filter = ?')
  const removeClient = db.prepare('DELETE FROM subscription WHERE client = ?')

  const byClient = new Map<string, Map<string, SessionSubscription>>()
  const index = createFilterIndex<SessionSubscription>()
  let queued = 0

  const forget = (client: string, filter: string) => {
    const known = byClient.get(client)?.get(filter)
    if (!known) return false
    byClient.get(client)?.delete(filter)
    if (byClient.get(client)?.size === 0) byClient.delete(client)
    if (known.qos > 0) {
      index.delete(filter, known)
      queued -= 1
    }
    return true
  }

  const remember = (subscription: SessionSubscription) => {
    const { clientId, topic, qos } = subscription
    const own = byClient.get(clientId) ?? new Map<string, SessionSubscription>()
    const before = own.get(topic)
    if (before && before.qos > 0) {
      index.delete(topic, before)
      queued -= 1
    }
    byClient.set(clientId, own.set(topic, subscription))
    if (qos > 0) {
      index.add(topic, subscription)
      queued += 1
    }
  }

  for (const { client, filter, options } of db.prepare('SELECT client, filter, options FROM subscription').all())
    remember({ clientId: client as string, topic: filter as string, ...(JSON.parse(options as string) as { qos: 0 }) })

  return {
    add(client, subscriptions) {
      for (const { topic, qos, rh, rap, nl, subscriptionIdentifier } of subscriptions) {
        const options = { qos, rh, rap, nl, ...(subscriptionIdentifier !== undefined && { subscriptionIdentifier }) }
        upsert.run(client, topic, JSON.stringify(options))
        remember({ clientId: client, topic, ...definedOnly(options) })
      }
    },
    remove(client, filters) {
      for (const filter of filters) if (forget(client, filter)) removeOne.run(client, filter)
    },
    removeAll(client) {
      const own = byClient.get(client)
      if (!own) return
      for (const filter of own.keys()) forget(client, filter)
      removeClient.run(client)
    },
    of: (client) => [...(byClient.get(client)?.values() ?? [])].map(({ clientId: _, ...subscription }) => subscription),
    match: (topic) =>
      [...index.match(topic)].map(({ subscriptionIdentifier: _, ...subscription }) => ({ ...subscription })),
    holders: (filter) => [...byClient].filter(([, own]) => own.has(filter)).map(([client]) => client),
    count: () => ({ subsCount: queued, clientsCount: byClient.size }),
  }
}

/** `exactOptionalPropertyTypes` and the file agree: an option that was not given is not there. */
function definedOnly<Options extends object>(
  options: Options,
): { [Key in keyof Options]: Exclude<Options[Key], undefined> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as never
}
