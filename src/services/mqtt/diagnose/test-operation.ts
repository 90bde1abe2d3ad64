import { z } from 'zod'
import type { Clock } from '../../../kernel/clock.ts'
import { Fault } from '../../../kernel/fault.ts'
import { operation } from '../../../kernel/operation.ts'
import { BrokerLimits, brokerLimits, ProtocolName, protocolName, TlsFacts, tlsFacts } from '../broker-facts.ts'
import { addressOf, parseConnectionString } from '../connection-string.ts'
import type { Connection, Wanted } from '../connection.ts'
import { ownTarget } from '../dial.ts'
import { reasonText } from '../reason-codes.ts'
import { isoTime, OVERHEAD_MS, SessionId, type Toolkit } from '../toolkit.ts'
import { BrokerCounters, createBrokerHealth, ownDropped, type BrokerHealth } from './broker-health.ts'
import { CertificateChain } from './certificate-chain.ts'
import { Check, rounded, Verdict, verdictOf } from './check.ts'
import { featureChecks } from './features.ts'
import { probeTopic, requireWriting } from './probe-topic.ts'
import { reach, type Reach } from './reach.ts'

export const testConnection = operation<Toolkit>()({
  name: 'mqtt.test_connection',
  summary: 'Check an MQTT session step by step: is the broker reachable, how fast, what works there, how is it.',
  description:
    'Each check is pass, warn, fail or skip with words: name, TCP, TLS and its certificates, MQTT, login, ' +
    'subscriptions, retained messages, round trips, the broker’s own counters. It publishes nothing unless probe is ' +
    'true. It connects again where the connection was lost; if it cannot, it fails with the step that failed.',
  scope: 'mqtt:read',
  effect: 'read',
  openWorld: true,
  timeoutMs: OVERHEAD_MS,
  input: z.object({
    session_id: SessionId,
    probe: z
      .boolean()
      .default(false)
      .describe('Also publish to alicia-probe/…, to see messages come through; removed again. Needs mqtt:write.'),
  }),
  output: z.object({
    reachable: z.literal(true),
    verdict: Verdict,
    checks: z.array(Check).describe('In the order they were made.'),
    broker: z.string(),
    own_broker: z.boolean(),
    protocol_version: ProtocolName,
    round_trip_ms: z
      .object({ best: z.number(), p50: z.number(), p90: z.number(), worst: z.number(), samples: z.number() })
      .describe('Of PINGREQs, one after the other.'),
    limits: BrokerLimits.nullable(),
    subscription: z.object({
      granted_qos: z.number().nullable().describe('For a subscription with QoS 2; null: refused.'),
      refused: z.string().optional(),
    }),
    broker_version: z.string().nullable().describe('From $SYS, where it may be read.'),
    broker_uptime: z.string().nullable(),
    broker_counters: BrokerCounters,
    tls: TlsFacts.nullable(),
    tls_chain: CertificateChain.nullable(),
    expires_at: z.string(),
  }),
  async handler({ session_id, probe }, { sessions, broker, clock, caller, signal }) {
    if (probe) requireWriting(caller)
    const session = await sessions.find(caller, session_id)
    const target = session.address === undefined ? ownTarget(broker) : parseConnectionString(session.address)
    const reached = await reach(target, { clock, signal })
    const health = createBrokerHealth(session.address === undefined ? await ownDropped(broker) : undefined)
    const startMs = clock.monotonic()
    const isOpen = session.links.state().is === 'connected'
    const { checks, ...facts } = await session.links
      .subscribeAlone(signal, async (connection) => {
        const ms = rounded(clock.monotonic() - startMs)
        const examined = await examine(connection, { health, publishes: probe, clock, signal })
        return { ...examined, checks: [mqttCheck(connection, { isOpen, ms }), loginCheck(), ...examined.checks] }
      })
      .catch((error: unknown) => {
        throw withSteps(error, reached)
      })
    const all = [...reached.checks, ...checks]
    return {
      reachable: true as const,
      verdict: verdictOf(all),
      checks: all,
      broker: addressOf(target),
      own_broker: session.address === undefined,
      ...facts,
      tls_chain: reached.chain,
      expires_at: isoTime(session.expiresMs),
    }
  },
})

