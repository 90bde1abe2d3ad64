import { Fault } from '../../kernel/fault.ts'
import { brokerLimits } from './broker-facts.ts'
import type { Connection, Publication } from './connection.ts'

/** Refuses what the broker said it would not take: sending it would only end the connection. Throws Fault. */
export function requireAccepted(connection: Connection, publication: Publication): void {
  const limits = brokerLimits(connection)
  if (!limits) {
    if (publication.properties) throw unable('MQTT 5 properties', 'this connection speaks MQTT 3.1.1')
    return
  }
  if (publication.qos > limits.maximum_qos) throw unable(`QoS ${publication.qos}`, `the most is ${limits.maximum_qos}`)
  if (publication.retain && !limits.retain_available) throw unable('retained messages', 'it keeps none')
  const bytes = packetBytes(publication)
  const most = limits.maximum_packet_bytes
  if (most !== null && bytes > most)
    throw new Fault('too_large', `The message makes a packet of ${bytes} bytes; the broker takes at most ${most}.`, {
      hint: 'Publish less at once.',
      details: { bytes, maximum_packet_bytes: most },
    })
}

const unable = (what: string, why: string) =>
  new Fault('invalid_input', `The broker does not take ${what}: ${why}.`, { hint: 'test_connection shows its limits.' })

/** The size of the PUBLISH packet (MQTT 5 §3.3). */
export function packetBytes({ topic, payload, qos, properties = {} }: Publication): number {
  const user = Object.entries(properties.userProperties ?? {}).flatMap(([name, values]) =>
    [values].flat().map((value) => 1 + field(name) + field(value)),
  )
  const propertyBytes =
    sum(user) +
    (properties.contentType === undefined ? 0 : 1 + field(properties.contentType)) +
    (properties.responseTopic === undefined ? 0 : 1 + field(properties.responseTopic)) +
    (properties.correlationData === undefined ? 0 : 3 + properties.correlationData.length) +
    (properties.messageExpiryInterval === undefined ? 0 : 5)
  const remaining = field(topic) + (qos > 0 ? 2 : 0) + lengthBytes(propertyBytes) + propertyBytes + payload.length
  return 1 + lengthBytes(remaining) + remaining
}

const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0)

const field = (text: string) => 2 + Buffer.byteLength(text)

/** A variable byte integer: seven bits a byte (MQTT 5 §1.5.5). */
const lengthBytes = (value: number) => (value < 128 ? 1 : value < 16_384 ? 2 : value < 2_097_152 ? 3 : 4)
