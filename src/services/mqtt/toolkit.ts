import { z } from 'zod'
import type { Clock } from '../../kernel/clock.ts'
import type { Broker } from '../../kernel/ports.ts'
import type { Watches } from './index/watches.ts'
import type { MqttLimits } from './limits.ts'
import type { Sessions } from './sessions.ts'
import type { Snapshots } from './snapshots.ts'
import type { Recordings } from './tools/recordings.ts'
import type { TopicFacts, TopicListHead } from './topic-index.ts'

/** What the operations work on. */
export interface Toolkit {
  readonly sessions: Sessions
  readonly broker: Broker
  readonly clock: Clock
  readonly limits: MqttLimits
  /** The live indexes of sessions. */
  readonly watches: Watches
  readonly recordings: Recordings
  readonly topicLists: Snapshots<TopicFacts, TopicListHead>
}

/**
 * What a call may take beside the time it was asked to listen: connecting again and waiting for the broker's answers,
 * each of which has its own limit. Milliseconds.
 */
export const OVERHEAD_MS = 60_000

export const SessionId = z.uuid().describe('From establish_connection or list_active_connections.')

/** How long to listen, seconds. */
export const Duration = z
  .number()
  .min(0.1)
  .max(3600)
  .default(30)
  .describe('How long to listen, in seconds (0.1 to 3600, default 30).')

export const isoTime = (ms: number) => new Date(ms).toISOString()

/** Progress of listening, seconds: to the microsecond, because each report must be more than the one before. */
export const secondsOf = (elapsedMs: number, durationSeconds: number) =>
  Math.min(Math.round(elapsedMs * 1000) / 1_000_000, durationSeconds)
