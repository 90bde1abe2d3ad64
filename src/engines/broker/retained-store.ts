import type { DatabaseSync } from 'node:sqlite'
import { decodeHead, encodeHead, payloadOf } from './packet.ts'
import { filterCovers } from '../../kernel/topic.ts'

export interface RetainedMessage {
  topic: string
  payload: Buffer | string
  /** The client that published it. */
  clientId?: string
}

/** Messages and bytes of topics and payloads. */
export interface RetainedUsage {
  readonly count: number
  readonly bytes: number
}

/** The latest retained message of each topic, and whose it is: that of who published it. */
export interface RetainedStore {
  /** An empty payload removes it (MQTT 5.0, 3.3.1.3). */
  put(message: RetainedMessage, account?: string): void
  /** What an account has there, were this message its latest. */
  usageWith(message: RetainedMessage, account: string): RetainedUsage
  /** Messages of the topics that any of the filters matches, each once. */
  match(filters: readonly string[]): Generator<RetainedMessage>
}

export function openRetainedStore(db: DatabaseSync): RetainedStore {
  const upsert = db.prepare(`INSERT INTO retained (topic, head, payload, account) VALUES (?, ?, ?, ?)
    ON CONFLICT (topic) DO UPDATE SET head = excluded.head, payload = excluded.payload, account = excluded.account`)
  const remove = db.prepare('DELETE FROM retained WHERE topic = ?')
  const read = db.prepare('SELECT head, payload FROM retained WHERE topic = ?')
  const topics = new Map<string, { readonly account: string; readonly bytes: number }>()
  const usage = new Map<string, { count: number; bytes: number }>()

  const forget = (topic: string): boolean => {
    const before = topics.get(topic)
    if (!before) return false
    topics.delete(topic)
    const own = usage.get(before.account)
    if (!own) return true
    own.count -= 1
    own.bytes -= before.bytes
    if (own.count === 0) usage.delete(before.account)
    return true
  }

  const note = (topic: string, account: string, bytes: number) => {
    forget(topic)
    topics.set(topic, { account, bytes })
    const own = usage.get(account) ?? { count: 0, bytes: 0 }
    own.count += 1
    own.bytes += bytes
    usage.set(account, own)
  }

  for (const row of db.prepare('SELECT topic, account, length(CAST(payload AS BLOB)) AS bytes FROM retained').all())
    note(row.topic as string, row.account as string, (row.bytes as number) + Buffer.byteLength(row.topic as string))

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
    return [...topics.keys(), ...figures.keys()].filter((topic) =>
      filters.some((filter) => filterCovers(filter, topic)),
    )
  }

  return {
    put(message, account = '') {
      const { topic, payload } = message
      if (topic.startsWith('$SYS/')) return void figures.set(topic, message)
      if (payload.length === 0) {
        if (forget(topic)) remove.run(topic)
        return
      }
      upsert.run(topic, encodeHead(message), payload, account)
      note(topic, account, bytesOf(message))
    },
    usageWith(message, account) {
      const own = usage.get(account) ?? { count: 0, bytes: 0 }
      const before = topics.get(message.topic)
      const isOwn = before?.account === account
      return {
        count: own.count + (isOwn ? 0 : 1),
        bytes: own.bytes + bytesOf(message) - (isOwn ? before.bytes : 0),
      }
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

const bytesOf = ({ topic, payload }: RetainedMessage) => Buffer.byteLength(topic) + Buffer.byteLength(payload)
