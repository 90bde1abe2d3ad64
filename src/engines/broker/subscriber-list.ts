import type { BusMessage } from '../../kernel/ports.ts'
import { createFilterIndex } from './topic.ts'

/** MQTT 5.0, 3.8.2.1.2 */
const GREATEST_IDENTIFIER = 268_435_455

export type Listener = (message: BusMessage) => void

/** One listener of one filter. */
export interface Subscriber {
  readonly filter: string
  readonly qos: 0 | 1 | 2
  readonly listener: Listener
  /** The MQTT 5 subscription identifier it was last announced with (MQTT 5.0, 3.8.2.1.2). */
  identifier: number
}

/** A message with the identifiers of the subscriptions that the broker says it is for; empty below MQTT 5. */
export interface Arrival {
  readonly message: BusMessage
  readonly identifiers: readonly number[]
}

/**
 * Who of this process listens to what. One connection serves them all, so it is here that a message finds each of its
 * listeners, once.
 */
export interface SubscriberList {
  add(filter: string, qos: 0 | 1 | 2, listener: Listener): Subscriber
  /** Returns how many listeners its filter has left. */
  remove(subscriber: Subscriber): number
  /** Each filter with the highest QoS that is wanted of it, all under new identifiers: for a new connection. */
  renew(): { filter: string; qos: 0 | 1 | 2; identifier: number }[]
  /** The QoS to ask of the broker for this filter. */
  qosOf(filter: string): 0 | 1 | 2
  /** Calls the listeners that the arrival is for. */
  dispatch(arrival: Arrival): void
}

export interface SubscriberListOptions {
  /** Whether the broker may send a copy of a message for each subscription that matches (MQTT 5.0, 3.3.4). */
  readonly copies: boolean
  readonly report: (error: unknown) => void
}

export function createSubscriberList({ copies, report }: SubscriberListOptions): SubscriberList {
  const index = createFilterIndex<Subscriber>()
  const byFilter = new Map<string, Set<Subscriber>>()
  let lastIdentifier = 0
  /** The message before, with the identifiers it came under: a broker may send a copy for each subscription. */
  let before: { arrival: Arrival; seen: Set<number> } | undefined

  const nextIdentifier = () => {
    // With new identifiers the next message cannot be told from a copy of the last one.
    before = undefined
    lastIdentifier = (lastIdentifier % GREATEST_IDENTIFIER) + 1
    return lastIdentifier
  }

  const isCopy = (arrival: Arrival): boolean => {
    const [identifier] = arrival.identifiers
    if (identifier === undefined || arrival.identifiers.length > 1) {
      before = undefined
      return false
    }
    if (before && !before.seen.has(identifier) && same(before.arrival.message, arrival.message)) {
      before.seen.add(identifier)
      return true
    }
    before = { arrival, seen: new Set([identifier]) }
    return false
  }

  const recipients = ({ message, identifiers }: Arrival): Iterable<Subscriber> => {
    const matching = index.match(message.topic)
    // A retained message comes because of one subscription: whoever listened before has had it already.
    if (!message.retain || identifiers.length === 0) return matching
    return [...matching].filter(({ identifier }) => identifiers.includes(identifier))
  }

  return {
    add(filter, qos, listener) {
      const subscriber: Subscriber = { filter, qos, listener, identifier: nextIdentifier() }
      byFilter.set(filter, (byFilter.get(filter) ?? new Set()).add(subscriber))
      index.add(filter, subscriber)
      return subscriber
    },
    remove(subscriber) {
      const { filter } = subscriber
      index.delete(filter, subscriber)
      const left = byFilter.get(filter)
      left?.delete(subscriber)
      if (left?.size === 0) byFilter.delete(filter)
      return left?.size ?? 0
    },
    renew: () =>
      [...byFilter].map(([filter, subscribers]) => {
        const identifier = nextIdentifier()
        for (const subscriber of subscribers) subscriber.identifier = identifier
        return { filter, qos: highest(subscribers), identifier }
      }),
    qosOf: (filter) => highest(byFilter.get(filter) ?? []),
    dispatch(arrival) {
      if (copies && !arrival.message.retain && isCopy(arrival)) return
      for (const { listener } of recipients(arrival)) {
        try {
          listener(arrival.message)
        } catch (error) {
          report(error)
        }
      }
    },
  }
}

const highest = (subscribers: Iterable<Subscriber>): 0 | 1 | 2 =>
  Math.max(0, ...[...subscribers].map(({ qos }) => qos)) as 0 | 1 | 2

const same = (one: BusMessage, other: BusMessage): boolean =>
  one.topic === other.topic && one.qos === other.qos && one.payload.equals(other.payload)
