import type { TopicEntry } from './topic-entry.ts'

/** The topics of an index, within its limits. */
export interface TopicStore {
  find(topic: string): TopicEntry | undefined
  add(entry: TopicEntry): void
  /** A newer payload of a topic that is here. */
  replace(entry: TopicEntry, payload: string, size: number): void
  entries(): Iterable<TopicEntry>
  size(): number
  bytes(): number
  evicted(): number
}

/** About what a topic costs beside its name and payload, bytes. */
const ENTRY_BYTES = 260

/**
 * What goes first when there is no more room: topics that spoke once and are not retained (ids of requests, random
 * names), the oldest first; then those that were not heard for longest, about (CLOCK: an entry heard since the last
 * visit gets another turn). So a flood of new topics cannot push out the home's own.
 */
export function createTopicStore({ maxTopics, maxBytes }: { maxTopics: number; maxBytes: number }): TopicStore {
  const once = new Map<string, TopicEntry>()
  const known = new Map<string, TopicEntry>()
  // Iterators of a Map go on over what is deleted and added meanwhile; one for each turn would skip the holes anew.
  // None before there is something to evict: they would keep every table alive that the Map has outgrown.
  let nextOnce: Iterator<TopicEntry, undefined> | undefined
  let nextKnown: Iterator<TopicEntry, undefined> | undefined
  let bytes = 0
  let evicted = 0

  const costOf = ({ topic, payload }: TopicEntry) => topic.length + payload.length + ENTRY_BYTES

  const oldestOnce = (): TopicEntry | undefined => {
    while (once.size > 0) {
      nextOnce ??= once.values()
      const { value } = nextOnce.next()
      if (value !== undefined) return value
      nextOnce = undefined
    }
    return undefined
  }

  const stalest = (): TopicEntry | undefined => {
    while (known.size > 0) {
      nextKnown ??= known.values()
      const { value } = nextKnown.next()
      if (value === undefined) nextKnown = undefined
      else if (!value.recent) return value
      else {
        value.recent = false
        known.delete(value.topic)
        known.set(value.topic, value)
      }
    }
    return undefined
  }

  const makeRoom = () => {
    while (once.size + known.size > maxTopics || (bytes > maxBytes && once.size + known.size > 1)) {
      const entry = oldestOnce() ?? stalest()
      if (entry === undefined) return
      once.delete(entry.topic)
      known.delete(entry.topic)
      bytes -= costOf(entry)
      evicted += 1
    }
  }

  return {
    find: (topic) => known.get(topic) ?? once.get(topic),
    add(entry) {
      const home = entry.retained ? known : once
      home.set(entry.topic, entry)
      bytes += costOf(entry)
      makeRoom()
    },
    replace(entry, payload, size) {
      bytes += payload.length - entry.payload.length
      entry.payload = payload
      entry.size = size
      if (entry.recent) return makeRoom()
      entry.recent = true
      if (once.delete(entry.topic)) known.set(entry.topic, entry)
      makeRoom()
    },
    *entries() {
      yield* known.values()
      yield* once.values()
    },
    size: () => once.size + known.size,
    bytes: () => bytes,
    evicted: () => evicted,
  }
}
