import { decode } from '../decode/decode.ts'
import { differencesOf, differenceText, isNoise } from './difference.ts'
import type { LiveIndex } from './live-index.ts'
import type { TopicEntry } from './topic-entry.ts'

/** A topic whose payload is other than it was. */
export interface Change {
  readonly topic: string
  /** What differs, in words, the most telling first. */
  readonly differences: readonly string[]
  /** Differences only in reception or times. */
  readonly isNoise: boolean
  /** Only numbers moved. */
  readonly isDrift: boolean
  readonly lastMs: number
}

export interface Changes {
  /** The moment that the values are compared with: the nearest before the one asked for. */
  readonly fromMs: number
  readonly changed: readonly Change[]
  readonly appeared: readonly TopicEntry[]
  /** What the broker kept was deleted. */
  readonly cleared: readonly TopicEntry[]
  /** Silent for much longer than they used to be. */
  readonly silent: readonly TopicEntry[]
}

/** Silent for so many of its own intervals; learned from as many messages. */
const MISSED = 4
const LEARNED_FROM = 5

/** Value by value what is other than it was, of the topics that match. States come before numbers that drift. */
export function changesOf(
  index: LiveIndex,
  { sinceMs, nowMs, matches }: { sinceMs: number; nowMs: number; matches: (topic: string) => boolean },
): Changes {
  const { fromMs, before } = index.changesSince(sinceMs)
  const changed: Change[] = []
  const appeared: TopicEntry[] = []
  const cleared: TopicEntry[] = []
  const silent: TopicEntry[] = []
  for (const entry of index.entries()) {
    if (!matches(entry.topic)) continue
    // What the broker had kept before the index began is not new.
    if (entry.firstMs >= fromMs && !entry.retained && fromMs > index.startedMs) appeared.push(entry)
    else if (entry.cleared && entry.lastMs >= fromMs) cleared.push(entry)
    else if (isSilent(entry, { fromMs, nowMs })) silent.push(entry)
    const was = before.get(entry)
    const change = was && entry.firstMs < fromMs && !entry.cleared ? changeOf(entry, was.payload) : undefined
    if (change) changed.push(change)
  }
  const rank = ({ isNoise, isDrift }: Change) => (isNoise ? 2 : isDrift ? 1 : 0)
  changed.sort((a, b) => rank(a) - rank(b) || b.lastMs - a.lastMs)
  return { fromMs, changed, appeared, cleared, silent }
}

function isSilent(
  { count, firstMs, lastMs, retained }: TopicEntry,
  { fromMs, nowMs }: { fromMs: number; nowMs: number },
): boolean {
  if (count < LEARNED_FROM || (retained && count === 1)) return false
  const interval = (lastMs - firstMs) / (count - 1)
  const due = lastMs + interval * MISSED
  return interval > 0 && due < nowMs && due >= fromMs
}

function changeOf(entry: TopicEntry, before: string): Change | undefined {
  if (before === entry.payload) return undefined
  const differences = differencesOf(valueOf(entry.topic, before), valueOf(entry.topic, entry.payload))
  if (differences.length === 0) return undefined
  const telling = differences.filter((difference) => !isNoise(difference))
  return {
    topic: entry.topic,
    differences: (telling.length > 0 ? telling : differences).map(differenceText),
    isNoise: telling.length === 0,
    isDrift: telling.every(({ was, is }) => typeof was === 'number' && typeof is === 'number'),
    lastMs: entry.lastMs,
  }
}

/** Of what is no text, the format and how many bytes are known of it: two pictures are never compared. */
function valueOf(topic: string, latin1: string): unknown {
  const payload = Buffer.from(latin1, 'latin1')
  const { value, format } = decode(topic, payload)
  return value ?? (payload.length === 0 ? '(empty)' : `<${format}, ${payload.length} bytes or more>`)
}
