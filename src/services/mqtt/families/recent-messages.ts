import type { PlacedMessage } from './heard.ts'

/** The latest message of topics that nobody could read yet, or that only a declaration gives a meaning. */
export interface RecentMessages {
  keep(message: PlacedMessage): void
  forget(topic: string): void
  /** Those at the given topics and below the given ones. */
  find(topics: readonly string[], below: readonly string[]): PlacedMessage[]
  all(): Iterable<PlacedMessage>
}

export interface RecentLimits {
  readonly maxTopics: number
  /** Of a payload; longer ones are not kept. */
  readonly maxPayloadBytes: number
}

export function createRecentMessages({ maxTopics, maxPayloadBytes }: RecentLimits): RecentMessages {
  const messages = new Map<string, PlacedMessage>()
  return {
    keep(message) {
      const { topic, payload, retained, atMs, order } = message
      const known = messages.get(topic)
      if (known && known.order > order) return
      // To the end: what was heard of longest ago is the first to go.
      messages.delete(topic)
      if (payload.length === 0 || payload.length > maxPayloadBytes) return
      // A copy: a slice would keep the whole chunk that the socket delivered.
      messages.set(topic, { topic, payload: Buffer.from(payload), retained, atMs, order })
      if (messages.size <= maxTopics) return
      const [oldest] = messages.keys()
      if (oldest !== undefined) messages.delete(oldest)
    },
    forget: (topic) => void messages.delete(topic),
    find(topics, below) {
      const exact = topics.flatMap((topic) => messages.get(topic) ?? [])
      if (below.length === 0) return exact
      const under = below.map((topic) => `${topic}/`)
      return [...exact, ...[...messages.values()].filter(({ topic }) => under.some((path) => topic.startsWith(path)))]
    },
    all: () => messages.values(),
  }
}