/** Round trips to measure: enough for a p90, few enough to be no load. */
const TRIPS = 20
/** From here on an assistant’s user notices. */
const SLOW_MS = 500

interface Examination {
  readonly health: BrokerHealth
  readonly publishes: boolean
  readonly clock: Clock
  readonly signal: AbortSignal
}

async function examine(connection: Connection, { health, publishes, clock, signal }: Examination) {
  const own: Wanted = { filter: probeTopic(), matches: () => false, listener: () => undefined }
  const subscription = await connection.subscribe([own, ...health.wanted], 2, signal)
  try {
    const granted = subscription.granted[0] ?? 128
    // Answers come in order: what the broker keeps of $SYS is here before the last of these.
    const trips = await roundTrips(connection, signal)
    const features = await featureChecks({ connection, publishes, clock, signal })
    return {
      protocol_version: protocolName(connection),
      round_trip_ms: trips,
      limits: brokerLimits(connection) ?? null,
      subscription: granted < 128 ? { granted_qos: granted } : { granted_qos: null, refused: reasonText(granted) },
      broker_version: health.version(),
      broker_uptime: health.uptime(),
      broker_counters: health.counters(),
      tls: tlsFacts(connection) ?? null,
      checks: [...trustChecks(connection), subscribeCheck(granted), ...features, tripCheck(trips), ...health.checks()],
    }
  } finally {
    await subscription.end()
  }
}

async function roundTrips(connection: Connection, signal: AbortSignal) {
  const tripsMs: number[] = []
  while (tripsMs.length < TRIPS) tripsMs.push(await connection.ping(signal))
  tripsMs.sort((a, b) => a - b)
  const at = (q: number) => rounded(tripsMs[Math.max(1, Math.ceil(q * TRIPS)) - 1] ?? 0)
  return { best: at(0), p50: at(0.5), p90: at(0.9), worst: at(1), samples: TRIPS }
}

function mqttCheck(connection: Connection, { isOpen, ms }: { isOpen: boolean; ms: number }): Check {
  const version = `MQTT ${protocolName(connection)}`
  if (isOpen) return { check: 'mqtt', result: 'pass', says: `The session is connected already, with ${version}.` }
  return { check: 'mqtt', result: 'pass', ms, says: `Connected with ${version}.` }
}

const loginCheck = (): Check => ({ check: 'login', result: 'pass', says: 'The broker accepts this session’s login.' })

function trustChecks({ tlsSocket }: Connection): Check[] {
  if (!tlsSocket) return []
  if (tlsSocket.authorized)
    return [{ check: 'trust', result: 'pass', says: 'The certificate is trusted, for this host.' }]
  const why = String(tlsSocket.authorizationError)
  return [
    { check: 'trust', result: 'warn', says: `The certificate was accepted unchecked, and is not trusted: ${why}.` },
  ]
}

function subscribeCheck(granted: number): Check {
  const check = 'subscribe'
  if (granted >= 128) return { check, result: 'warn', says: `A topic of our own is refused: ${reasonText(granted)}.` }
  if (granted === 2) return { check, result: 'pass', says: 'QoS 2 is granted.' }
  return { check, result: 'warn', says: `Only QoS ${granted} is granted.` }
}

function tripCheck({ p50, p90 }: { p50: number; p90: number }): Check {
  const check = 'round_trip'
  if (p90 <= SLOW_MS)
    return { check, result: 'pass', ms: p50, says: `Half within ${p50} ms, 9 of 10 within ${p90} ms.` }
  return { check, result: 'warn', ms: p50, says: `Slow: 9 of 10 within ${p90} ms (limit ${SLOW_MS} ms).` }
}

/** Why there is no connection, with how far one gets. */
function withSteps(error: unknown, { checks }: Reach): unknown {
  if (!(error instanceof Fault)) return error
  const steps = checks.map(({ check, result, ms }) => `${check} ${result}${ms === undefined ? '' : ` (${ms} ms)`}`)
  return new Fault(error.code, `${error.message} Steps: ${steps.join(', ')}.`, {
    ...(error.hint !== undefined && { hint: error.hint }),
    details: { ...error.details, checks },
    cause: error,
  })
}
