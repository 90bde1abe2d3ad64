import type { IPublishPacket } from 'mqtt'
import type { Connection, Wanted } from '../connection.ts'
import { payloadOf } from '../message.ts'
import { markRedacted } from './redacted-packets.ts'
import { SECRET_SHOWN } from './redact-text.ts'
import { isSecretName } from './secret-names.ts'
import type { Guard } from './write-guard.ts'

/** MQTT 5 §3.9.3: not authorized. */
const NOT_AUTHORIZED = 135

/**
 * The connection as a session's rules leave it. This is the one place where they are enforced: whatever listens gets
 * only what may be read, without its secrets, and whatever publishes is judged first.
 */
export function guardedConnection(connection: Connection, guard: Guard): Connection {
  const guarded = (wanted: Wanted): Wanted => ({
    filter: wanted.filter,
    matches: (topic) => wanted.matches(topic) && guard.mayRead(topic),
    listener: (packet) => wanted.listener(redacted(packet, guard)),
  })
  return {
    ...connection,
    // The first is what the caller asked for; what is subscribed beside it may be refused like by a broker.
    async subscribe(wanted, qos, signal) {
      const refusals = wanted.map(({ filter }) => guard.unreadable(filter))
      if (refusals[0]) throw refusals[0]
      const subscription = await connection.subscribe(
        wanted.filter((_, index) => !refusals[index]).map(guarded),
        qos,
        signal,
      )
      const granted = [...subscription.granted]
      return {
        ...subscription,
        granted: refusals.map((refusal) => (refusal ? NOT_AUTHORIZED : (granted.shift() ?? 128))),
      }
    },
    async publish(publication, signal) {
      guard.admit(publication)
      return await connection.publish(publication, signal)
    },
  }
}

function redacted(packet: IPublishPacket, { redactor }: Guard): IPublishPacket {
  const { payload, redacted: inPayload } = redactor.payload(packet.topic, payloadOf(packet))
  const user = packet.properties?.userProperties
  const secret = Object.keys(user ?? {}).filter((name) => isSecretName(name))
  const count = inPayload + secret.length
  if (count === 0) return packet
  const shown = Object.fromEntries(secret.map((name) => [name, SECRET_SHOWN]))
  const clean: IPublishPacket = {
    ...packet,
    payload,
    ...(secret.length > 0 && { properties: { ...packet.properties, userProperties: { ...user, ...shown } } }),
  }
  markRedacted(clean, count)
  return clean
}
