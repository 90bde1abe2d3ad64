import { z } from 'zod'
import { operation } from '../../kernel/operation.ts'
import { BrokerLimits, brokerLimits, ProtocolName, protocolName, TlsFacts, tlsFacts } from './broker-facts.ts'
import { addressOf } from './connection-string.ts'
import type { Connection, Wanted } from './connection.ts'
import { ownTarget } from './dial.ts'
import { payloadOf } from './message.ts'
import { reasonText } from './reason-codes.ts'
import { isoTime, OVERHEAD_MS, SessionId, type Toolkit } from './toolkit.ts'

export const testConnection = operation<Toolkit>()({
  name: 'mqtt.test_connection',
  summary: 'Check an MQTT session: is the broker reachable, how fast, what does it allow.',
  description:
    'Publishes nothing. It connects again where the connection was lost, and fails with the reason if it cannot.',
  scope: 'mqtt:read',
  effect: 'read',
  openWorld: true,
  timeoutMs: OVERHEAD_MS,
  input: z.object({ session_id: SessionId }),
  output: z.object({
    reachable: z.literal(true),
    broker: z.string(),
    own_broker: z.boolean(),
    protocol_version: ProtocolName,
    round_trip_ms: z.object({ best: z.number(), worst: z.number() }).describe('Of three PINGREQs.'),
    limits: BrokerLimits.nullable(),
    subscription: z.object({
      granted_qos: z.number().nullable().describe('For a subscription with QoS 2; null: refused.'),
      refused: z.string().optional(),
    }),
    broker_version: z.string().nullable().describe('From $SYS, where it may be read.'),
    broker_uptime: z.string().nullable(),
    tls: TlsFacts.nullable(),
    expires_at: z.string(),
  }),
  async handler({ session_id }, { sessions, broker, caller, signal }) {
    const session = await sessions.find(caller, session_id)
    const facts = await session.links.subscribeAlone(signal, (connection) => probe(connection, signal))
    return {
      reachable: true as const,
      broker: session.address ?? addressOf(ownTarget(broker)),
      own_broker: session.address === undefined,
      ...facts,
      expires_at: isoTime(session.expiresMs),
    }
  },
})

async function probe(connection: Connection, signal: AbortSignal) {
  const found = new Map<string, string>()
  const sys = (name: string): Wanted => ({
    filter: `$SYS/broker/${name}`,
    matches: (topic) => topic === `$SYS/broker/${name}`,
    listener: (packet) => found.set(name, payloadOf(packet).toString().slice(0, 200)),
  })
  const own: Wanted = {
    filter: `alicia-probe/${crypto.randomUUID()}`,
    matches: () => false,
    listener: () => undefined,
  }
  const subscription = await connection.subscribe([own, sys('version'), sys('uptime')], 2, signal)
  try {
    const granted = subscription.granted[0] ?? 128
    // Answers come in order: what the broker keeps of $SYS is here before the last of these.
    const tripsMs = [await connection.ping(signal), await connection.ping(signal), await connection.ping(signal)]
    return {
      protocol_version: protocolName(connection),
      round_trip_ms: { best: rounded(Math.min(...tripsMs)), worst: rounded(Math.max(...tripsMs)) },
      limits: brokerLimits(connection) ?? null,
      subscription: granted < 128 ? { granted_qos: granted } : { granted_qos: null, refused: reasonText(granted) },
      broker_version: found.get('version') ?? null,
      broker_uptime: found.get('uptime') ?? null,
      tls: tlsFacts(connection) ?? null,
    }
  } finally {
    await subscription.end()
  }
}

export const ping = operation<Toolkit>()({
  name: 'mqtt.ping',
  summary: 'Check that the MQTT toolkit answers; with a session_id, measure the round trip to that broker.',
  scope: 'mqtt:read',
  effect: 'read',
  timeoutMs: OVERHEAD_MS,
  input: z.object({ session_id: SessionId.optional() }),
  output: z.object({
    pong: z.literal(true),
    time: z.string().describe('ISO 8601, by the hub’s clock.'),
    round_trip_ms: z.number().optional(),
  }),
  async handler({ session_id }, { sessions, clock, caller, signal }) {
    const pong = { pong: true as const, time: isoTime(clock.now()) }
    if (session_id === undefined) return pong
    const { links } = await sessions.find(caller, session_id)
    const tripMs = await links.use(signal, (connection) => connection.ping(signal))
    return { ...pong, round_trip_ms: rounded(tripMs) }
  },
})

const rounded = (ms: number) => Math.round(ms * 100) / 100
