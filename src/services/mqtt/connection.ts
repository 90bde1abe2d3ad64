import type { TLSSocket } from 'node:tls'
import type { IConnackPacket, IPublishPacket } from 'mqtt'
import type { Target } from './connection-string.ts'

export type Qos = 0 | 1 | 2

/** PEM texts, and whether the broker's certificate is checked. */
export interface TlsMaterial {
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
  readonly rejectUnauthorized: boolean
}

/** Everything one attempt to connect needs. */
export interface Endpoint {
  readonly target: Target
  readonly clientId: string
  /** 4 is MQTT 3.1.1. */
  readonly protocolVersion: 4 | 5
  readonly keepAliveSeconds: number
  readonly tls: TlsMaterial
}

/** A subscription that is wanted, and who hears what it brings. The listener must only take the packet. */
export interface Wanted {
  readonly filter: string
  readonly listener: (packet: IPublishPacket) => void
  readonly matches: (topic: string) => boolean
}

/** What became of each wanted filter: the QoS that was granted, or the broker's reason code from 128 on. */
export interface Subscription {
  readonly granted: readonly number[]
  /** Ends it. Closes the whole connection where the broker does not confirm: nothing must go on flowing. */
  end(): Promise<void>
}

export interface Publication {
  readonly topic: string
  readonly payload: Buffer
  readonly qos: Qos
  readonly retain: boolean
  readonly properties?: NonNullable<IPublishPacket['properties']>
  /** Whoever asked for it knows that it cannot be undone. Not sent. */
  readonly confirmed?: boolean
}

export type ConnectionState = { readonly is: 'open' } | { readonly is: 'closed'; readonly reason: string }

/** One connection to one broker, from its CONNACK to its end. It never reconnects: who needs it again opens another. */
export interface Connection {
  readonly clientId: string
  readonly protocolVersion: 4 | 5
  readonly connack: IConnackPacket
  /** The TLS socket beneath; undefined without TLS. */
  readonly tlsSocket: TLSSocket | undefined
  state(): ConnectionState
  /** Resolves, with the reason, when the connection has ended. Whoever may stop waiting before takes `onClosed`. */
  readonly closed: Promise<string>
  /** Runs the listener, with the reason, when the connection has ended; returns what takes it back. */
  onClosed(listener: (reason: string) => void): () => void
  subscribe(wanted: readonly Wanted[], qos: Qos, signal: AbortSignal): Promise<Subscription>
  /** Resolves with the reason code the broker confirmed with; at QoS 0 with 0 as soon as it is written. */
  publish(publication: Publication, signal: AbortSignal): Promise<number>
  /** Round trip of a PINGREQ, milliseconds. */
  ping(signal: AbortSignal): Promise<number>
  close(): Promise<void>
}
