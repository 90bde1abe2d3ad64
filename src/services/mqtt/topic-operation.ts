import { z } from 'zod'
import { operation } from '../../kernel/operation.ts'
import { gather } from './gather.ts'
import type { Page } from './snapshots.ts'
import { Duration, isoTime, OVERHEAD_MS, secondsOf, SessionId, type Toolkit } from './toolkit.ts'
import { TopicFilter } from './topic.ts'
import { createTopicIndex, type TopicFacts, type TopicListHead } from './topic-index.ts'

export const listTopics = operation<Toolkit>()({
  name: 'mqtt.list_topics',
  summary: 'List the topics that carry messages, with their latest payload.',
  description:
    'Subscribes and listens: topics with a retained message show up at once, others when something is published, so ' +
    'a longer duration finds more. $SYS topics come only with a pattern that begins with $SYS. Give cursor to get the ' +
    'next page of the same list without listening again.',
  scope: 'mqtt:read',
  effect: 'read',
  openWorld: true,
  timeoutMs: ({ duration }) => duration * 1000 + OVERHEAD_MS,
  input: z.object({
    session_id: SessionId,
    pattern: TopicFilter.default('#').describe('Topic filter (default #: all but $SYS).'),
    duration: Duration,
    max_topics: z
      .int()
      .min(1)
      .max(100_000)
      .default(10_000)
      .describe('Stop at so many topics (1 to 100000, default 10000).'),
    limit: z.int().min(1).max(1000).default(200).describe('Topics a page (1 to 1000, default 200).'),
    cursor: z.string().max(100).optional().describe('next_cursor of the page before.'),
  }),
  output: z.object({
    topics: z
      .array(
        z.object({
          topic: z.string(),
          messages: z.number().describe('How many came while listening.'),
          payload: z.string().describe('The latest, on one line, at most 120 characters; binary ones are described.'),
          size: z.number().describe('Bytes of the latest payload.'),
          retained: z.boolean().describe('The broker keeps a message for it.'),
          first_seen: z.string(),
          last_seen: z.string(),
        }),
      )
      .describe('Sorted by topic.'),
    total_topics: z.number(),
    total_messages: z.number(),
    ended_by: z.enum(['duration', 'max_topics', 'connection_lost']),
    partial: z.literal(true).optional().describe('The connection was lost before the time was over.'),
    reason: z.string().optional().describe('Why the connection was lost.'),
    duration_s: z.number(),
    next_cursor: z.string().optional().describe('There are more.'),
  }),
  async handler(input, { sessions, topicLists, clock, caller, signal, emit }) {
    const { links } = await sessions.find(caller, input.session_id)
    if (input.cursor !== undefined) return resultOf(topicLists.next(input.session_id, input.cursor, input.limit))
    const index = createTopicIndex(input.max_topics, clock)
    const { ended, elapsedMs } = await links.subscribeAlone(signal, (connection) =>
      gather(
        connection,
        {
          filter: input.pattern,
          // Above 0 the retained messages would have to fit the broker's queue (Mosquitto: 1000), and it would drop the
          // rest in silence. The price: the QoS of the publishers cannot be seen.
          qos: 0,
          durationMs: input.duration * 1000,
          sink: index,
          tick: (listenedMs) =>
            emit({
              progress: secondsOf(listenedMs, input.duration),
              total: input.duration,
              message: `${index.messages()} messages so far`,
            }),
        },
        { clock, signal },
      ),
    )
    const head = { messages: index.messages(), ended, elapsedMs }
    return resultOf(topicLists.first(input.session_id, { items: index.list(), head }, input.limit))
  },
})

function resultOf({ items, head, total, cursor }: Page<TopicFacts, TopicListHead>) {
  const { ended, messages, elapsedMs } = head
  return {
    topics: items.map((item) => ({
      topic: item.topic,
      messages: item.messages,
      payload: item.preview,
      size: item.size,
      retained: item.retained,
      first_seen: isoTime(item.firstMs),
      last_seen: isoTime(item.lastMs),
    })),
    total_topics: total,
    total_messages: messages,
    ended_by: ended.by === 'full' ? ('max_topics' as const) : ended.by,
    ...(ended.by === 'connection_lost' && { partial: true as const, reason: ended.reason }),
    duration_s: Math.round(elapsedMs) / 1000,
    ...(cursor !== undefined && { next_cursor: cursor }),
  }
}
