import { z } from 'zod'
import { operation } from '../../kernel/operation.ts'
import { firstMessages, sampled } from './collect-modes.ts'
import { ownDropMeter, sysDropMeter } from './drop-meter.ts'
import { gather } from './gather.ts'
import { Message } from './message.ts'
import { CompactMessage, SampleFacts } from './sample/answer.ts'
import { Duration, OVERHEAD_MS, SessionId, type Toolkit } from './toolkit.ts'
import { TopicFilter } from './topic.ts'
import { touchesTopics } from './touches.ts'

const CollectInput = z.object({
  session_id: SessionId,
  topic: TopicFilter.describe('Topic filter: + stands for one level, # at the end for all that follow.'),
  duration: Duration,
  mode: z
    .enum(['sample', 'first'])
    .default('sample')
    .describe(
      'sample (default): listens for the whole duration and keeps the most telling messages. first: every message as ' +
        'it comes, and returns at max_messages; for scripts, streaming, or to wait for one message.',
    ),
  max_messages: z
    .int()
    .min(1)
    .max(1_000_000)
    .default(100)
    .describe('Messages returned at most (1 to 1000000, default 100); a sample has at most 10000.'),
  max_tokens: z
    .int()
    .min(200)
    .max(1_000_000)
    .optional()
    .describe('Size of a sample’s answer, about, in tokens of a language model (compact: default 4000).'),
  detail: z
    .enum(['compact', 'full'])
    .optional()
    .describe('compact (default for sample): short messages; full (default for first): every field.'),
  qos: z
    .union([z.literal(0), z.literal(1), z.literal(2)])
    .default(0)
    .describe(
      'Highest QoS to receive with (default 0). Above 0, many retained messages at once can overflow the broker’s queue.',
    ),
  max_payload_bytes: z
    .int()
    .min(16)
    .max(16_777_216)
    .default(16_384)
    .describe('Longer payloads are cut to so many bytes and marked (16 to 16777216, default 16384).'),
})

export const subscribeAndCollect = operation<Toolkit>()({
  name: 'mqtt.subscribe_and_collect',
  summary: 'Subscribe to a topic filter and tell what happened in a time: devices, changes, errors, telling messages.',
  description:
    'Samples the whole duration, however busy: every error while they fit, the first and the last, each structure, ' +
    'changes, then an even spread; and says in words how each device is and what changed. Retained messages come at ' +
    'once and are marked. A lost connection returns what came, with partial: true. With mode first it stops at ' +
    'max_messages. To see which topics exist use list_topics.',
  scope: 'mqtt:read',
  effect: 'read',
  openWorld: true,
  streams: true,
  timeoutMs: ({ duration }) => duration * 1000 + OVERHEAD_MS,
  touches: ({ topic }) => touchesTopics(topic),
  input: CollectInput,
  output: z.object({
    messages: z.array(z.union([Message, CompactMessage])).describe('In the order of their arrival.'),
    received: z.number().describe('Messages that the broker delivered, those left out included.'),
    returned: z.number(),
    ...SampleFacts,
    ended_by: z.enum(['duration', 'max_messages', 'max_bytes', 'connection_lost']),
    truncated: z.literal(true).optional().describe('More came than can be held in memory at once; ask for less.'),
    partial: z.literal(true).optional().describe('The connection was lost before the time was over.'),
    reason: z.string().optional().describe('Why the connection was lost.'),
    granted_qos: z.number(),
    duration_s: z.number().describe('Seconds it listened.'),
    dropped_by_broker: z
      .number()
      .nullable()
      .describe('Messages the broker dropped meanwhile, for any of its slow subscribers; null: it does not say.'),
  }),
  async handler(input, context) {
    const { sessions, broker, clock, caller, signal } = context
    const session = await sessions.find(caller, input.session_id)
    const meter = session.address === undefined ? await ownDropMeter(broker) : sysDropMeter(input.topic)
    const { sink, report, result } = input.mode === 'first' ? firstMessages(input, context) : sampled(input, context)
    const gathered = await session.links.subscribeAlone(signal, (connection) =>
      gather(
        connection,
        {
          filter: input.topic,
          qos: input.qos,
          durationMs: input.duration * 1000,
          sink,
          beside: meter.beside,
          tick: report,
        },
        { clock, signal },
      ),
    )
    report(gathered.elapsedMs)
    return {
      ...result(gathered),
      granted_qos: gathered.grantedQos,
      duration_s: Math.round(gathered.elapsedMs) / 1000,
      dropped_by_broker: await meter.read(),
    }
  },
})
