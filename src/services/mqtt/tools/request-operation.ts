import { z } from 'zod'
import { Fault } from '../../../kernel/fault.ts'
import { operation } from '../../../kernel/operation.ts'
import type { Connection, Publication, Wanted } from '../connection.ts'
import { Message, messageOf, type Received } from '../message.ts'
import { encodePayload } from '../payload.ts'
import { requireAccepted } from '../publish-limits.ts'
import { reasonText } from '../reason-codes.ts'
import { OVERHEAD_MS, SessionId, type Toolkit } from '../toolkit.ts'
import { topicMatcher } from '../../../kernel/topic.ts'
import { TopicFilter, TopicName } from '../topic.ts'
import { planRequest, styleOf, type RequestPlan } from './request-plan.ts'
import { touchesTopics } from '../touches.ts'

export const requestResponse = operation<Toolkit>()({
  name: 'mqtt.request_response',
  summary: 'Publish a request and wait for its answer.',
  description:
    'Subscribes first, so that no answer is missed. Knows how MQTT 5 responders, Zigbee2MQTT, Shelly (RPC) and Tasmota ' +
    'answer; for others say reply_topic.',
  scope: 'mqtt:write',
  effect: 'write',
  openWorld: true,
  timeoutMs: ({ timeout }) => timeout * 1000 + OVERHEAD_MS,
  // Where the answer comes of itself is the style's affair: only what is said can be judged.
  touches: ({ topic, reply_topic }) => (reply_topic === undefined ? undefined : touchesTopics(topic, reply_topic)),
  input: z.object({
    session_id: SessionId,
    topic: TopicName,
    payload: z.json().default('').describe('As in publish_message.'),
    style: z
      .enum(['auto', 'mqtt5', 'zigbee2mqtt', 'shelly', 'tasmota', 'topic'])
      .default('auto')
      .describe(
        'How the answer is known; auto (default) goes by the topic, else mqtt5. topic: the first new message there.',
      ),
    reply_topic: TopicFilter.optional().describe('Where the answer comes, if not where the style has it.'),
    echoed_member: z
      .string()
      .min(1)
      .max(100)
      .optional()
      .describe('A member of the JSON payload that the answer repeats, such as id; with reply_topic.'),
    qos: z.union([z.literal(0), z.literal(1), z.literal(2)]).default(1),
    timeout: z.number().min(0.1).max(300).default(10).describe('Seconds to wait (0.1 to 300, default 10).'),
    max_payload_bytes: z.int().min(16).max(16_777_216).default(16_384).describe('A longer answer is cut.'),
  }),
  output: z.object({
    reply: Message,
    took_ms: z.number().describe('From the request to the answer.'),
    style: z.string(),
    matched_by: z
      .enum(['exactly', 'topic'])
      .describe('exactly: it repeats this request’s own mark; topic: it came where answers come, perhaps to another.'),
  }),
  async handler(input, { sessions, clock, caller, signal }) {
    const { links } = await sessions.find(caller, input.session_id)
    return await links.subscribeAlone(signal, async (connection) => {
      const question = {
        topic: input.topic,
        payload: encodePayload(input.payload, 'auto'),
        replyTopic: input.reply_topic,
        echoed: input.echoed_member,
      }
      const style = input.style === 'auto' ? styleOf(question, connection.protocolVersion === 5) : input.style
      const plan = planRequest(style, question)
      const publication: Publication = {
        topic: input.topic,
        payload: plan.payload,
        qos: input.qos,
        retain: false,
        ...(plan.properties && { properties: { ...plan.properties } }),
      }
      requireAccepted(connection, publication)
      const { reply, tookMs } = await exchange(connection, plan, publication, {
        clock,
        signal,
        timeoutMs: input.timeout * 1000,
      })
      return {
        reply: messageOf(reply, input.max_payload_bytes),
        took_ms: Math.round(tookMs * 10) / 10,
        style,
        matched_by: plan.matchedBy,
      }
    })
  },
})

type Patience = Pick<Toolkit, 'clock'> & { readonly signal: AbortSignal; readonly timeoutMs: number }

async function exchange(
  connection: Connection,
  plan: RequestPlan,
  publication: Publication,
  { clock, signal, timeoutMs }: Patience,
): Promise<{ reply: Received; tookMs: number }> {
  const answered = Promise.withResolvers<Received>()
  const inTopic = topicMatcher(plan.replyFilter)
  const wanted: Wanted = {
    filter: plan.replyFilter,
    // Where the filter takes in the request's own topic, the request would be its own answer.
    matches: (topic) => topic !== publication.topic && inTopic(topic),
    listener: (packet) => {
      if (plan.accepts(packet)) answered.resolve({ packet, atMs: clock.now() })
    },
  }
  const subscription = await connection.subscribe([wanted], 1, signal)
  const refused = subscription.granted[0] ?? 128
  const aborted = () => answered.reject(signal.reason)
  const cancels: (() => void)[] = [() => signal.removeEventListener('abort', aborted)]
  try {
    if (refused >= 128)
      throw new Fault('forbidden', `The broker refused to subscribe to ${plan.replyFilter}: ${reasonText(refused)}.`, {
        hint: 'Nothing was sent. Use a topic for the answer that the user of this session may read.',
      })
    signal.throwIfAborted()
    signal.addEventListener('abort', aborted, { once: true })
    const startMs = clock.monotonic()
    // Who waits for the publication first must not miss that the wait has failed meanwhile.
    answered.promise.catch(() => undefined)
    cancels.push(
      clock.after(timeoutMs, () => answered.reject(noAnswer(plan, publication.topic, timeoutMs))),
      connection.onClosed((reason) => answered.reject(lostMeanwhile(reason))),
    )
    requireTaken(publication.topic, await connection.publish(publication, signal))
    const reply = await answered.promise
    return { reply, tookMs: clock.monotonic() - startMs }
  } finally {
    for (const cancel of cancels) cancel()
    await subscription.end()
  }
}

/** MQTT 5 §3.4.2.1: 0x10 says that nobody is subscribed, so that nobody will answer. */
function requireTaken(topic: string, reasonCode: number): void {
  if (reasonCode === 16)
    throw new Fault('upstream_failed', `Nobody is subscribed to ${topic}, so nobody will answer.`, {
      hint: 'Check the topic (capital letters count) and that the device is online; list_topics shows what there is.',
    })
  if (reasonCode >= 128)
    throw new Fault('forbidden', `The broker refused the request to ${topic}: ${reasonText(reasonCode)}.`, {
      hint: 'The user of this session may not publish there.',
    })
}

const noAnswer = ({ replyFilter, style }: RequestPlan, topic: string, timeoutMs: number) =>
  new Fault('timeout', `No answer to ${topic} within ${timeoutMs / 1000} s.`, {
    hint: `The request was sent and may have had its effect. Listened to ${replyFilter} (style ${style}).`,
  })

const lostMeanwhile = (reason: string) =>
  new Fault('unavailable', `The connection was lost while waiting for the answer: ${reason}.`, {
    hint: 'The request may have had its effect.',
  })
