import { z } from 'zod'
import type { Connection } from './connection.ts'

/** What the broker allows, as its CONNACK says (MQTT 5 §3.2.2.3); what it leaves out has the standard's default. */
export const BrokerLimits = z
  .object({
    maximum_qos: z.number(),
    retain_available: z.boolean(),
    wildcard_subscriptions: z.boolean(),
    shared_subscriptions: z.boolean(),
    subscription_identifiers: z.boolean(),
    maximum_packet_bytes: z.number().nullable().describe('null: no limit of its own.'),
    receive_maximum: z.number().describe('Unconfirmed QoS 1 and 2 messages it takes at a time.'),
    session_expiry_seconds: z.number(),
    keep_alive_seconds: z.number().nullable().describe('What the broker asks for; null: it takes what was asked.'),
  })
  .describe('What the broker allows. Only MQTT 5 brokers tell.')

export type BrokerLimits = z.output<typeof BrokerLimits>

/** Undefined with MQTT 3.1.1, whose CONNACK says nothing of the kind. */
export function brokerLimits({ protocolVersion, connack }: Connection): BrokerLimits | undefined {
  if (protocolVersion !== 5) return undefined
  const said = connack.properties ?? {}
  return {
    maximum_qos: said.maximumQoS ?? 2,
    retain_available: said.retainAvailable ?? true,
    wildcard_subscriptions: said.wildcardSubscriptionAvailable ?? true,
    shared_subscriptions: said.sharedSubscriptionAvailable ?? true,
    subscription_identifiers: said.subscriptionIdentifiersAvailable ?? true,
    maximum_packet_bytes: said.maximumPacketSize ?? null,
    receive_maximum: said.receiveMaximum ?? 65_535,
    session_expiry_seconds: said.sessionExpiryInterval ?? 0,
    keep_alive_seconds: said.serverKeepAlive ?? null,
  }
}

export const ProtocolName = z.enum(['5', '3.1.1']).describe('MQTT version that was agreed on.')

export const protocolName = ({ protocolVersion }: Connection): '5' | '3.1.1' => (protocolVersion === 5 ? '5' : '3.1.1')

export const TlsFacts = z.object({
  protocol: z.string().nullable().describe('As in TLSv1.3.'),
  cipher: z.string(),
  certificate_subject: z.string().nullable(),
  certificate_expires: z.string().nullable().describe('ISO 8601.'),
  certificate_verified: z.boolean().describe('False: it was accepted unchecked (reject_unauthorized is false).'),
})

/** Undefined without TLS. */
export function tlsFacts({ tlsSocket }: Connection): z.output<typeof TlsFacts> | undefined {
  if (!tlsSocket) return undefined
  const certificate = tlsSocket.getPeerCertificate()
  const expires = Date.parse(certificate.valid_to)
  const name: unknown = certificate.subject?.CN
  return {
    protocol: tlsSocket.getProtocol(),
    cipher: tlsSocket.getCipher().standardName,
    certificate_subject: typeof name === 'string' ? name : null,
    certificate_expires: Number.isNaN(expires) ? null : new Date(expires).toISOString(),
    certificate_verified: tlsSocket.authorized,
  }
}
