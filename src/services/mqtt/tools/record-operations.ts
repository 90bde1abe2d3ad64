import { z } from 'zod'
import { operation } from '../../../kernel/operation.ts'
import { createCollector, type Collector } from '../collector.ts'
import { gather, type Gathered } from '../gather.ts'
import { redactedIn } from '../guard/redacted-packets.ts'
import { Duration, isoTime, OVERHEAD_MS, secondsOf, SessionId, type Toolkit } from '../toolkit.ts'
import { TopicFilter } from '../topic.ts'
import { lineOf } from './recording-line.ts'
import type { Draft, RecordingFacts } from './recordings.ts'

export const RecordingName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'must be 1 to 64 letters, digits and . _ -, the first a letter or digit')

const Facts = z.object({
  name: z.string(),
  topic: z.string(),
  recorded_at: z.string(),
  duration_s: z.number(),
  messages: z.number(),
  bytes: z.number(),
  redacted: z.number().optional().describe('So many secrets were left out.'),
})

const shownFacts = ({ name, filter, created_ms, duration_ms, messages, bytes, redacted }: RecordingFacts) => ({
  name,
  topic: filter,
  recorded_at: isoTime(created_ms),
  duration_s: duration_ms / 1000,
  messages,
  bytes,
  ...(redacted > 0 && { redacted }),
})

export const recordMessages = operation<Toolkit>()({
  name: 'mqtt.record_messages',
  summary: 'Record the messages of a topic filter under a name, to read, export or replay them later.',
  description: 'Kept by the hub until delete_recording. If the call is cancelled, what came until then is kept.',
  scope: 'mqtt:write',
  effect: 'write',
  openWorld: true,
  timeoutMs: ({ duration }) => duration * 1000 + OVERHEAD_MS,
  input: z.object({
    session_id: SessionId,
    topic: TopicFilter.describe('Topic filter.'),
    name: RecordingName.describe('Letters, digits and . _ -, at most 64.'),
    duration: Duration,
    max_messages: z.int().min(1).max(1_000_000).default(100_000).describe('Stop after so many (default 100000).'),
    qos: z.union([z.literal(0), z.literal(1), z.literal(2)]).default(0),
  }),
  output: Facts.extend({
    ended_by: z.enum(['duration', 'max_messages', 'max_bytes', 'connection_lost']),
    reason: z.string().optional(),
  }),
  async handler(input, { sessions, recordings, limits, clock, caller, signal, emit }) {
    const { links } = await sessions.find(caller, input.session_id)
    const facts = { name: input.name, filter: input.topic, created_ms: clock.now() }
    const draft = await recordings.begin(caller.id, facts)
    const maxBytes = Math.min(limits.recordingBytes, draft.room)
    const collector = createCollector({ maxMessages: input.max_messages, maxBytes }, clock)
    const recorder = { draft, collector, maxBytes }
    const tick = (elapsedMs: number) =>
      emit({
        progress: secondsOf(elapsedMs, input.duration),
        total: input.duration,
        message: `${collector.messages.length} recorded so far`,
      })
    const gathering = { filter: input.topic, qos: input.qos, durationMs: input.duration * 1000, sink: collector, tick }
    const gathered = await links
      .subscribeAlone(signal, (connection) => gather(connection, gathering, { clock, signal }))
      .catch(async (error: unknown) => {
        await keepOrDiscard(recorder)
        throw error
      })
    const { isCut, ...kept } = await keep(recorder)
    return { ...shownFacts({ ...facts, ...kept }), ...(isCut ? CUT : endOf(gathered, collector)) }
  },
})

interface Recorder {
  readonly draft: Draft
  readonly collector: Collector
  /** Of the lines, which are longer than what they hold. */
  readonly maxBytes: number
}

const CUT = { ended_by: 'max_bytes' as const }

/** Stores what came, as far as there is room. */
async function keep({ draft, collector: { messages }, maxBytes }: Recorder) {
  const startMs = messages[0]?.atMs ?? 0
  const lines: string[] = []
  let [t, bytes, redacted] = [0, 0, 0]
  for (const message of messages) {
    const at = Math.max(t, message.atMs - startMs)
    const line = lineOf(message, at)
    if (bytes + line.length + 1 > maxBytes) break
    lines.push(line)
    t = at
    bytes += line.length + 1
    redacted += redactedIn(message.packet)
  }
  await draft.finish(lines, { duration_ms: t, redacted, bytes })
  return { duration_ms: t, redacted, messages: lines.length, bytes, isCut: lines.length < messages.length }
}

async function keepOrDiscard(recorder: Recorder): Promise<void> {
  if (recorder.collector.messages.length === 0) await recorder.draft.discard()
  else await keep(recorder)
}

function endOf({ ended }: Gathered, collector: Collector) {
  if (ended.by === 'connection_lost') return { ended_by: ended.by, reason: ended.reason }
  return { ended_by: ended.by === 'duration' ? ended.by : (collector.limit() ?? 'duration') }
}

export const listRecordings = operation<Toolkit>()({
  name: 'mqtt.list_recordings',
  summary: 'List your recordings of MQTT messages.',
  scope: 'mqtt:read',
  effect: 'read',
  input: z.object({}),
  output: z.object({ recordings: z.array(Facts) }),
  async handler(_, { recordings, caller }) {
    return { recordings: (await recordings.list(caller.id)).map(shownFacts) }
  },
})

export const deleteRecording = operation<Toolkit>()({
  name: 'mqtt.delete_recording',
  summary: 'Delete one of your recordings.',
  scope: 'mqtt:write',
  effect: 'destructive',
  input: z.object({ name: RecordingName }),
  output: z.object({ deleted: Facts }),
  async handler({ name }, { recordings, caller }) {
    return { deleted: shownFacts(await recordings.remove(caller.id, name)) }
  },
})

export const getRecording = operation<Toolkit>()({
  name: 'mqtt.get_recording',
  summary: 'Read a recording page by page, as JSON lines.',
  description:
    'A line: t (milliseconds since the first), topic, text or base64; qos, retained and MQTT 5 properties where set.',
  scope: 'mqtt:read',
  effect: 'read',
  input: z.object({
    name: RecordingName,
    from_line: z.int().min(0).default(0).describe('next_line of the page before (default 0).'),
    max_bytes: z.int().min(1).max(4_194_304).default(16_384).describe('Of a page; at least one line comes.'),
  }),
  output: z.object({
    jsonl: z.string(),
    lines: z.number(),
    total_lines: z.number(),
    next_line: z.number().optional().describe('There are more.'),
  }),
  async handler({ name, from_line, max_bytes }, { recordings, caller, signal }) {
    const recording = await recordings.find(caller.id, name)
    const page: string[] = []
    let bytes = 0
    for await (const line of recording.lines(from_line)) {
      signal.throwIfAborted()
      bytes += Buffer.byteLength(line) + 1
      if (bytes > max_bytes && page.length > 0) break
      page.push(line)
    }
    const next = from_line + page.length
    return {
      jsonl: page.map((line) => `${line}\n`).join(''),
      lines: page.length,
      total_lines: recording.messages,
      ...(next < recording.messages && { next_line: next }),
    }
  },
})
