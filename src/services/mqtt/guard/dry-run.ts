import type { IPublishPacket } from 'mqtt'
import { z } from 'zod'
import { Fault } from '../../../kernel/fault.ts'
import type { Connection, Publication } from '../connection.ts'
import { payloadOf } from '../message.ts'
import { previewPayload } from '../payload.ts'
import { packetBytes, requireAccepted } from '../publish-limits.ts'
import type { Guard } from './write-guard.ts'

/** What publishing would do, without doing it. */
export const DryRun = z.object({
  would_publish: z.boolean(),
  refused: z.string().optional().describe('Why not, and by which rule.'),
  packet_bytes: z.number().describe('Of the whole PUBLISH packet.'),
  kept_now: z
    .string()
    .nullable()
    .describe('The retained message of the topic as it is now, at most 500 characters; null: there is none.'),
  note: z.string(),
})

type DryRun = z.output<typeof DryRun>

interface Surroundings {
  readonly connection: Connection
  readonly guard: Guard
  readonly signal: AbortSignal
}

const SHOWN_CHARACTERS = 500

/** Looks at the rules, at what the broker said it takes, and at what is retained there now. Sends no message. */
export async function dryRun({ connection, guard, signal }: Surroundings, publication: Publication): Promise<DryRun> {
  const refused = refusalOf(connection, guard, publication)
  const unreadable = guard.unreadable(publication.topic)
  const kept = unreadable ? undefined : await retainedAt(publication.topic, connection, signal)
  const shown = kept && previewPayload(payloadOf(kept), payloadOf(kept).length, SHOWN_CHARACTERS)
  return {
    would_publish: refused === undefined,
    ...(refused !== undefined && { refused }),
    packet_bytes: packetBytes(publication),
    kept_now: shown ?? null,
    note: noteOf(publication, kept !== undefined, unreadable !== undefined),
  }
}

function refusalOf(connection: Connection, guard: Guard, publication: Publication): string | undefined {
  const verdict = guard.verdict(publication)
  if (!verdict.allowed) return `${verdict.why} (rule ${verdict.rule})`
  try {
    requireAccepted(connection, publication)
    return undefined
  } catch (error) {
    if (error instanceof Fault) return error.message
    throw error
  }
}

/** Brokers send what they keep before they answer what came after the subscription; a PINGREQ marks the end. */
async function retainedAt(topic: string, connection: Connection, signal: AbortSignal) {
  let kept: IPublishPacket | undefined
  const subscription = await connection.subscribe(
    [
      {
        filter: topic,
        matches: (name) => name === topic,
        listener: (packet) => {
          if (packet.retain) kept = packet
        },
      },
    ],
    0,
    signal,
  )
  try {
    await connection.ping(signal)
    return kept
  } finally {
    await subscription.end()
  }
}

function noteOf({ retain, payload }: Publication, isKept: boolean, isUnreadable: boolean): string {
  const nobody = 'Who is subscribed, and what they would do, is not known: MQTT does not tell.'
  if (isUnreadable) return `This session may not read the topic, so what is kept there is not known. ${nobody}`
  if (!retain)
    return `Not retained: it reaches who is subscribed now${isKept ? ', and what is kept stays' : ''}. ${nobody}`
  if (payload.length === 0) return isKept ? `It would delete what is kept. ${nobody}` : 'There is nothing to delete.'
  return `It would ${isKept ? 'replace what is kept' : 'be kept for later subscribers'}. ${nobody}`
}
