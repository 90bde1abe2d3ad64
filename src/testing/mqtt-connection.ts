import type { IConnackPacket, IPublishPacket } from 'mqtt'
import type { Connection, ConnectionState, Publication, Wanted } from '../services/mqtt/connection.ts'
import { createEnding } from '../services/mqtt/ending.ts'

/** A connection without a broker: the test says what arrives and when it ends. */
export interface FakeConnection extends Connection {
  readonly subscribed: Set<Wanted>
  readonly published: Publication[]
  /** A message to whoever subscribed to its topic. */
  deliver(topic: string, payload: string, more?: Partial<IPublishPacket>): void
  lose(reason: string): void
  /** How many wait for its end. */
  listeners(): number
}

export interface FakeOptions {
  clientId?: string
  protocolVersion?: 4 | 5
  connack?: IConnackPacket['properties']
  /** Instead of the QoS that was wanted. */
  granted?: number
}

export function fakeConnection(options: FakeOptions = {}): FakeConnection {
  const ending = createEnding()
  const subscribed = new Set<Wanted>()
  const published: Publication[] = []
  let state: ConnectionState = { is: 'open' }
  const lose = (reason: string) => {
    if (state.is === 'closed') return
    state = { is: 'closed', reason }
    ending.end(reason)
  }
  return {
    clientId: options.clientId ?? 'fake',
    protocolVersion: options.protocolVersion ?? 5,
    connack: {
      cmd: 'connack',
      reasonCode: 0,
      sessionPresent: false,
      ...(options.connack && { properties: options.connack }),
    },
    tlsSocket: undefined,
    subscribed,
    published,
    state: () => state,
    closed: ending.closed,
    onClosed: (listener) => ending.onClosed(listener),
    listeners: () => ending.listeners(),
    async subscribe(wanted, qos) {
      for (const each of wanted) subscribed.add(each)
      return {
        granted: wanted.map(() => options.granted ?? qos),
        async end() {
          for (const each of wanted) subscribed.delete(each)
        },
      }
    },
    async publish(publication) {
      published.push(publication)
      return 0
    },
    ping: async () => 1,
    close: async () => lose('it was closed by the hub'),
    deliver(topic, payload, more = {}) {
      const packet: IPublishPacket = { ...publishPacket(topic, payload), ...more }
      for (const { matches, listener } of subscribed) if (matches(topic)) listener(packet)
    },
    lose,
  }
}

export const publishPacket = (topic: string, payload: string | Buffer): IPublishPacket => ({
  cmd: 'publish',
  topic,
  payload: Buffer.from(payload),
  qos: 0,
  dup: false,
  retain: false,
})
