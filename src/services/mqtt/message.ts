import type { IPublishPacket } from 'mqtt'
import { z } from 'zod'
import { redactedIn } from './guard/redacted-packets.ts'
import { decodePayload } from './payload.ts'

/** A packet as it came, and when (wall-clock milliseconds). Decoded later, when nothing more is waiting to be taken. */
export interface Received {
  readonly packet: IPublishPacket
  readonly atMs: number
  /** Bytes of the whole payload, where the packet has only its beginning. */
  readonly size?: number
}

const Properties = z
  .object({
    content_type: z.string().optional(),
    response_topic: z.string().optional(),
    correlation_data: z.string().optional().describe('Base64.'),
    user_properties: z.record(z.string(), z.union([z.string(), z.array(z.string())])).optional(),
    message_expiry_seconds: z.number().optional(),
    subscription_identifiers: z.array(z.number()).optional(),
  })
  .describe('MQTT 5 properties, where the publisher set any.')

/** A message as results carry it. */
export const Message = z.object({
  topic: z.string(),
  payload: z.unknown().describe('Text, JSON value or base64, as `encoding` says.'),
  encoding: z
    .enum(['text', 'json', 'base64'])
    .describe(
      'How `payload` is given. JSON that a value cannot say whole (too many digits, repeated members) is text.',
    ),
  format: z
    .string()
    .describe(
      'What the bytes are: empty, json, ndjson, number, boolean, xml, csv, key-value, text, gzip, zlib, sparkplug-b, ' +
        'binary or an image type.',
    ),
  size: z.number().describe('Bytes of the whole payload.'),
  cut: z.literal(true).optional().describe('Only the first max_payload_bytes are here.'),
  redacted: z.number().optional().describe('So many secrets were taken out of it.'),
  qos: z.number().describe('QoS it was delivered with.'),
  retained: z.boolean().describe('True: the broker had kept it; it may be old.'),
  dup: z.boolean().describe('True: a repeated delivery.'),
  received_at: z.string().describe('ISO 8601, by the hub’s clock.'),
  properties: Properties.optional(),
})

export type Message = z.output<typeof Message>

export function messageOf({ packet, atMs, size }: Received, maxPayloadBytes: number): Message {
  const properties = propertiesOf(packet)
  const redacted = redactedIn(packet)
  return {
    topic: packet.topic,
    ...decodePayload(payloadOf(packet), maxPayloadBytes, packet.topic),
    ...(size !== undefined && { size }),
    ...(redacted > 0 && { redacted }),
    qos: packet.qos,
    retained: packet.retain,
    dup: packet.dup,
    received_at: new Date(atMs).toISOString(),
    ...(properties && { properties }),
  }
}

export const payloadOf = ({ payload }: IPublishPacket): Buffer =>
  typeof payload === 'string' ? Buffer.from(payload) : payload

function propertiesOf({ properties: raw }: IPublishPacket): Message['properties'] {
  if (raw === undefined) return undefined
  const identifiers = raw.subscriptionIdentifier
  const properties = {
    ...(raw.contentType !== undefined && { content_type: raw.contentType }),
    ...(raw.responseTopic !== undefined && { response_topic: raw.responseTopic }),
    ...(raw.correlationData !== undefined && { correlation_data: raw.correlationData.toString('base64') }),
    ...(raw.userProperties !== undefined && { user_properties: { ...raw.userProperties } }),
    ...(raw.messageExpiryInterval !== undefined && { message_expiry_seconds: raw.messageExpiryInterval }),
    ...(identifiers !== undefined && { subscription_identifiers: [identifiers].flat() }),
  }
  return Object.keys(properties).length === 0 ? undefined : properties
}
