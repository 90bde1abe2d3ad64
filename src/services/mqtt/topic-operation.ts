import { z } from 'zod'
import { operation } from '../../kernel/operation.ts'
import type { CallContext } from '../../kernel/tool.ts'
import { gather } from './gather.ts'
import { pageOfIndex } from './index/index-page.ts'
import { SORTS } from './index/listing.ts'
import type { Session } from './sessions.ts'
import type { Page } from './snapshots.ts'
import { TopicList } from './topic-list.ts'
import { isoTime, OVERHEAD_MS, secondsOf, SessionId, type Toolkit } from './toolkit.ts'
import { TopicFilter } from './topic.ts'
import { createTopicIndex, type TopicFacts, type TopicListHead } from './topic-index.ts'
import { touchesTopics } from './touches.ts'

const ListInput = z.object({
  session_id: SessionId,
  pattern: TopicFilter.default('#').describe('Topic filter (default #: all but $SYS).'),
  duration: z
    .number()
    .min(0.1)
    .max(3600)
    .optional()
    .describe('Listen anew for so many seconds (0.1 to 3600). Left out: answered at once from what the session knows.'),
  sort: z.enum(SORTS).default('name').describe('name (default), or most first: rate, recency, size. Index only.'),
  collapse: z
    .enum(['auto', 'always', 'never'])
    .default('auto')
    .describe('Repeated levels as one line, such as zigbee2mqtt/+/availability; auto: above 50 topics. Index only.'),
  detail: z.enum(['compact', 'full']).default('compact').describe('full adds times, sizes and longer payloads.'),
  max_topics: z
    .int()
    .min(1)
    .max(100_000)
    .default(10_000)
    .describe('When listening: stop at so many topics (1 to 100000, default 10000).'),
  limit: z.int().min(1).max(1000).default(200).describe('Lines a page (1 to 1000, default 200).'),
  cursor: z.string().max(70_000).optional().describe('next_cursor of the page before.'),
})

/** How long it listens where there is no index to answer from: for topics of the broker, or after a refusal. Seconds. */
const FALL_BACK_S = 5

export const listTopics = operation<Toolkit>()({
  name: 'mqtt.list_topics',
  summary: 'List the topics that carry messages, with their latest payload.',
  description:
    'Answers at once from the index, which listens to all topics since the session began; many alike are collapsed ' +
    '(give one as pattern to see them singly). With duration it listens anew instead: retained messages show up at ' +
    'once, others when something is published. $SYS topics come only with a pattern that begins with $SYS.',
  scope: 'mqtt:read',
  effect: 'read',
  openWorld: true,
  timeoutMs: ({ duration = FALL_BACK_S }) => duration * 1000 + OVERHEAD_MS,
  // A list that is kept was made with a pattern of its own.
  touches: ({ pattern, cursor }) => (cursor !== undefined && isListCursor(cursor) ? undefined : touchesTopics(pattern)),
  input: ListInput,
  output: TopicList,
  async handler(input, context) {
    const { sessions, watches, topicLists, clock, caller, signal } = context
    const session = await sessions.find(caller, input.session_id)
    const { cursor, limit, session_id } = input
    if (cursor !== undefined && isListCursor(cursor))
      return resultOf(topicLists.next(session_id, cursor, limit), input.detail)
    // The index hears all but the topics of the broker, and no shared subscription's part.
    if (input.duration === undefined && !input.pattern.startsWith('$')) {
      const watch = watches.of(session)
      await watch.settled(signal)
      if (watch.state().is !== 'ended') return pageOfIndex(watch, input, clock)
    }
    return resultOf(await listen(input, context, session), input.detail)
  },
})

type ListInput = z.output<typeof ListInput>

/** Cursors of lists that were kept begin with their id; those of the index with a bracket. */
const isListCursor = (cursor: string) => !cursor.startsWith('[')

async function listen(
  input: ListInput,
  { topicLists, clock, signal, emit }: Toolkit & Pick<CallContext, 'signal' | 'emit'>,
  { links }: Session,
): Promise<Page<TopicFacts, TopicListHead>> {
  const { pattern, duration = FALL_BACK_S, session_id, max_topics, limit } = input
  const index = createTopicIndex(max_topics, clock)
  const { ended, elapsedMs } = await links.subscribeAlone(signal, (connection) =>
    gather(
      connection,
      {
        filter: pattern,
        // Above 0 the retained messages would have to fit the broker's queue (Mosquitto: 1000), and it would drop the
        // rest in silence. The price: the QoS of the publishers cannot be seen.
        qos: 0,
        durationMs: duration * 1000,
        sink: index,
        tick: (listenedMs) =>
          emit({
            progress: secondsOf(listenedMs, duration),
            total: duration,
            message: `${index.messages()} messages so far`,
          }),
      },
      { clock, signal },
    ),
  )
  const head = { messages: index.messages(), ended, elapsedMs }
  return topicLists.first(session_id, { items: index.list(), head }, limit)
}

function resultOf(
  { items, head, total, cursor }: Page<TopicFacts, TopicListHead>,
  detail: ListInput['detail'],
): z.output<typeof TopicList> {
  const { ended, messages, elapsedMs } = head
  return {
    topics: items.map((item) => ({
      topic: item.topic,
      payload: item.preview,
      messages: item.messages,
      ...(item.retained && { retained: true }),
      ...(detail === 'full' && {
        size: item.size,
        first_seen: isoTime(item.firstMs),
        last_seen: isoTime(item.lastMs),
      }),
    })),
    total_topics: total,
    total_messages: messages,
    ended_by: ended.by === 'full' ? 'max_topics' : ended.by,
    ...(ended.by === 'connection_lost' && { partial: true as const, reason: ended.reason }),
    duration_s: Math.round(elapsedMs) / 1000,
    ...(cursor !== undefined && { next_cursor: cursor }),
  }
}
