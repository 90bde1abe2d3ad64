import { Readable } from 'node:stream'
import { Fault } from '../../kernel/fault.ts'
import { createBacklog } from './backlog.ts'
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
  readonly connecting?: boolean
}

type Queued = { readonly clientId: string; readonly qos?: 0 | 1 | 2 }

export interface PersistenceOptions {
  /** Path of the SQLite file, or `:memory:`. */
  readonly file: string
  /** Messages kept for one absent client; more are dropped and counted. */
  readonly longestQueue: number
  /** And their bytes. Absent: any number. */
  readonly largestQueueBytes?: number
  /** Whether a client's account may read the topic: nothing else is kept for it. */
  readonly mayReceive?: (account: string, topic: string) => boolean
}

export type Persistence = ReturnType<typeof openPersistence>

/**
 * Retained messages, and the sessions that outlive their connection, in a SQLite file of the broker's own: the
 * asynchronous persistence interface of aedes. It works synchronously inside, so that a promise it returns is settled
 * when the call returns. Throws Fault `storage_failed` when the file cannot be used.
 */
export function openPersistence({
  file,
  longestQueue,
  largestQueueBytes = Number.POSITIVE_INFINITY,
  mayReceive = () => true,
}: PersistenceOptions) {
  const db = openSessionFile(file)
  const retained = openRetainedStore(db)
  const subscriptions = openSubscriptionStore(db)
  const outgoing = openOutgoingStore(db, { messages: longestQueue, bytes: largestQueueBytes })
  const backlog = createBacklog(outgoing)
  const incoming = openIncomingStore(db)
  const wills = openWillStore(db)
  const sessions = openSessionStore(db, Date.now())
  /** Messages stored before they were acknowledged, by their payload: the one object that the broker hands on. */
  const stored = new WeakMap<object, readonly number[]>()
  /** Rows of a message that is about to be delivered. */
  const rowsOf = new WeakMap<object, readonly number[]>()
  /** Subscriptions that were refused: aedes hands them over all the same, with the others of their packet. */
  const refused = new WeakSet<object>()
  let broker: { readonly id: string; counter: number } = { id: '', counter: 0 }

  const permitted = <To extends Queued>(to: readonly To[], topic: string): To[] =>
    to.filter(({ clientId }) => {
      const account = sessions.accountOf(clientId)
      return account === undefined || mayReceive(account, topic)
    })

  const publisherOf = (client: string | undefined) => (client === undefined ? '' : (sessions.accountOf(client) ?? ''))

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
    async setup(own: { readonly id: string; counter: number }): Promise<void> {
      broker = own
    },

    /**
     * Stores a message of QoS 1 before it is acknowledged: aedes sends the PUBACK first and hands the message to its
     * persistence afterwards, so a crash in between would lose what the publisher believes to be safe.
     */
    storeFirst(packet: Packet, publisher: string | undefined): void {
      if (packet.retain) retained.put({ ...packet }, publisherOf(publisher))
      // No-local (MQTT 5.0, 3.8.3.1): nobody is sent what they published.
      const others = subscriptions.match(packet.topic).filter(({ nl, clientId }) => !(nl && clientId === publisher))
      const rows = outgoing.enqueue(permitted(others, packet.topic), packet)
      if (typeof packet.payload === 'object') stored.set(packet.payload, rows)
    },

    /** Leaves this subscription out of the session, and one of the same filter that it had. */
    refuse(subscription: { readonly topic: string }, client: string): void {
      refused.add(subscription)
      subscriptions.remove(client, [subscription.topic])
    },

    /**
     * Numbers a message at the moment it goes out. aedes numbers it when it comes in, delivers to each client only
     * what has a higher number than the last, and lets messages overtake each other in between: one would be lost.
     */
    number(packet: Packet): void {
      broker.counter += 1
      packet.brokerCounter = broker.counter
      const rows = rowsOf.get(packet)
      if (rows) outgoing.number(rows, packet)
    },

    async storeRetained(packet: RetainedMessage): Promise<void> {
      if (typeof packet.payload === 'object' && stored.has(packet.payload)) return
      retained.put({ ...packet }, publisherOf(packet.clientId))
    },
    /** What an account keeps here, were this message its latest. */
    retainedWith: retained.usageWith,
    /** Messages of QoS 2 that the client has not released. */
    unreleased: (client: string) => incoming.count(client),
    /** Whether that one is among them: it came again. */
    isUnreleased: (client: string, messageId: number) => incoming.get(client, messageId) !== undefined,
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
      // Asked when a client comes back, before its subscriptions are live again.
      backlog.begin(client.id)
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
    /** Ends a session that is nobody's any more. */
    forget,
    /** Ends the sessions whose clients stayed away too long. */
    sweep(nowMs: number): void {
      for (const client of sessions.expired(nowMs)) forget(client)
    },

    async outgoingEnqueue(to: Queued, packet: Packet): Promise<void> {
      outgoing.enqueue([to], packet)
    },
    async outgoingEnqueueCombi(to: readonly Queued[], packet: Packet): Promise<void> {
      const early = typeof packet.payload === 'object' ? stored.get(packet.payload) : undefined
      rowsOf.set(packet, early ?? outgoing.enqueue(permitted(to, packet.topic), packet))
    },
    async outgoingUpdate(client: SessionClient, packet: Packet): Promise<void> {
      backlog.sent(client.id)
      if (!outgoing.update(client.id, packet))
        throw new Error(`no packet ${packet.messageId} is queued for ${client.id}`)
    },
    async outgoingClearMessageId(client: SessionClient, key: PacketKey): Promise<Packet | undefined> {
      // aedes asks to clear what it did not forward, also when that was a second delivery to overlapping filters: the
      // first one, whose identifier is not known here yet, needs the row.
      if (key.messageId === undefined) return undefined
      return outgoing.remove(client.id, key)
    },
    /** aedes reads it to send it while a client connects, and to clear it when a session ends. */
    outgoingStream: ({ id, connecting = false }: SessionClient): Readable =>
      Readable.from(connecting ? backlog.drain(id) : backlog.list(id)),
    isDraining: backlog.isDraining,

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
      const account = sessions.accountOf(client.id)
      if (account !== undefined) will.account = account
      wills.put(client.id, will)
    },
    async getWill(client: SessionClient): Promise<Will | undefined> {
      return wills.get(client.id)
    },
    async delWill(client: SessionClient): Promise<Will | undefined> {
      return wills.remove(client.id)
    },
    /** Wills of runs of the broker that are no more. aedes counts a run that is busy for long among them: not this one. */
    streamWill: (living?: Readonly<Record<string, unknown>>): Readable =>
      Readable.from(
        wills.list().filter(({ brokerId = '' }) => !living || (brokerId !== broker.id && !(brokerId in living))),
      ),

    /** Messages lost because the queue of an absent client was full. */
    dropped: () => outgoing.dropped,

    async destroy(): Promise<void> {
      if (!db.isOpen) throw new Fault('conflict', 'The persistence is closed already.')
      db.close()
    },
  }
}
