import type { z } from 'zod'
import type { Clock } from '../../../kernel/clock.ts'
import { previewPayload } from '../payload.ts'
import type { TopicList } from '../topic-list.ts'
import { topicMatcher } from '../../../kernel/topic.ts'
import { createKinship, type Kinship } from './kinship.ts'
import { collapseTopics, type TopicGroup } from './collapse.ts'
import { listIndex, type Sort } from './listing.ts'
import type { LiveIndex } from './live-index.ts'
import type { TopicEntry } from './topic-entry.ts'
import type { Watch } from './watch.ts'

type Page = z.output<typeof TopicList>
type Line = Page['topics'][number]

export interface PageOptions {
  readonly pattern: string
  readonly sort: Sort
  readonly collapse: 'auto' | 'always' | 'never'
  readonly detail: 'compact' | 'full'
  readonly limit: number
  readonly cursor?: string | undefined
}

/** Above so many topics `auto` collapses: up to there the whole is worth its tokens. */
const COLLAPSE_ABOVE = 50

const COMPACT_CHARACTERS = 80
const FULL_CHARACTERS = 400

/** A page of what the index knows. Throws Fault `invalid_input` for a cursor that is none. */
export function pageOfIndex(
  { index, state }: Pick<Watch, 'index' | 'state'>,
  options: PageOptions,
  clock: Clock,
): Page {
  const nowMs = clock.now()
  const watching = state()
  const evicted = index.evicted()
  const { topics, total, messages, next } = pageLines({
    index,
    options,
    nowMs,
    matches: topicMatcher(options.pattern),
    kinOf: createKinship(),
  })
  return {
    topics,
    total_topics: total,
    total_messages: messages,
    ended_by: 'index',
    ...(watching.is === 'interrupted' && { partial: true as const, reason: watching.reason }),
    duration_s: Math.round((nowMs - index.startedMs) / 1000),
    ...(evicted > 0 && { evicted_topics: evicted }),
    ...(next !== undefined && { next_cursor: next }),
  }
}

interface Asked {
  readonly index: LiveIndex
  readonly options: PageOptions
  readonly nowMs: number
  readonly matches: (topic: string) => boolean
  readonly kinOf: (entry: TopicEntry) => Kinship
}

function pageLines(asked: Asked) {
  const { index, options, matches } = asked
  const { sort, limit, cursor, collapse } = options
  if (isCollapsedCursor(cursor) || (cursor === undefined && collapse === 'always')) return collapsedLines(asked)
  const { entries, total, messages, cursor: next } = listIndex(index, { matches, sort, limit, cursor })
  // A list from the most is wanted singly; further pages are like the first.
  if (cursor === undefined && collapse === 'auto' && sort === 'name' && total > COLLAPSE_ABOVE)
    return collapsedLines(asked)
  return { topics: entries.map((entry) => lineOf(entry, asked)), total, messages, next }
}

const isCollapsedCursor = (cursor: string | undefined) => cursor?.startsWith(COLLAPSED) === true

/** Begins the cursor of a collapsed list; the last pattern follows. Those of other lists begin with `[` and a number. */
const COLLAPSED = '[+]'

function collapsedLines(asked: Asked) {
  const { limit, cursor } = asked.options
  const entries = [...asked.index.entries()].filter(({ topic }) => asked.matches(topic))
  const groups = collapseTopics(entries)
  const after = cursor?.slice(COLLAPSED.length)
  const begin = after === undefined ? 0 : groups.filter(({ pattern }) => pattern <= after).length
  const page = groups.slice(begin, begin + limit)
  const last = page.at(-1)
  return {
    topics: page.map((group) => groupLine(group, asked)),
    total: entries.length,
    messages: entries.reduce((sum, { count }) => sum + count, 0),
    next: begin + limit < groups.length && last ? `${COLLAPSED}${last.pattern}` : undefined,
  }
}

function groupLine(group: TopicGroup, asked: Asked): Line {
  const line = lineOf(group.latest, asked)
  if (group.topics === 1) return line
  const { payload, age_s } = line
  return {
    topic: group.pattern,
    topics: group.topics,
    names: [...group.names],
    payload,
    messages: group.messages,
    ...(age_s !== undefined && { age_s }),
    ...(group.retained === group.topics && { retained: true }),
  }
}

function lineOf(entry: TopicEntry, { index, options, nowMs, kinOf }: Asked): Line {
  const isFull = options.detail === 'full'
  const perMinute = Number(index.ratePerMinute(entry).toPrecision(2))
  return {
    topic: entry.topic,
    payload: previewPayload(
      Buffer.from(entry.payload, 'latin1'),
      entry.size,
      isFull ? FULL_CHARACTERS : COMPACT_CHARACTERS,
    ),
    messages: entry.count,
    ...(perMinute > 0 && { per_minute: perMinute }),
    ...(entry.retained && { retained: true }),
    age_s: Math.round((nowMs - entry.lastMs) / 1000),
    ...(isFull && {
      ...kinOf(entry),
      size: entry.size,
      first_seen: new Date(entry.firstMs).toISOString(),
      last_seen: new Date(entry.lastMs).toISOString(),
    }),
  }
}
