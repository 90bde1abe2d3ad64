import type { IPublishPacket } from 'mqtt'
import type { Clock } from '../../../kernel/clock.ts'
import type { Decoder } from '../decode/decode.ts'
import type { Sink } from '../gather.ts'
import { payloadOf } from '../message.ts'
import { createSchema, type SchemaStatistics } from './statistics.ts'

/** What one topic carried. */
export interface SurveyedTopic {
  readonly topic: string
  readonly schema: SchemaStatistics
  retained: number
  /** Bytes of payloads. */
  smallest: number
  largest: number
  /** The latest payload; its beginning only, and its whole size. */
  latest: Buffer
  latestSize: number
}

/** Takes messages in as they come and looks at them afterwards, topic by topic. */
export interface Survey extends Sink {
  /** How many the broker delivered. */
  received(): number
  /** How many came faster, on more topics or with more members than can be looked at. */
  skipped(): number
  /** Looks at up to so many of those that wait, fewer if they are large; says how many still do. */
  work(most: number): number
  topics(): readonly SurveyedTopic[]
}

export interface SurveyLimits {
  readonly maxMessages: number
  /** Of payloads and topics that wait to be looked at. */
  readonly maxBytes: number
}

const MOST_TOPICS = 5000
/** Of all topics together: about 60 MB. */
const MOST_PATHS = 150_000
const LATEST_BYTES = 1024
/** What is hard to read takes about 100 ms for each MiB: others must have their turn. */
const BYTES_AT_ONCE = 2 * 1024 * 1024

const bytesOf = (packet: IPublishPacket) => payloadOf(packet).length + packet.topic.length

export function createSurvey(decoder: Decoder, { maxMessages, maxBytes }: SurveyLimits, clock: Clock): Survey {
  const topics = new Map<string, SurveyedTopic>()
  const full = Promise.withResolvers<void>()
  const waiting: { packet: IPublishPacket; atMs: number }[] = []
  let waitingBytes = 0
  let received = 0
  let skipped = 0
  let paths = 0

  const look = ({ packet, atMs }: { packet: IPublishPacket; atMs: number }) => {
    const known = topics.get(packet.topic)
    if (paths >= MOST_PATHS || (!known && topics.size >= MOST_TOPICS)) {
      skipped += 1
      return
    }
    const entry = known ?? createEntry(packet.topic)
    if (!known) topics.set(packet.topic, entry)
    const payload = payloadOf(packet)
    const before = known?.schema.tree.paths ?? 0
    entry.schema.add(decoder.decode(packet.topic, payload), atMs)
    paths += entry.schema.tree.paths - before
    keepFacts(entry, payload, packet.retain)
  }

  return {
    full: full.promise,
    received: () => received,
    skipped: () => skipped,
    topics: () => [...topics.values()].sort((a, b) => (a.topic < b.topic ? -1 : 1)),
    accept(packet) {
      if (received >= maxMessages) return
      received += 1
      const bytes = bytesOf(packet)
      // One is kept whatever its size: nothing at all would help nobody.
      if (waiting.length > 0 && waitingBytes + bytes > maxBytes) skipped += 1
      else {
        waiting.push({ packet, atMs: clock.now() })
        waitingBytes += bytes
      }
      if (received >= maxMessages) full.resolve()
    },
    work(most) {
      let done = 0
      for (let bytes = 0; done < Math.min(most, waiting.length) && bytes < BYTES_AT_ONCE; done++) {
        const message = waiting[done]
        if (!message) break
        bytes += bytesOf(message.packet)
        look(message)
      }
      for (const { packet } of waiting.splice(0, done)) waitingBytes -= bytesOf(packet)
      return waiting.length
    },
  }
}

const createEntry = (topic: string): SurveyedTopic => ({
  topic,
  schema: createSchema(),
  retained: 0,
  smallest: Infinity,
  largest: 0,
  latest: Buffer.alloc(0),
  latestSize: 0,
})

function keepFacts(entry: SurveyedTopic, payload: Buffer, retained: boolean): void {
  if (retained) entry.retained += 1
  entry.smallest = Math.min(entry.smallest, payload.length)
  entry.largest = Math.max(entry.largest, payload.length)
  // A copy: a slice would keep the whole chunk that the socket delivered.
  entry.latestSize = payload.length
  entry.latest = Buffer.from(payload.subarray(0, LATEST_BYTES))
}
