import type { IPublishPacket } from 'mqtt'
import type { Clock } from '../../kernel/clock.ts'
import type { Gathered, Sink } from './gather.ts'
import { payloadOf } from './message.ts'
import { previewPayload } from './payload.ts'

/** What is known of a topic. Times are wall-clock milliseconds. */
export interface TopicFacts {
  readonly topic: string
  readonly messages: number
  /** The latest payload on one line. */
  readonly preview: string
  /** Bytes of the latest payload. */
  readonly size: number
  /** Whether the broker keeps a message for it. */
  readonly retained: boolean
  readonly firstMs: number
  readonly lastMs: number
}

/** What every page of a list of topics says of the whole. */
export interface TopicListHead {
  readonly messages: number
  readonly ended: Gathered['ended']
  readonly elapsedMs: number
}

interface Entry {
  messages: number
  head: Buffer
  size: number
  retained: boolean
  readonly firstMs: number
  lastMs: number
}

export interface TopicIndex extends Sink {
  /** Messages of all topics. */
  messages(): number
  /** Every topic, sorted by name. */
  list(): TopicFacts[]
}

const PREVIEW_CHARACTERS = 120
/** UTF-8 takes at most four bytes a character. */
const HEAD_BYTES = PREVIEW_CHARACTERS * 4

/** Topic by topic, what came last. It is full when it knows `maxTopics`; those it knows stay up to date. */
export function createTopicIndex(maxTopics: number, clock: Clock): TopicIndex {
  const entries = new Map<string, Entry>()
  const full = Promise.withResolvers<void>()
  let messages = 0
  return {
    full: full.promise,
    messages: () => messages,
    accept(packet) {
      const known = entries.get(packet.topic)
      if (!known && entries.size >= maxTopics) return
      messages += 1
      const latest = latestOf(packet, clock.now())
      if (known) {
        Object.assign(known, latest, { retained: known.retained || packet.retain })
        known.messages += 1
        return
      }
      entries.set(packet.topic, { ...latest, messages: 1, firstMs: latest.lastMs, retained: packet.retain })
      if (entries.size >= maxTopics) full.resolve()
    },
    list: () => [...entries].sort(([a], [b]) => (a < b ? -1 : 1)).map(([topic, entry]) => factsOf(topic, entry)),
  }
}

function latestOf(packet: IPublishPacket, atMs: number): Pick<Entry, 'head' | 'size' | 'lastMs'> {
  const payload = payloadOf(packet)
  // A copy: a slice would keep the whole chunk that the socket delivered.
  return { head: Buffer.from(payload.subarray(0, HEAD_BYTES)), size: payload.length, lastMs: atMs }
}

function factsOf(topic: string, { head, size, messages, retained, firstMs, lastMs }: Entry): TopicFacts {
  return {
    topic,
    messages,
    preview: previewPayload(head, size, PREVIEW_CHARACTERS),
    size,
    retained,
    firstMs,
    lastMs,
  }
}
