import { isUtf8 } from 'node:buffer'
import { z } from 'zod'
import type { Publication, Qos } from '../connection.ts'
import { redactedIn } from '../guard/redacted-packets.ts'
import { payloadOf, type Received } from '../message.ts'

/** One message of a recording, as a line of JSON. What is usual is left out. */
const Line = z.object({
  /** Milliseconds since the recording began. */
  t: z.number().min(0),
  topic: z.string(),
  /** The payload, if it is text; else `base64`. */
  text: z.string().optional(),
  base64: z.string().optional(),
  qos: z.union([z.literal(1), z.literal(2)]).optional(),
  retained: z.literal(true).optional(),
  redacted: z.number().optional(),
  content_type: z.string().optional(),
  user_properties: z.record(z.string(), z.union([z.string(), z.array(z.string())])).optional(),
})

export type RecordedMessage = z.output<typeof Line>

/** The line of a message; `t` never goes back, whatever the clock did. */
export function lineOf({ packet }: Received, t: number): string {
  const payload = payloadOf(packet)
  const redacted = redactedIn(packet)
  const { contentType, userProperties } = packet.properties ?? {}
  const line: RecordedMessage = {
    t,
    topic: packet.topic,
    ...(isUtf8(payload) ? { text: payload.toString() } : { base64: payload.toString('base64') }),
    ...((packet.qos === 1 || packet.qos === 2) && { qos: packet.qos }),
    ...(packet.retain && { retained: true }),
    ...(redacted > 0 && { redacted }),
    ...(contentType !== undefined && { content_type: contentType }),
    ...(userProperties !== undefined && { user_properties: { ...userProperties } }),
  }
  return JSON.stringify(line)
}

export const parseLine = (line: string): RecordedMessage => Line.parse(JSON.parse(line))

/** The message as it would be published again. */
export function publicationOf(message: RecordedMessage, topic: string, retain: boolean): Publication {
  const { text, base64 = '', content_type: contentType, user_properties: userProperties } = message
  const qos: Qos = message.qos ?? 0
  return {
    topic,
    payload: text === undefined ? Buffer.from(base64, 'base64') : Buffer.from(text),
    qos,
    retain,
    ...((contentType ?? userProperties) !== undefined && {
      properties: {
        ...(contentType !== undefined && { contentType }),
        ...(userProperties !== undefined && { userProperties }),
      },
    }),
  }
}
