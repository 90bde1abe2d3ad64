import { z } from 'zod'
import { operation } from '../../kernel/operation.ts'
import type { Broker } from '../../kernel/ports.ts'
import { BrokerLimits, brokerLimits, ProtocolName, protocolName } from './broker-facts.ts'
import { addressOf, parseConnectionString } from './connection-string.ts'
import { ownTarget, type ConnectionSpec } from './dial.ts'
import { Access, rulesOf, RulesInput, RulesShown, shownRules } from './guard/session-rules.ts'
import type { LinkState } from './links.ts'
import { tlsMaterial } from './tls-material.ts'
import { isoTime, SessionId, type Toolkit } from './toolkit.ts'
import { touchesNothing } from './touches.ts'

const EstablishInput = z.object({
  connection_string: z
    .string()
    .optional()
    .describe(
      'mqtt://[user:password@]host:port[/client_id]; also mqtts://, and ws:// or wss:// with the WebSocket path after ' +
        'the port. Percent-encode / @ : in user and password. Left out: the hub’s own broker, which needs no password.',
    ),
  name: z.string().min(1).max(100).optional().describe('A name to recognise the session by.'),
  protocol_version: z
    .enum(['auto', '5', '3.1.1'])
    .default('auto')
    .describe('MQTT version; auto (default) tries 5 and falls back to 3.1.1.'),
  client_id: z.string().min(1).max(200).optional().describe('MQTT client id; default: a random one.'),
  ca: z
    .string()
    .optional()
    .describe('PEM text of the CA that signed the broker’s certificate; default: the well-known CAs.'),
  client_cert: z.string().optional().describe('PEM text of a client certificate; with client_key.'),
  client_key: z.string().optional().describe('PEM text of its private key.'),
  reject_unauthorized: z
    .boolean()
    .default(true)
    .describe('Default true. False accepts any TLS certificate: whoever is in between can read and change everything.'),
  keep_alive: z
    .int()
    .min(5)
    .max(65_535)
    .default(60)
    .describe('Seconds between signs of life (5 to 65535, default 60).'),
  connect_timeout: z
    .number()
    .min(1)
    .max(29)
    .default(10)
    .describe('Seconds to wait for the broker (1 to 29, default 10).'),
  index: z
    .boolean()
    .default(true)
    .describe('Listen to all topics from now on: list_topics and what_changed answer from it at once.'),
  ...RulesInput,
})

type EstablishInput = z.output<typeof EstablishInput>

export const establishConnection = operation<Toolkit>()({
  name: 'mqtt.establish_connection',
  summary: 'Connect to an MQTT broker and get the session_id that the other MQTT operations take.',
  description:
    'Without arguments it connects to the hub’s own broker. Credentials are stored encrypted. The session lasts until ' +
    '1 hour after its last use, also over a restart of the hub, and connects again by itself.',
  scope: 'mqtt:connect',
  effect: 'write',
  openWorld: true,
  timeoutMs: ({ connect_timeout }) => connect_timeout * 1000 + 5000,
  // The own broker's rules and the bounds of each call hold there; at another address nobody could tell what is whose. Nor is a
  // client id of one's own choice: whoever has it already would be cut off.
  touches: ({ connection_string, client_id }) =>
    connection_string === undefined && client_id === undefined ? touchesNothing() : undefined,
  input: EstablishInput,
  output: z.object({
    session_id: z.string(),
    name: z.string().optional(),
    broker: z.string().describe('Address, without credentials.'),
    own_broker: z.boolean().describe('It is the hub’s own.'),
    access: Access,
    client_id: z.string(),
    protocol_version: ProtocolName,
    limits: BrokerLimits.nullable(),
    connected_in_ms: z.number(),
    expires_at: z.string().describe('ISO 8601; every use moves it.'),
  }),
  async handler(input, { sessions, watches, broker, clock, caller, signal }) {
    const spec = specOf(input, broker)
    const startMs = clock.monotonic()
    const { session, connection } = await sessions.establish(caller, { spec, name: input.name }, signal)
    if (spec.isIndexed) watches.of(session)
    return {
      session_id: session.id,
      ...(session.name !== undefined && { name: session.name }),
      broker: session.address ?? addressOf(ownTarget(broker)),
      own_broker: session.address === undefined,
      access: session.guard.rules.access,
      client_id: connection.connack.properties?.assignedClientIdentifier ?? connection.clientId,
      protocol_version: protocolName(connection),
      limits: brokerLimits(connection) ?? null,
      connected_in_ms: Math.round(clock.monotonic() - startMs),
      expires_at: isoTime(session.expiresMs),
    }
  },
})

function specOf(input: EstablishInput, own: Broker): ConnectionSpec {
  const target = input.connection_string === undefined ? undefined : parseConnectionString(input.connection_string)
  return {
    broker: target ?? 'own',
    protocol: input.protocol_version,
    // At most 23 letters and digits: what a 3.1.1 broker must take (§3.1.3.1), with room for a number behind it.
    clientId: input.client_id ?? target?.clientId ?? `alicia${crypto.randomUUID().replaceAll('-', '').slice(0, 14)}`,
    keepAliveSeconds: input.keep_alive,
    connectTimeoutMs: input.connect_timeout * 1000,
    tls: tlsMaterial(input, (target ?? ownTarget(own)).protocol),
    isIndexed: input.index,
    rules: rulesOf(input),
  }
}

export const listActiveConnections = operation<Toolkit>()({
  name: 'mqtt.list_active_connections',
  summary: 'List your MQTT sessions.',
  description: 'Only sessions of the same caller are shown. A disconnected session connects again on its next use.',
  scope: 'mqtt:read',
  effect: 'read',
  touches: touchesNothing,
  input: z.object({}),
  output: z.object({
    connections: z.array(
      z.object({
        session_id: z.string(),
        name: z.string().optional(),
        broker: z.string(),
        own_broker: z.boolean(),
        state: z
          .enum(['connected', 'connecting', 'idle', 'lost'])
          .describe('idle: closed while unused; lost: see reason.'),
        reason: z.string().optional(),
        rules: RulesShown.optional(),
        created_at: z.string(),
        last_used_at: z.string().describe('To the minute.'),
        expires_at: z.string(),
      }),
    ),
  }),
  async handler(_, { sessions, broker, caller }) {
    const own = addressOf(ownTarget(broker))
    const list = await sessions.list(caller)
    const connections = list.map((session) => ({
      session_id: session.id,
      name: session.name,
      broker: session.address ?? own,
      own_broker: session.address === undefined,
      state: session.state.is,
      reason: reasonOf(session.state),
      rules: session.rules && shownRules(session.rules),
      created_at: isoTime(session.createdMs),
      last_used_at: isoTime(session.usedMs),
      expires_at: isoTime(session.expiresMs),
    }))
    return { connections }
  },
})

const reasonOf = (state: LinkState) => (state.is === 'lost' ? state.reason : undefined)

export const closeConnection = operation<Toolkit>()({
  name: 'mqtt.close_connection',
  summary: 'End an MQTT session: disconnect from the broker and forget its credentials.',
  description: 'A collection that still runs returns what it has.',
  scope: 'mqtt:connect',
  effect: 'write',
  touches: touchesNothing,
  input: z.object({ session_id: SessionId }),
  output: z.object({ session_id: z.string(), closed: z.literal(true) }),
  async handler({ session_id }, { sessions, caller }) {
    await sessions.close(caller, session_id)
    return { session_id, closed: true as const }
  },
})
