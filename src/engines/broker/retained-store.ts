import type { DatabaseSync } from 'node:sqlite'
import { decodeHead, encodeHead, payloadOf } from './packet.ts'
import { filterCovers } from '../../kernel/topic.ts'

export interface RetainedMessage {
  topic: string
  payload: Buffer | string
}

/** The latest retained message of each topic. */
export interface RetainedStore {
  /** An empty payload removes it (MQTT 5.0, 3.3.1.3). */
  put(message: RetainedMessage): void
  /** Messages of the topics that any of the filters matches, each once. */
  match(filters: readonly string[]): Generator<RetainedMessage>
}

export function openRetainedStore(db: DatabaseSync): RetainedStore {
  const upsert = db.prepare(`INSERT INTO retained (topic, head, payload) VALUES (?, ?, ?)
    ON CONFLICT (topic) DO UPDATE SET head = excluded.head, payload = excluded.payload`)
  const remove = db.prepare('DELETE FROM retained WHERE topic = ?')
  const read = db.prepare('SELECT head, payload FROM retained WHERE topic = ?')
  const topics = new Set(
    db
      .prepare('SELECT topic FROM retained')
      .all()
      .map(({ topic }) => topic as string),
  )

  /** The broker's own figures: worth nothing to the next run, and too many for the disk. */
  const figures = new Map<string, RetainedMessage>()

  const load = (topic: string): RetainedMessage | undefined => {
    const figure = figures.get(topic)
    if (figure) return figure
    const row = read.get(topic)
    if (!row) return undefined
    return { ...decodeHead(row.head as string), topic, payload: payloadOf(row.payload) }
  }

  const matching = (filters: readonly string[]): Iterable<string> => {
    if (filters.every((filter) => !/[+#]/.test(filter))) return new Set(filters)
    return [...topics, ...figures.keys()].filter((topic) => filters.some((filter) => filterCovers(filter, topic)))
  }

  return {
    put(message) {
      if (message.topic.startsWith('$SYS/')) return void figures.set(message.topic, message)
      if (message.payload.length === 0) {
        if (topics.delete(message.topic)) remove.run(message.topic)
        return
      }
      upsert.run(message.topic, encodeHead(message), message.payload)
      topics.add(message.topic)
    },
    *match(filters) {
      for (const topic of matching(filters)) {
        // It is read bit by bit: a subscriber of the last moment may outlive the database.
        if (!db.isOpen) return
        const message = load(topic)
        if (message) yield message
      }
    },
  }
}
