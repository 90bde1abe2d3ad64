import { Readable } from 'node:stream'
import { Fault } from '../../kernel/fault.ts'
import { openIncomingStore } from './incoming-store.ts'
import { openOutgoingStore, type PacketKey } from './outgoing-store.ts'
import type { Packet } from './packet.ts'
import { openRetainedStore, type RetainedMessage } from './retained-store.ts'
import { openSessionFile } from './session-file.ts'
import { openSessionStore } from './session-store.ts'
import { openSubscriptionStore, type SessionSubscription, type Subscription } from './subscription-store.ts'
import { openWillStore, type Will } from './will-store.ts'

/** What the persistence needs to know of a client. */
export interface SessionClient {
  readonly id: string
  /** The session ends with the connection: nothing of it belongs on the disk. */
  readonly clean?: boolean
}

type Queued = { readonly clientId: string; readonly qos?: 0 | 1 | 2 }

export interface PersistenceOptions {
  /** Path of the SQLite file, or `:memory:`. */
  readonly file: string
  /** Messages kept for one absent client; more are dropped and counted. */
  readonly longestQueue: number
}

export type Persistence = ReturnType<typeof openPersistence>

/**
 * Retained messages, and the sessions that outlive their connection, in a SQLite file of the broker's own: the
 * asynchronous persistence interface of aedes. It works synchronously inside, so that a promise it returns is settled
 * when the call returns. Throws Fault `storage_failed` when the file cannot be used.
 */
export function openPersistence({ file, longestQueue }: PersistenceOptions) {
  const db = openSessionFile(file)
  const retained = openRetainedStore(db)
  const subscriptions = openSubscriptionStore(db)
  const outgoing = openOutgoingStore(db, longestQueue)
  const incoming = openIncomingStore(db)
  const wills = openWillStore(db)
  const sessions = openSessionStore(db, Date.now())
  /** Deliveries put off: their messages stay queued for the client's next connection. */
  const putOff = new WeakSet<object>()
  /** Messages stored before they were acknowledged, by their payload: the one object that the broker hands on. */
  const stored = new WeakMap<object, readonly number[]>()
  /** Subscriptions that were refused: aedes hands them over all the same, with the others of their packet. */
  const refused = new WeakSet<object>()
  let broker: { readonly id: string } = { id: '' }

  const forget = (client: string) => {
    subscriptions.removeAll(client)
    outgoing.removeAll(client)
    incoming.removeAll(client)
    sessions.remove(client)
  }

  return {
    get broker() {
      return broker
    },
    async setup(own: { readonly id: string }): Promise<void> {
      broker = own
    },

    /**
     * Stores a message of QoS 1 before it is acknowledged: aedes sends the PUBACK first and hands the message to its
     * persistence afterwards, so a crash in between would lose what the publisher believes to be safe.
     */
    storeFirst(packet: Packet): void {
      if (packet.retain) retained.put({ ...packet })
      const rows = outgoing.enqueue(subscriptions.match(packet.topic), packet)
      if (typeof packet.payload === 'object') stored.set(packet.payload, rows)
    },

    /** Leaves this subscription out of the session. */
    refuse(subscription: object): void {
      refused.add(subscription)
    },

    async storeRetained(packet: RetainedMessage): Promise<void> {
      if (typeof packet.payload === 'object' && stored.has(packet.payload)) return
      retained.put({ ...packet })
    },
    createRetainedStream: (filter: string): Readable => Readable.from(retained.match([filter])),
    createRetainedStreamCombi: (filters: readonly string[]): Readable => Readable.from(retained.match(filters)),

    async addSubscriptions(client: SessionClient, added: readonly Subscription[]): Promise<void> {
      subscriptions.add(
        client.id,
        added.filter((subscription) => !refused.has(subscription)),
      )
    },
    async removeSubscriptions(client: SessionClient, filters: readonly string[]): Promise<void> {
      subscriptions.remove(client.id, filters)
    },
    async subscriptionsByClient(client: SessionClient): Promise<Subscription[]> {
      return subscriptions.of(client.id)
    },
    async subscriptionsByTopic(topic: string): Promise<SessionSubscription[]> {
      return subscriptions.match(topic)
    },
    async countOffline(): Promise<{ subsCount: number; clientsCount: number }> {
      return subscriptions.count()
    },
    getClientList: (filter: string): Readable => Readable.from(subscriptions.holders(filter)),
    /** The end of a session: a clean start, or its expiry (MQTT 5.0, 3.1.2.4). */
    async cleanSubscriptions({ id }: SessionClient): Promise<void> {
      forget(id)
    },
    sessions,
    /** Ends the sessions whose clients stayed away too long. */
    sweep(nowMs: number): void {
      for (const client of sessions.expired(nowMs)) forget(client)
    },

    async outgoingEnqueue(to: Queued, packet: Packet): Promise<void> {
      outgoing.enqueue([to], packet)
    },
    async outgoingEnqueueCombi(to: readonly Queued[], packet: Packet): Promise<void> {
      const rows = typeof packet.payload === 'object' ? stored.get(packet.payload) : undefined
      if (rows) outgoing.number(rows, packet)
      else outgoing.enqueue(to, packet)
    },
    async outgoingUpdate(client: SessionClient, packet: Packet): Promise<void> {
      if (!outgoing.update(client.id, packet))
        throw new Error(`no packet ${packet.messageId} is queued for ${client.id}`)
    },
    /** Keeps a message that cannot be delivered now: aedes takes what was not forwarded for refused. */
    putOff(packet: object): void {
      putOff.add(packet)
    },
    async outgoingClearMessageId(client: SessionClient, key: PacketKey): Promise<Packet | undefined> {
      if (putOff.delete(key)) return undefined
      return outgoing.remove(client.id, key)
    },
    outgoingStream: (client: SessionClient): Readable => Readable.from(outgoing.list(client.id)),

    async incomingStorePacket(client: SessionClient, packet: Packet): Promise<void> {
      incoming.put(client, packet)
    },
    async incomingGetPacket(client: SessionClient, { messageId }: PacketKey): Promise<Packet> {
      const packet = incoming.get(client.id, messageId ?? 0)
      if (!packet) throw new Error('no such packet')
      return packet
    },
    async incomingDelPacket(client: SessionClient, { messageId }: PacketKey): Promise<void> {
      if (!incoming.remove(client.id, messageId ?? 0)) throw new Error('no such packet')
    },

    async putWill(client: SessionClient, will: Will): Promise<void> {
      will.brokerId = broker.id
      will.clientId = client.id
      wills.put(client.id, will)
    },
    async getWill(client: SessionClient): Promise<Will | undefined> {
      return wills.get(client.id)
    },
    async delWill(client: SessionClient): Promise<Will | undefined> {
      return wills.remove(client.id)
    },
    /** Wills of runs of the broker that are no more. */
    streamWill: (living: Readonly<Record<string, unknown>> = {}): Readable =>
      Readable.from([...wills.list()].filter(({ brokerId = '' }) => living[brokerId] === undefined)),

    /** Messages lost because the queue of an absent client was full. */
    dropped: () => outgoing.dropped,

    async destroy(): Promise<void> {
      if (!db.isOpen) throw new Fault('conflict', 'The persistence is closed already.')
      db.close()
    },
  }
}
