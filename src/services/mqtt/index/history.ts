import type { Clock } from '../../../kernel/clock.ts'
import type { TopicEntry } from './topic-entry.ts'

/** A topic and what its payload had been. */
export interface Before {
  readonly entry: TopicEntry
  readonly payload: string
  /** When that payload had come, wall-clock milliseconds. */
  readonly atMs: number
}

/** What payloads were before they changed, as far back as the memory for it reaches. */
export interface History {
  /** To be told before an entry takes a new payload. */
  note(entry: TopicEntry, payload: string, nowMs: number): void
  /** Begins a new stretch, so that a question can later be asked from exactly here. Returns the moment. */
  cut(nowMs: number): number
  /** The value each topic that changed since had then. `fromMs`: the moment it is exact for, the nearest before. */
  since(sinceMs: number): { readonly fromMs: number; readonly before: ReadonlyMap<TopicEntry, Before> }
  bytes(): number
}

interface Stretch {
  readonly number: number
  readonly startMs: number
  readonly notes: Before[]
  bytes: number
}

const STRETCH_MS = 10_000
/** An hour of stretches; what is older is of no use for "what changed". */
const MOST_STRETCHES = 720
const NOTE_BYTES = 100

/**
 * An undo log in stretches of ten seconds: the first change of a topic in a stretch notes what was before. The value at
 * the beginning of a stretch is thus the first note of the topic from there on. A topic that repeats itself costs
 * nothing; the oldest stretch goes when memory is short.
 */
export function createHistory({ clock, maxBytes }: { clock: Clock; maxBytes: number }): History {
  const first: Stretch = { number: 1, startMs: clock.now(), notes: [], bytes: 0 }
  const stretches: Stretch[] = [first]
  let newest = first
  let bytes = 0

  const begin = (nowMs: number): Stretch => {
    newest = { number: newest.number + 1, startMs: nowMs, notes: [], bytes: 0 }
    stretches.push(newest)
    if (stretches.length > MOST_STRETCHES) bytes -= stretches.shift()?.bytes ?? 0
    return newest
  }

  const running = (nowMs: number): Stretch =>
    // An empty one lasts: silence takes no memory. A clock that was set back begins one too.
    (nowMs - newest.startMs >= STRETCH_MS && newest.notes.length > 0) || nowMs < newest.startMs ? begin(nowMs) : newest

  return {
    note(entry, payload, nowMs) {
      if (payload === entry.payload) return
      const stretch = running(nowMs)
      if (entry.stretch === stretch.number) return
      entry.stretch = stretch.number
      stretch.notes.push({ entry, payload: entry.payload, atMs: entry.lastMs })
      const cost = entry.payload.length + NOTE_BYTES
      stretch.bytes += cost
      bytes += cost
      while (bytes > maxBytes && stretches.length > 1) bytes -= stretches.shift()?.bytes ?? 0
    },
    cut(nowMs) {
      if (newest.notes.length > 0 || newest.startMs !== nowMs) begin(nowMs)
      return nowMs
    },
    since(sinceMs) {
      const found = stretches.findLastIndex(({ startMs }) => startMs <= sinceMs)
      const from = stretches.slice(Math.max(found, 0))
      const before = new Map<TopicEntry, Before>()
      for (const { notes } of from) for (const note of notes) if (!before.has(note.entry)) before.set(note.entry, note)
      return { fromMs: from[0]?.startMs ?? sinceMs, before }
    },
    bytes: () => bytes,
  }
}
