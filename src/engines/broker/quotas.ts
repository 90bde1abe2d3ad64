import type { Limit } from '../../kernel/refusals.ts'

/** What one user of the broker, one client or one address can make it hold and do. The hub itself has no such bounds. */
export interface BrokerQuotas {
  /** Open connections, by TCP and by WebSocket each. */
  readonly connections: number
  /** Of one address (IPv6: one /64); loopback excepted. */
  readonly connectionsPerAddress: number
  /** Of one address, before they have said who they are: the one that waits longest makes room. */
  readonly unknownPerAddress: number
  /** Within so long a client has to say who it is. */
  readonly connectSeconds: number
  readonly connectionsPerUser: number
  /** Sessions of one user that outlive their connection. */
  readonly sessionsPerUser: number
  readonly subscriptionsPerClient: number
  readonly retainedPerUser: number
  readonly retainedMegabytesPerUser: number
  /** Messages of QoS 2 that a client has not released; MQTT 5 clients are told. */
  readonly inflightPerClient: number
  /** Messages kept for one absent client. */
  readonly queuedPerClient: number
  readonly queuedMegabytesPerClient: number
  readonly messageMegabytes: number
  /** Of one user: whoever sends faster for long is read more slowly; nothing is lost. */
  readonly messagesPerSecond: number
}

export const DEFAULT_QUOTAS: BrokerQuotas = {
  connections: 1000,
  connectionsPerAddress: 200,
  unknownPerAddress: 50,
  connectSeconds: 10,
  connectionsPerUser: 500,
  sessionsPerUser: 500,
  subscriptionsPerClient: 5000,
  retainedPerUser: 20_000,
  retainedMegabytesPerUser: 64,
  inflightPerClient: 1000,
  queuedPerClient: 10_000,
  queuedMegabytesPerClient: 64,
  messageMegabytes: 10,
  messagesPerSecond: 10_000,
}

/** What somebody ran into, as the metric `alicia_refused_total` and the log have it. */
export type BrokerLimit = Extract<Limit, `mqtt_${string}`>

/** Told of each refusal; whoever listens sees to it that a flood does not fill the log. */
export type NoteLimit = (limit: BrokerLimit, whose?: string) => void
