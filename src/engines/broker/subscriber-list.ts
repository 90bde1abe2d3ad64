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
  /** The MQTT 5 subscription identifier it was last announced with. */
  identifier: number
}

/** A message with what the broker says of the subscriptions it is for. */
export interface Arrival {
  readonly message: BusMessage
  /** Subscription identifiers (MQTT 5.0, 3.3.2.3.8); empty below MQTT 5. */
  readonly identifiers: readonly number[]
  /**
   * Whether every subscription that matches has its identifier here or on a copy of its own, as MQTT 5.0, 3.3.4 wants.
   * aedes sends one copy with one identifier.
   */
  readonly complete: boolean
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
  /** Calls the listeners that the arrival is for; `report` is told of one that throws. */
  dispatch(arrival: Arrival): void
}

export function createSubscriberList(report: (error: unknown) => void): SubscriberList {
  const index = createFilterIndex<Subscriber>()
  const byFilter = new Map<string, Set<Subscriber>>()
  /** Also identifiers that a later listener of the same filter has replaced: messages may still be under way. */
  const filterOf = new Map<number, string>()
  let lastIdentifier = 0

  const nextIdentifier = (filter: string) => {
    lastIdentifier = (lastIdentifier % GREATEST_IDENTIFIER) + 1
    filterOf.set(lastIdentifier, filter)
    return lastIdentifier
  }

  const recipients = ({ message, identifiers, complete }: Arrival): Iterable<Subscriber> => {
    if (identifiers.length === 0) return index.match(message.topic)
    // A retained message comes because of one subscription: whoever listened before has had it already.
    if (message.retain)
      return [...index.match(message.topic)].filter(({ identifier }) => identifiers.includes(identifier))
    if (!complete) return index.match(message.topic)
    return new Set(identifiers.flatMap((identifier) => [...(byFilter.get(filterOf.get(identifier) ?? '') ?? [])]))
  }

  return {
    add(filter, qos, listener) {
      const subscriber: Subscriber = { filter, qos, listener, identifier: nextIdentifier(filter) }
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
    renew() {
      filterOf.clear()
      return [...byFilter].map(([filter, subscribers]) => {
        const identifier = nextIdentifier(filter)
        for (const subscriber of subscribers) subscriber.identifier = identifier
        return { filter, qos: highest(subscribers), identifier }
      })
    },
    qosOf: (filter) => highest(byFilter.get(filter) ?? []),
    dispatch(arrival) {
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
