import { z } from 'zod'
import { operation } from '../../kernel/operation.ts'
import type { CallContext } from '../../kernel/tool.ts'
import { createCollector, type Collector } from './collector.ts'
import { ownDropMeter, sysDropMeter } from './drop-meter.ts'
import { gather, type Gathered } from './gather.ts'
import { Message, messageOf } from './message.ts'
import { Duration, OVERHEAD_MS, secondsOf, SessionId, type Toolkit } from './toolkit.ts'
import { TopicFilter } from './topic.ts'

const CollectInput = z.object({
  session_id: SessionId,
  topic: TopicFilter.describe('Topic filter: + stands for one level, # at the end for all that follow.'),
  duration: Duration,
  max_messages: z.int().min(1).max(1_000_000).default(100).describe('Stop after so many (1 to 1000000, default 100).'),
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
  summary: 'Subscribe to a topic filter and collect what arrives, until the time is over or enough has come.',
  description:
    'Retained messages come at once and are marked; the rest is live. Returns early only at max_messages, or when the ' +
    'connection is lost (then what came is returned with partial: true). To see which topics exist use list_topics.',
  scope: 'mqtt:read',
  effect: 'read',
  openWorld: true,
  streams: true,
  timeoutMs: ({ duration }) => duration * 1000 + OVERHEAD_MS,
  input: CollectInput,
  output: z.object({
    messages: z.array(Message).describe('In the order of their arrival.'),
    received: z.number().describe('Messages that the broker delivered, those beyond max_messages included.'),
    returned: z.number(),
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
  async handler(input, { sessions, broker, clock, limits, caller, signal, emit }) {
    const session = await sessions.find(caller, input.session_id)
    const meter = session.address === undefined ? await ownDropMeter(broker) : sysDropMeter(input.topic)
    const collector = createCollector({ maxMessages: input.max_messages, maxBytes: limits.collectedBytes }, clock)
    const report = reporter(collector, input, emit)
    const gathered = await session.links.subscribeAlone(signal, (connection) =>
      gather(
        connection,
        {
          filter: input.topic,
          qos: input.qos,
          durationMs: input.duration * 1000,
          sink: collector,
          beside: meter.beside,
          tick: report,
        },
        { clock, signal },
      ),
    )
    report(gathered.elapsedMs)
    return {
      messages: collector.messages.map((received) => messageOf(received, input.max_payload_bytes)),
      received: collector.received(),
      returned: collector.messages.length,
      ...endOf(gathered, collector),
      granted_qos: gathered.grantedQos,
      duration_s: Math.round(gathered.elapsedMs) / 1000,
      dropped_by_broker: await meter.read(),
    }
  },
})

/** Reports the count, and what came since the last report to those who stream: decoded only if somebody reads it. */
function reporter(
  { messages }: Collector,
  input: z.output<typeof CollectInput>,
  emit: CallContext['emit'],
): (elapsedMs: number) => void {
  let reported = 0
  return (elapsedMs) => {
    const [from, to] = [reported, messages.length]
    reported = to
    emit({
      progress: secondsOf(elapsedMs, input.duration),
      total: input.duration,
      message: `${to} message${to === 1 ? '' : 's'} so far`,
      get data() {
        return { messages: messages.slice(from, to).map((received) => messageOf(received, input.max_payload_bytes)) }
      },
    })
  }
}

function endOf({ ended }: Gathered, collector: Collector) {
  if (ended.by === 'connection_lost') return { ended_by: ended.by, partial: true as const, reason: ended.reason }
  const limit = collector.limit()
  if (ended.by === 'duration' || limit === undefined) return { ended_by: 'duration' as const }
  return { ended_by: limit, ...(limit === 'max_bytes' && { truncated: true as const }) }
}
