import { setImmediate as nextTurn } from 'node:timers/promises'
import { z } from 'zod'
import { operation } from '../../../kernel/operation.ts'
import { createDecoder } from '../decode/decode.ts'
import { ProtobufMapping } from '../decode/protobuf.ts'
import { gather, type Gathered } from '../gather.ts'
import { previewPayload } from '../payload.ts'
import { OVERHEAD_MS, secondsOf, SessionId, type Toolkit } from '../toolkit.ts'
import { TopicFilter } from '../topic.ts'
import { commonFilter, groupTopics, type SchemaGroup } from './grouping.ts'
import { renderSchema, schemaConfidence, schemaId } from './statistics.ts'
import { watchStability } from './stability.ts'
import { createSurvey, type Survey } from './survey.ts'
import { touchesTopics } from '../touches.ts'

const Input = z.object({
  session_id: SessionId,
  topic: TopicFilter.describe('Topic filter. Topics of one structure are described once.'),
  duration: z
    .number()
    .min(0.1)
    .max(3600)
    .default(60)
    .describe('How long to listen at most, in seconds (0.1 to 3600, default 60).'),
  max_messages: z.int().min(1).max(100_000).default(5000).describe('Stop after so many (1 to 100000, default 5000).'),
  stop_when_stable: z
    .boolean()
    .default(true)
    .describe('Stop as soon as every schema has High confidence and 5 seconds brought no new topic (default true).'),
  detail: z
    .enum(['compact', 'full'])
    .default('compact')
    .describe('full: with the latest payload and up to 100 topic names a group (default compact).'),
  max_groups: z.int().min(1).max(200).default(20).describe('Structures to describe (1 to 200, default 20).'),
  protobuf: z
    .array(ProtobufMapping)
    .max(20)
    .default([])
    .describe('Which topics carry protobuf, and what: [{topic, fields: {"1": {name, type}}}]. It is never guessed.'),
})
type Input = z.output<typeof Input>

const Group = z.object({
  topics: z.string().describe('A filter that all topics of the group match; others may match it too.'),
  topic_count: z.number(),
  topic_names: z.array(z.string()).optional().describe('The first few, where there are several.'),
  messages: z.number(),
  retained: z.number().optional().describe('How many of them the broker had kept; they may be old.'),
  formats: z.record(z.string(), z.number()).describe('How many messages had each format.'),
  size: z.string().describe('Bytes of the payloads, from–to.'),
  confidence: z.enum(['High', 'Medium', 'Low']),
  reason: z.string(),
  schema_id: z.string().describe('The same for the same structure.'),
  schema: z
    .record(z.string(), z.unknown())
    .optional()
    .describe(
      'JSON Schema 2020-12. x-presence: share of objects with the member; x-nulls: share of null; x-numeric: numbers ' +
        'as text; x-unix-time: unit; x-keys: names of a map; x-partial: more than is described.',
    ),
  latest: z.string().optional().describe('The latest payload on one line, its beginning.'),
  notes: z.array(z.string()).optional(),
})

