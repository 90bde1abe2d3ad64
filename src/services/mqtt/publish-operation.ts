import { z } from 'zod'
import { Fault } from '../../kernel/fault.ts'
import { operation } from '../../kernel/operation.ts'
import type { Publication } from './connection.ts'
import { dryRun, DryRun } from './guard/dry-run.ts'
import { deletesRetained, type Guard } from './guard/write-guard.ts'
import type { Links } from './links.ts'
import { encodePayload, fromBase64 } from './payload.ts'
import { requireAccepted } from './publish-limits.ts'
import { reasonText } from './reason-codes.ts'
import { OVERHEAD_MS, SessionId, type Toolkit } from './toolkit.ts'
import { TopicName } from './topic.ts'
import { touchesTopics } from './touches.ts'

const Properties = z
  .strictObject({
    content_type: z.string().optional().describe('MIME type of the payload.'),
    response_topic: TopicName.optional().describe('Where an answer is wanted.'),
    correlation_data: z.string().optional().describe('Base64.'),
    user_properties: z.record(z.string(), z.union([z.string(), z.array(z.string())])).optional(),
    message_expiry_seconds: z.int().min(0).max(4_294_967_295).optional(),
  })
  .describe('MQTT 5 properties; an MQTT 3.1.1 connection refuses them.')

const PublishInput = z.object({
  session_id: SessionId,
  topic: TopicName.describe('Topic name, without wildcards.'),
  payload: z
    .json()
    .describe(
      'A string is sent as it is, {"base64": "…"} as bytes, any other JSON value as JSON text. "" is an empty payload.',
    ),
  payload_encoding: z
    .enum(['auto', 'text', 'json', 'base64'])
    .default('auto')
    .describe(
      'json: send as JSON text whatever it is; base64: payload is a base64 string; default auto, as said there.',
    ),
  qos: z
    .union([z.literal(0), z.literal(1), z.literal(2)])
    .default(0)
    .describe('0 (default): sent, no confirmation; 1: confirmed by the broker; 2: confirmed, exactly once.'),
  retain: z
    .boolean()
    .default(false)
    .describe(
      'Default false. True: the broker keeps it for later subscribers; with an empty payload it deletes what it kept.',
    ),
  properties: Properties.optional(),
  confirm: z
    .boolean()
    .default(false)
    .describe('Say true to delete a retained message (retain with an empty payload); needs access: all.'),
  dry_run: z.boolean().default(false).describe('True: only say what would happen, publish nothing.'),
})

type PublishInput = z.output<typeof PublishInput>

export const publishMessage = operation<Toolkit>()({
  name: 'mqtt.publish_message',
  summary: 'Publish one message to a topic.',
  description:
    'Use QoS 1 to know that the broker took it. Publishing an empty payload with retain deletes the retained message ' +
    'of the topic. MQTT 3.1.1 brokers do not say when they refuse a message for lack of rights.',
  scope: 'mqtt:write',
  effect: 'write',
  openWorld: true,
  timeoutMs: OVERHEAD_MS,
  // Where the answer is wanted too: whoever answers would write there in the caller's place.
  touches: ({ topic, properties }) =>
    touchesTopics(topic, ...(properties?.response_topic === undefined ? [] : [properties.response_topic])),
  input: PublishInput,
  output: z.object({
    topic: z.string(),
    bytes: z.number().describe('Of the payload.'),
    qos: z.number(),
    retained: z.boolean(),
    retained_deleted: z.literal(true).optional().describe('The retained message of this topic, if any, was deleted.'),
    confirmed: z.boolean().describe('The broker confirmed it (QoS 1 and 2).'),
    dry_run: DryRun.optional(),
    no_subscribers: z.literal(true).optional().describe('The broker says that nobody is subscribed to it.'),
  }),
  async handler(input, { sessions, caller, signal }) {
    const publication = publicationOf(input)
    const { links, guard } = await sessions.find(caller, input.session_id)
    if (input.dry_run) return await rehearse(publication, { links, guard, signal })
    const reasonCode = await links.use(signal, async (connection) => {
      requireAccepted(connection, publication)
      return await connection.publish(publication, signal).catch((error: unknown) => {
        throw signal.aborted || !(error instanceof Fault) || isRefusal(error) ? error : unknownOutcome(error)
      })
    })
    if (reasonCode >= 128) throw refused(publication.topic, reasonCode)
    return {
      ...factsOf(publication),
      ...(deletesRetained(publication) && { retained_deleted: true as const }),
      confirmed: publication.qos > 0,
      // MQTT 5 §3.4.2.1, reason code 0x10.
      ...(reasonCode === 16 && { no_subscribers: true as const }),
    }
  },
})

const factsOf = ({ topic, payload, qos, retain }: Publication) => ({
  topic,
  bytes: payload.length,
  qos,
  retained: retain && payload.length > 0,
})

interface Rehearsal {
  readonly links: Links
  readonly guard: Guard
  readonly signal: AbortSignal
}

async function rehearse(publication: Publication, { links, guard, signal }: Rehearsal) {
  const dry_run = await links.subscribeAlone(signal, (connection) => dryRun({ connection, guard, signal }, publication))
  return { ...factsOf(publication), retained: false, confirmed: false, dry_run }
}

/** The session's own rules refused it: nothing was sent. */
const isRefusal = ({ code }: Fault) => code === 'forbidden' || code === 'rate_limited'

function publicationOf({
  topic,
  payload,
  payload_encoding,
  qos,
  retain,
  properties,
  confirm,
}: PublishInput): Publication {
  return {
    topic,
    payload: encodePayload(payload, payload_encoding),
    qos,
    retain,
    confirmed: confirm,
    ...(properties && {
      properties: {
        ...(properties.content_type !== undefined && { contentType: properties.content_type }),
        ...(properties.response_topic !== undefined && { responseTopic: properties.response_topic }),
        ...(properties.correlation_data !== undefined && { correlationData: fromBase64(properties.correlation_data) }),
        ...(properties.user_properties !== undefined && { userProperties: properties.user_properties }),
        ...(properties.message_expiry_seconds !== undefined && {
          messageExpiryInterval: properties.message_expiry_seconds,
        }),
      },
    }),
  }
}

function refused(topic: string, code: number): Fault {
  const denied = code === 135
  return new Fault(
    denied ? 'forbidden' : 'upstream_failed',
    `The broker refused the message to ${topic}: ${reasonText(code)}.`,
    {
      hint: denied ? 'The user of this session may not publish there.' : 'The broker’s log may say more.',
    },
  )
}

/** The connection ended between the message and its confirmation: only the caller can decide whether to repeat it. */
const unknownOutcome = ({ code, message }: Fault) =>
  new Fault(code, `${message} Whether the message arrived is not known.`, {
    hint: 'Look at what it should have changed before you send it again; the session connects anew by itself.',
  })
