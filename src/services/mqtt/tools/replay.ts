import { sleep, type Clock } from '../../../kernel/clock.ts'
import { Fault } from '../../../kernel/fault.ts'
import type { Connection, Publication } from '../connection.ts'
import type { Guard } from '../guard/write-guard.ts'
import { topicNameProblem } from '../../../kernel/topic.ts'
import { parseLine, publicationOf } from './recording-line.ts'
import type { Recording } from './recordings.ts'
import { mapTopic, type TopicMapping } from './topic-map.ts'

export interface ReplayOrder {
  readonly recording: Recording
  readonly mapping: TopicMapping
  /** How many times as fast; 0: as fast as the session may publish. */
  readonly speed: number
  /** Whether what was retained is retained again. */
  readonly retain: boolean
}

/** What a replay would do. */
export interface ReplayPlan {
  readonly messages: number
  /** Left out: no topic for them. */
  readonly skipped: number
  /** Messages with a secret that was not recorded. */
  readonly redacted: number
  readonly takesMs: number
  /** Recorded topic to replayed topic. */
  readonly topics: ReadonlyMap<string, string>
  /** Replayed topic to why it is refused. */
  readonly refused: ReadonlyMap<string, string>
}

interface Step {
  readonly atMs: number
  readonly recordedTopic: string
  readonly redacted: boolean
  /** Undefined: left out. */
  readonly publication: Publication | undefined
}

/** The most topics that a plan names. */
const NAMED = 1000

/** Looks at each message as it would be published, and publishes none. */
export async function planReplay(order: ReplayOrder, guard: Guard, signal: AbortSignal): Promise<ReplayPlan> {
  const topics = new Map<string, string>()
  const refused = new Map<string, string>()
  const counts = { messages: 0, skipped: 0, redacted: 0, takesMs: 0 }
  for await (const { publication, recordedTopic, atMs, redacted } of stepsOf(order)) {
    signal.throwIfAborted()
    if (!publication) {
      counts.skipped += 1
      continue
    }
    counts.messages += 1
    counts.takesMs = atMs
    if (redacted) counts.redacted += 1
    if (topics.size < NAMED) topics.set(recordedTopic, publication.topic)
    const problem = problemOf(publication, guard)
    if (problem !== undefined && refused.size < NAMED) refused.set(publication.topic, problem)
  }
  return { ...counts, topics, refused }
}

function problemOf(publication: Publication, guard: Guard): string | undefined {
  const problem = topicNameProblem(publication.topic)
  if (problem !== undefined) return `it ${problem}`
  const verdict = guard.verdict(publication)
  return verdict.allowed ? undefined : `${verdict.why} (rule ${verdict.rule})`
}

export interface ReplayRun {
  readonly connection: Connection
  readonly clock: Clock
  readonly signal: AbortSignal
  /** After each message. */
  tick(sent: number): void
}

/** Publishes at the recorded times. `unsent`: the broker refused so many. Throws Fault, saying how many were sent. */
export async function replay(order: ReplayOrder, run: ReplayRun): Promise<{ sent: number; unsent: number }> {
  const { connection, clock, signal } = run
  const startMs = clock.monotonic()
  let sent = 0
  let unsent = 0
  for await (const { publication, atMs } of stepsOf(order)) {
    if (!publication) continue
    const waitMs = startMs + atMs - clock.monotonic()
    if (waitMs > 0) await sleep(clock, waitMs, signal)
    signal.throwIfAborted()
    try {
      const code = await paced(run, withoutWhatIsNew(publication, connection))
      if (code >= 128) unsent += 1
      else sent += 1
    } catch (error) {
      throw signal.aborted || !(error instanceof Fault) ? error : stoppedAfter(sent, error)
    }
    run.tick(sent)
  }
  return { sent, unsent }
}

async function* stepsOf({ recording, mapping, speed, retain }: ReplayOrder): AsyncGenerator<Step, void, undefined> {
  for await (const line of recording.lines(0)) {
    const message = parseLine(line)
    const topic = mapTopic(mapping, message.topic)
    yield {
      atMs: speed === 0 ? 0 : message.t / speed,
      recordedTopic: message.topic,
      redacted: message.redacted !== undefined,
      publication: topic === undefined ? undefined : publicationOf(message, topic, retain && message.retained === true),
    }
  }
}

/** Waits where the session's own cap says so: a replay that is too fast becomes slower, not shorter. */
async function paced({ connection, clock, signal }: ReplayRun, publication: Publication): Promise<number> {
  for (;;) {
    try {
      return await connection.publish(publication, signal)
    } catch (error) {
      if (!(error instanceof Fault) || error.code !== 'rate_limited') throw error
      await sleep(clock, error.retryAfterMs ?? 1000, signal)
    }
  }
}

/** MQTT 3.1.1 has no properties. */
function withoutWhatIsNew(publication: Publication, { protocolVersion }: Connection): Publication {
  const { properties: _, ...plain } = publication
  return protocolVersion === 5 ? publication : plain
}

const stoppedAfter = (sent: number, { code, message, hint }: Fault) =>
  new Fault(code, `The replay stopped after ${sent} messages: ${message}`, hint === undefined ? {} : { hint })
