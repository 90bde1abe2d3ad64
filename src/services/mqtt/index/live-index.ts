import type { Clock } from '../../../kernel/clock.ts'
import type { Sink } from '../gather.ts'
import { payloadOf } from '../message.ts'
import { createHistory, type History } from './history.ts'
import type { TopicEntry } from './topic-entry.ts'
import { createTopicStore } from './topic-store.ts'

export interface LiveIndexOptions {
  readonly clock: Clock
  readonly maxTopics: number
  /** Of topics, payloads and what is kept about them together, about. */
  readonly maxBytes: number
}

/** Topic by topic what is known; it stays subscribed for as long as it is of use, and never grows beyond its limits. */
export interface LiveIndex extends Sink {
  readonly startedMs: number
  /** Topics it knows now. */
  size(): number
  /** Messages of all topics. */
  messages(): number
  /** Topics that had to make room. */
  evicted(): number
  /** About what it holds, bytes. */
  bytes(): number
  get(topic: string): TopicEntry | undefined
  entries(): Iterable<TopicEntry>
  ratePerMinute(entry: TopicEntry): number
  /** What was before: see `History`. */
  changesSince(sinceMs: number): ReturnType<History['since']>
  /** A question of what changed since this moment can be answered exactly. */
  mark(): number
}

/** Of each payload so much is kept: nearly all states of devices whole, lists of devices and pictures in part. */
const KEPT_PAYLOAD_BYTES = 2048

/** The rate is that of about the last five minutes. */
const RATE_WINDOW_MS = 300_000

/** A part of the memory is for what payloads were before. */
const HISTORY_SHARE = 0.25

export function createLiveIndex({ clock, maxTopics, maxBytes }: LiveIndexOptions): LiveIndex {
  const store = createTopicStore({ maxTopics, maxBytes: maxBytes * (1 - HISTORY_SHARE) })
  const history = createHistory({ clock, maxBytes: maxBytes * HISTORY_SHARE })
  const startedMs = clock.now()
  let messages = 0

  const weigh = (entry: TopicEntry, nowMs: number) =>
    entry.weight * Math.exp(-Math.max(nowMs - entry.lastMs, 0) / RATE_WINDOW_MS)

  return {
    startedMs,
    full: new Promise(() => undefined),
    accept(packet) {
      messages += 1
      const { topic, retain } = packet
      const payload = payloadOf(packet)
      const text = payload.toString('latin1', 0, KEPT_PAYLOAD_BYTES)
      const nowMs = clock.now()
      const known = store.find(topic)
      if (known === undefined) {
        store.add({
          topic,
          count: 1,
          payload: text,
          size: payload.length,
          retained: retain,
          cleared: false,
          firstMs: nowMs,
          lastMs: nowMs,
          weight: retain ? 0 : 1,
          recent: false,
          stretch: 0,
        })
        return
      }
      known.count += 1
      // Kept by the broker and as it was: the connection came back, the topic said nothing.
      const isEcho = retain && text === known.payload
      if (!isEcho) {
        history.note(known, text, nowMs)
        known.weight = weigh(known, nowMs) + (retain ? 0 : 1)
        known.lastMs = nowMs
        known.cleared = !retain && payload.length === 0
        store.replace(known, text, payload.length)
      }
      known.retained = retain || (known.retained && !known.cleared)
    },
    size: () => store.size(),
    messages: () => messages,
    evicted: () => store.evicted(),
    bytes: () => store.bytes() + history.bytes(),
    get: (topic) => store.find(topic),
    entries: () => store.entries(),
    ratePerMinute(entry) {
      const nowMs = clock.now()
      // An index that has just begun has not seen a whole window.
      const seen = 1 - Math.exp(-Math.max(nowMs - startedMs, 1000) / RATE_WINDOW_MS)
      return (weigh(entry, nowMs) / seen) * (60_000 / RATE_WINDOW_MS)
    },
    changesSince: (sinceMs) => history.since(sinceMs),
    mark: () => history.cut(clock.now()),
  }
}
