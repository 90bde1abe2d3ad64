import type { DatabaseSync } from 'node:sqlite'
import { decodeHead, encodeHead, payloadOf, type Packet } from './packet.ts'

/** Messages of QoS 2 that were taken in and not yet released, so that a repeated one is not published twice. */
export interface IncomingStore {
  put(client: { readonly id: string; readonly clean?: boolean }, packet: Packet): void
  get(client: string, messageId: number): Packet | undefined
  remove(client: string, messageId: number): boolean
  /** How many of the client's are not released yet. */
  count(client: string): number
  removeAll(client: string): void
}

export function openIncomingStore(db: DatabaseSync): IncomingStore {
  const upsert = db.prepare('INSERT OR REPLACE INTO incoming (client, message_id, head, payload) VALUES (?, ?, ?, ?)')
  const removeOne = db.prepare('DELETE FROM incoming WHERE client = ? AND message_id = ?')
  const removeClient = db.prepare('DELETE FROM incoming WHERE client = ?')

  const packets = new Map<string, Map<number, Packet>>()
  const remember = (client: string, messageId: number, packet: Packet) => {
    const own = packets.get(client) ?? new Map<number, Packet>()
    packets.set(client, own.set(messageId, packet))
  }
  /** Clients with rows in the file; the others cost no look at it. */
  const onDisk = new Set<string>()
  for (const row of db.prepare('SELECT client, message_id, head, payload FROM incoming').all()) {
    const packet = { ...decodeHead(row.head as string), payload: payloadOf(row.payload) } as unknown as Packet
    remember(row.client as string, row.message_id as number, packet)
    onDisk.add(row.client as string)
  }

  return {
    put(client, packet) {
      const messageId = packet.messageId ?? 0
      const { cmd, topic, payload, qos, retain, dup, properties } = packet
      const own = { cmd, topic, payload, qos, retain, dup, messageId, ...(properties && { properties }) } as Packet
      remember(client.id, messageId, own)
      if (client.clean) return
      upsert.run(client.id, messageId, encodeHead(own), payload)
      onDisk.add(client.id)
    },
    get: (client, messageId) => packets.get(client)?.get(messageId),
    remove(client, messageId) {
      const own = packets.get(client)
      if (!own?.delete(messageId)) return false
      if (own.size === 0) packets.delete(client)
      if (onDisk.has(client)) removeOne.run(client, messageId)
      return true
    },
    count: (client) => packets.get(client)?.size ?? 0,
    removeAll(client) {
      packets.delete(client)
      if (onDisk.delete(client)) removeClient.run(client)
    },
  }
}