export const getTopicSchema = operation<Toolkit>()({
  name: 'mqtt.get_topic_schema',
  summary: 'Find out the structure of the payloads on topics: types, required members, enumerations, formats, ranges.',
  description:
    'Listens, recognises the format (JSON, XML, CSV, key=value, text, images, Sparkplug B, …) and infers one JSON Schema ' +
    'for each group of topics with the same structure, with how far it can be trusted. Ends early when stable.',
  scope: 'mqtt:read',
  effect: 'read',
  openWorld: true,
  timeoutMs: ({ duration }) => duration * 1000 + OVERHEAD_MS,
  touches: ({ topic }) => touchesTopics(topic),
  input: Input,
  output: z.object({
    groups: z.array(Group).describe('Those with the most topics first.'),
    more_groups: z.number().optional().describe('Structures beyond max_groups, not described.'),
    total_topics: z.number(),
    total_messages: z.number(),
    skipped: z.number().optional().describe('Messages that were too many to look at.'),
    ended_by: z.enum(['duration', 'stable', 'max_messages', 'connection_lost']),
    partial: z.literal(true).optional().describe('The connection was lost before the time was over.'),
    reason: z.string().optional().describe('Why the connection was lost.'),
    duration_s: z.number(),
  }),
  async handler(input, { sessions, clock, limits, caller, signal, emit }) {
    const { links } = await sessions.find(caller, input.session_id)
    const decoder = createDecoder({ protobuf: input.protobuf })
    const survey = createSurvey(decoder, { maxMessages: input.max_messages, maxBytes: limits.collectedBytes }, clock)
    const watch = input.stop_when_stable ? watchStability(survey) : undefined
    const gathered = await links.subscribeAlone(signal, (connection) =>
      gather(
        connection,
        {
          filter: input.topic,
          // As for list_topics: above 0, many retained messages at once can overflow the broker's queue.
          qos: 0,
          durationMs: input.duration * 1000,
          sink: {
            accept: (packet) => survey.accept(packet),
            full: watch ? Promise.race([survey.full, watch.stable]) : survey.full,
          },
          tick(elapsedMs) {
            survey.work(WORK_PER_TICK)
            watch?.look(elapsedMs)
            emit({
              progress: secondsOf(elapsedMs, input.duration),
              total: input.duration,
              message: `${survey.received()} messages of ${survey.topics().length} topics so far`,
            })
          },
        },
        { clock, signal },
      ),
    )
    // In slices: others have a turn in between.
    while (survey.work(WORK_PER_TURN) > 0) {
      await nextTurn()
      signal.throwIfAborted()
    }
    return resultOf(survey, gathered, input)
  },
})

const WORK_PER_TICK = 5000
const WORK_PER_TURN = 1000
function resultOf(survey: Survey, { ended, elapsedMs }: Gathered, input: Input) {
  const topics = survey.topics()
  const groups = groupTopics(topics)
  const more = groups.length - input.max_groups
  return {
    groups: groups.slice(0, input.max_groups).map((group) => describeGroup(group, input.detail === 'full')),
    ...(more > 0 && { more_groups: more }),
    total_topics: topics.length,
    total_messages: survey.received(),
    ...(survey.skipped() > 0 && { skipped: survey.skipped() }),
    ended_by: ended.by === 'full' ? reachedBy(survey, input) : ended.by,
    ...(ended.by === 'connection_lost' && { partial: true as const, reason: ended.reason }),
    duration_s: Math.round(elapsedMs) / 1000,
  }
}

const reachedBy = (survey: Survey, { max_messages }: Input) =>
  survey.received() >= max_messages ? ('max_messages' as const) : ('stable' as const)

const FULL_NAMES = 100
const COMPACT_NAMES = 3
const PREVIEW_CHARACTERS = 300

function describeGroup({ topics, schema }: SchemaGroup, full: boolean): z.output<typeof Group> {
  const names = topics.map(({ topic }) => topic)
  const retained = topics.reduce((sum, topic) => sum + topic.retained, 0)
  const smallest = Math.min(...topics.map((topic) => topic.smallest))
  const largest = Math.max(...topics.map((topic) => topic.largest))
  const { level, reason } = schemaConfidence(schema)
  const rendered = renderSchema(schema)
  const [example] = topics
  return {
    topics: commonFilter(names),
    topic_count: names.length,
    ...(names.length > 1 && { topic_names: names.slice(0, full ? FULL_NAMES : COMPACT_NAMES) }),
    messages: schema.messages,
    ...(retained > 0 && { retained }),
    formats: Object.fromEntries(schema.formats),
    size: smallest === largest ? String(smallest) : `${smallest}–${largest}`,
    confidence: level,
    reason,
    schema_id: schemaId(schema),
    ...(Object.keys(rendered).length > 0 && { schema: rendered }),
    ...(full && example && { latest: previewPayload(example.latest, example.latestSize, PREVIEW_CHARACTERS) }),
    ...(schema.notes.length > 0 && { notes: [...schema.notes] }),
  }
}
