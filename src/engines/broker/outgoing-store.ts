import type { DatabaseSync } from 'node:sqlite'
import { decodeHead, encodeHead, payloadOf, type Packet } from './packet.ts'

/** How a packet is found again: by its number in this run of the broker, or by its packet identifier. */
export type PacketKey = Partial<Pick<Packet, 'brokerId' | 'brokerCounter' | 'messageId'>>

/** Messages of QoS 1 and 2 on their way to sessions that outlive their connection. */
export interface OutgoingStore {
  /** Returns the row ids, or none for clients whose queue is full. */
  enqueue(clients: readonly { clientId: string; qos?: 0 | 1 | 2 }[], packet: Packet): number[]
  /** Gives queued rows the identity under which the broker is about to deliver them. */
  number(rows: readonly number[], packet: Packet): void
  /** Notes the packet identifier of a delivery, or that it has come to its PUBREL. False: no such packet. */
  update(client: string, packet: Packet): boolean
  /** Takes a packet out: it was acknowledged, or must not be delivered. */
  remove(client: string, key: PacketKey): Packet | undefined
  removeAll(client: string): void
  /** What waits behind the row `after`, oldest first. */
  page(client: string, after: number, size: number): { id: number; packet: Packet }[]
  /** Messages that found a queue full. */
  readonly dropped: number
}

/** Stands for the broker's id in a row that a run stored and was killed before it numbered; the row id is its number. */
const UNNUMBERED = 'unnumbered'

/** What is kept for one client. */
export interface QueueBound {
  readonly messages: number
  readonly bytes: number
}

export function openOutgoingStore(db: DatabaseSync, most: QueueBound): OutgoingStore {
  const insert = db.prepare(
    'INSERT INTO outgoing (client, broker, number, message_id, head, payload) VALUES (?, ?, ?, ?, ?, ?)',
  )
  const setNumber = db.prepare('UPDATE outgoing SET broker = ?, number = ? WHERE id = ?')
  const setMessageId = db.prepare('UPDATE outgoing SET message_id = ? WHERE client = ? AND broker = ? AND number = ?')
  const setMessageIdOfRow = db.prepare('UPDATE outgoing SET message_id = ? WHERE client = ? AND id = ?')
  const release = db.prepare(
    'UPDATE outgoing SET broker = NULL, number = NULL, head = ?, payload = NULL WHERE client = ? AND message_id = ?',
  )
  const byMessageId = db.prepare('SELECT * FROM outgoing WHERE client = ? AND message_id = ? ORDER BY id LIMIT 1')
  const byNumber = db.prepare('SELECT * FROM outgoing WHERE client = ? AND broker = ? AND number = ?')
  const removeRow = db.prepare('DELETE FROM outgoing WHERE id = ?')
  const removeClient = db.prepare('DELETE FROM outgoing WHERE client = ?')
  const page = db.prepare('SELECT * FROM outgoing WHERE client = ? AND id > ? ORDER BY id LIMIT ?')

  /** Queues, so that a client without one never costs a look at the file. */
  const queues = new Map<string, { length: number; bytes: number }>()
  const sizes = db.prepare(
    'SELECT client, count(*) AS length, total(length(CAST(payload AS BLOB))) AS bytes FROM outgoing GROUP BY client',
  )
  for (const { client, length, bytes } of sizes.all())
    queues.set(client as string, { length: length as number, bytes: bytes as number })
  let dropped = 0

  const add = (client: string, packet: Packet, qos: 0 | 1 | 2): number[] => {
    const queue = queues.get(client) ?? { length: 0, bytes: 0 }
    const bytes = Buffer.byteLength(packet.payload)
    if (queue.length >= most.messages || queue.bytes + bytes > most.bytes) {
      dropped += 1
      return []
    }
    const { cmd, topic, retain, dup, properties, messageExpiry } = packet
    const head = encodeHead({ cmd, topic, qos, retain, dup, properties, messageExpiry })
    const row = insert.run(client, packet.brokerId ?? null, packet.brokerCounter ?? null, null, head, packet.payload)
    queue.length += 1
    queue.bytes += bytes
    queues.set(client, queue)
    return [Number(row.lastInsertRowid)]
  }

  const find = (client: string, key: PacketKey) => {
    if (key.messageId !== undefined) return byMessageId.get(client, key.messageId)
    if (key.brokerId === undefined || key.brokerCounter === undefined) return undefined
    return byNumber.get(client, key.brokerId, key.brokerCounter)
  }

  return {
    enqueue(clients, packet) {
      // Overlapping filters of one client are one delivery, of the highest QoS granted (MQTT 5.0, 3.3.4).
      const qosOf = new Map<string, 0 | 1 | 2>()
      for (const { clientId, qos = packet.qos } of clients)
        qosOf.set(clientId, Math.max(qosOf.get(clientId) ?? 0, Math.min(qos, packet.qos)) as 0 | 1 | 2)
      return [...qosOf].flatMap(([client, qos]) => add(client, packet, qos))
    },
    number(rows, { brokerId, brokerCounter }) {
      for (const row of rows) setNumber.run(brokerId, brokerCounter, row)
    },
    update(client, packet) {
      const queue = queues.get(client)
      if (!queue) return false
      const messageId = packet.messageId ?? null
      if (packet.brokerId === UNNUMBERED)
        return setMessageIdOfRow.run(messageId, client, packet.brokerCounter).changes > 0
      if (packet.cmd !== 'pubrel')
        return setMessageId.run(messageId, client, packet.brokerId, packet.brokerCounter).changes > 0
      const before = byMessageId.get(client, messageId)
      queue.bytes -= before ? payloadBytes(before) : 0
      return release.run(encodeHead({ cmd: packet.cmd }), client, messageId).changes > 0
    },
    remove(client, key) {
      const queue = queues.get(client)
      const row = queue && find(client, key)
      if (!row) return undefined
      removeRow.run(row.id as number)
      queue.length -= 1
      queue.bytes -= payloadBytes(row)
      if (queue.length === 0) queues.delete(client)
      return packetOf(row)
    },
    removeAll(client) {
      if (queues.delete(client)) removeClient.run(client)
    },
    page: (client, after, size) =>
      queues.has(client)
        ? page.all(client, after, size).map((row) => ({ id: row.id as number, packet: packetOf(row) }))
        : [],
    get dropped() {
      return dropped
    },
  }
}

function payloadBytes({ payload }: Record<string, unknown>): number {
  if (payload === null) return 0
  return typeof payload === 'string' ? Buffer.byteLength(payload) : (payload as Uint8Array).byteLength
}

function packetOf(row: Record<string, unknown>): Packet {
  const head = decodeHead(row.head as string) as unknown as Packet
  const messageId = (row.message_id as number | null) ?? undefined
  if (head.cmd === 'pubrel') return { cmd: 'pubrel', messageId } as Packet
  return {
    ...head,
    // A message made inside the process may come without the flag.
    dup: head.dup ?? false,
    payload: payloadOf(row.payload),
    brokerId: (row.broker as string | null) ?? UNNUMBERED,
    brokerCounter: (row.number ?? row.id) as number,
    messageId,
  }
}
