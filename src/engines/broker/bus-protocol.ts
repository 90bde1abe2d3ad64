import type { IClientOptions, IClientPublishOptions, IPublishPacket, MqttClient } from 'mqtt'
import { Fault } from '../../kernel/fault.ts'
import type { Broker, BusProperties } from '../../kernel/ports.ts'
import type { Connection } from './connection.ts'
import type { Arrival } from './subscriber-list.ts'
import type { TlsMaterial } from './tls.ts'

/** What the broker says for us when the connection breaks. */
export interface BusWill {
  readonly topic: string
  readonly payload: string | Buffer
  readonly qos: 0 | 1 | 2
  readonly retain: boolean
  /** Seconds to wait for us to come back first (MQTT 5.0, 3.1.3.2.2); none below MQTT 5. */
  readonly delaySeconds?: number
}

/** How the hub introduces itself to the broker. */
export function busLogin(
  broker: Broker & { readonly tls?: TlsMaterial },
  clientId: string,
  will: BusWill | undefined,
): IClientOptions {
  const login = broker.login('hub')
  // A delayed will needs a session that outlives the connection (MQTT 5.0, 3.1.2.5). The embedded broker would keep
  // such a session on the disk, message by message, and dies with us anyway.
  const delaySeconds = broker.kind === 'embedded' ? 0 : (will?.delaySeconds ?? 0)
  return {
    clientId,
    ...login,
    ...broker.tls,
    keepalive: 30,
    ...(delaySeconds > 0 && { properties: { sessionExpiryInterval: delaySeconds } }),
    ...(will && {
      will: {
        topic: will.topic,
        payload: Buffer.from(will.payload),
        qos: will.qos,
        retain: will.retain,
        ...(delaySeconds > 0 && { properties: { willDelayInterval: delaySeconds } }),
      },
    }),
  }
}

/** Subscribes at the broker, with an identifier where it takes one. */
export async function announce(
  { client, version, connack }: Connection,
  filter: string,
  qos: 0 | 1 | 2,
  identifier: number,
): Promise<void> {
  const identified = version === 5 && connack.properties?.subscriptionIdentifiersAvailable !== false
  await client.subscribeAsync(filter, {
    qos,
    ...(identified && { properties: { subscriptionIdentifier: identifier } }),
  })
}

/** Reason codes of refusals: not authorized (MQTT 5.0, 2.4), and 3.1.1's only one, 0x80. */
const FORBIDDEN = new Set<unknown>([0x87, 0x80])

/** A refusal or a broken connection as the fault that callers see. */
export function refused(error: unknown, what: string): Fault {
  const { code, message } = error as Error & { code?: unknown }
  const denied = FORBIDDEN.has(code) || /not authorized/i.test(message)
  return new Fault(denied ? 'forbidden' : 'unavailable', `${what}: ${message}.`, { cause: error })
}

/** The properties as mqtt.js takes them. */
export function publishProperties({
  userProperties,
  ...properties
}: BusProperties): NonNullable<IClientPublishOptions['properties']> {
  return { ...properties, ...(userProperties && { userProperties: { ...userProperties } }) }
}

/** What mqtt.js handed over, as the subscriber list wants it. */
export function arrivalOf(
  { connack }: Connection,
  { topic, payload, packet }: { topic: string; payload: Buffer; packet: IPublishPacket },
): Arrival {
  const { qos, retain, properties } = packet
  const identifiers = properties?.subscriptionIdentifier
  return {
    message: { topic, payload, qos, retain, ...(properties && { properties }) },
    identifiers: identifiers === undefined ? [] : [identifiers].flat(),
    // What tells aedes from the brokers whose identifiers can be relied on: it refuses shared subscriptions.
    complete: connack.properties?.sharedSubscriptionAvailable !== false,
  }
}

const STOP_TIMEOUT_MS = 1000

/** Says goodbye, so that the will is not spoken; cuts the connection when the broker does not listen. */
export async function disconnect(client: MqttClient): Promise<void> {
  const late = Promise.withResolvers<void>()
  const timer = setTimeout(late.resolve, STOP_TIMEOUT_MS)
  await Promise.race([client.endAsync().catch(() => undefined), late.promise])
  clearTimeout(timer)
  // To mqtt.js, `end(true)` is nothing while an `end` before it waits for what the broker has not confirmed.
  client.stream.destroy()
}
