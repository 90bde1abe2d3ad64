import { z } from 'zod'
import { Fault } from '../../../kernel/fault.ts'
import { operation } from '../../../kernel/operation.ts'
import { OVERHEAD_MS, SessionId, type Toolkit } from '../toolkit.ts'
import { RecordingName } from './record-operations.ts'
import { planReplay, replay, type ReplayPlan } from './replay.ts'

const NAMED_TOPICS = 20

const ReplayInput = z.object({
  session_id: SessionId,
  recording: RecordingName.describe('Its name.'),
  speed: z
    .number()
    .min(0)
    .max(1000)
    .default(1)
    .describe('How many times as fast (0.01 to 1000, default 1); 0: as fast as the session may publish.'),
  topic_prefix: z
    .string()
    .max(1000)
    .optional()
    .describe('Put before each topic (default replay/, so that nothing at home takes it for real). "": as recorded.'),
  topic_map: z
    .record(z.string().min(1), z.string().min(1))
    .default({})
    .describe(
      'First levels of topics and what to put there, as {"zigbee2mqtt": "test/z2m"}. Others take topic_prefix; without one they are left out.',
    ),
  retain: z.boolean().default(false).describe('Default false: nothing is retained. True: what was retained is again.'),
  max_duration: z.number().min(1).max(3600).default(600).describe('Refuse what would take longer, in seconds.'),
  dry_run: z.boolean().default(false).describe('True: only say what would be published.'),
})

export const replayMessages = operation<Toolkit>()({
  name: 'mqtt.replay_messages',
  summary: 'Publish a recording again, at its own pace or another, under other topics.',
  description: 'The session’s rules hold for each message: if they refuse one, nothing is published. Can be cancelled.',
  scope: 'mqtt:write',
  effect: 'write',
  openWorld: true,
  timeoutMs: ({ max_duration }) => max_duration * 1000 + OVERHEAD_MS,
  input: ReplayInput,
  output: z.object({
    messages: z.number().describe('That were published; with dry_run, that would be.'),
    dry_run: z.literal(true).optional(),
    refused_by_broker: z.number().optional(),
    skipped: z.number().optional().describe('Left out: topic_map does not name their topic.'),
    redacted: z.number().optional().describe('So many have [redacted] where a secret was.'),
    takes_s: z.number().describe('By the recording and speed; the session’s cap may make it longer.'),
    topics: z.record(z.string(), z.string()).describe(`Recorded topic to replayed topic, the first ${NAMED_TOPICS}.`),
    refused: z.record(z.string(), z.string()).optional().describe('Topics that the rules refuse, and why.'),
  }),
  async handler(input, { sessions, recordings, clock, caller, signal, emit }) {
    const { links, guard } = await sessions.find(caller, input.session_id)
    const order = {
      recording: await recordings.find(caller.id, input.recording),
      mapping: { prefix: prefixOf(input), map: input.topic_map },
      speed: input.speed,
      retain: input.retain,
    }
    const plan = await planReplay(order, guard, signal)
    if (input.dry_run) return { ...resultOf(plan), dry_run: true as const }
    requireReplayable(plan, input.max_duration)
    const tick = (sent: number) => emit({ progress: sent, total: plan.messages })
    const { sent, unsent } = await links.use(signal, (connection) => replay(order, { connection, clock, signal, tick }))
    return { ...resultOf(plan), messages: sent, ...(unsent > 0 && { refused_by_broker: unsent }) }
  },
})

function prefixOf({ topic_prefix, topic_map }: z.output<typeof ReplayInput>): string | undefined {
  if (topic_prefix !== undefined) return topic_prefix
  return Object.keys(topic_map).length === 0 ? 'replay/' : undefined
}

function requireReplayable({ refused, takesMs }: ReplayPlan, maxSeconds: number): void {
  const [first] = refused
  if (first)
    throw new Fault(
      'forbidden',
      `Nothing was replayed: of ${refused.size} topics refused the first is ${first[0]}: ${first[1]}.`,
      {
        hint: 'dry_run: true lists them; topic_prefix and topic_map choose other topics.',
      },
    )
  if (takesMs > maxSeconds * 1000)
    throw new Fault(
      'invalid_input',
      `The replay would take ${Math.ceil(takesMs / 1000)} s, longer than max_duration.`,
      {
        hint: 'Raise speed or max_duration.',
      },
    )
}

const resultOf = ({ messages, skipped, redacted, takesMs, topics, refused }: ReplayPlan) => ({
  messages,
  ...(skipped > 0 && { skipped }),
  ...(redacted > 0 && { redacted }),
  takes_s: Math.round(takesMs) / 1000,
  topics: Object.fromEntries([...topics].slice(0, NAMED_TOPICS)),
  ...(refused.size > 0 && { refused: Object.fromEntries([...refused].slice(0, NAMED_TOPICS)) }),
})
