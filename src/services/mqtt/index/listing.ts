import { Fault } from '../../../kernel/fault.ts'
import type { LiveIndex } from './live-index.ts'
import type { TopicEntry } from './topic-entry.ts'

/** How a list is ordered: by name upwards, by the others from the most. */
export const SORTS = ['name', 'rate', 'recency', 'size'] as const
export type Sort = (typeof SORTS)[number]

export interface ListOptions {
  readonly matches: (topic: string) => boolean
  readonly sort: Sort
  readonly limit: number
  /** Of the page before. */
  readonly cursor?: string | undefined
}

export interface Listing {
  readonly entries: readonly TopicEntry[]
  readonly total: number
  readonly messages: number
  /** There are more. */
  readonly cursor?: string
}

interface Ranked {
  readonly rank: number
  readonly entry: TopicEntry
}

/**
 * One page, without sorting all: what comes before the page and what lies behind its last line so far is passed over
 * with one comparison. A cursor is the place of the last line, so a topic that is new does not shift the others; one
 * whose rate or time changed meanwhile may show up twice or not at all.
 */
export function listIndex(index: LiveIndex, { matches, sort, limit, cursor }: ListOptions): Listing {
  const rankOf = ranks(index)[sort]
  const after = cursor === undefined ? undefined : parseCursor(cursor)
  const page: Ranked[] = []
  let total = 0
  let messages = 0
  let behind = 0
  for (const entry of index.entries()) {
    if (!matches(entry.topic)) continue
    total += 1
    messages += entry.count
    const ranked = { rank: rankOf(entry), entry }
    if (after !== undefined && !comesBefore(after.rank, after.topic, ranked)) continue
    behind += 1
    const last = page.at(-1)
    if (page.length >= limit && last && comesBefore(last.rank, last.entry.topic, ranked)) continue
    insert(page, ranked)
    if (page.length > limit) page.pop()
  }
  const last = page.at(-1)
  const more = behind > page.length && last !== undefined
  return {
    entries: page.map(({ entry }) => entry),
    total,
    messages,
    ...(more && { cursor: JSON.stringify([last.rank, last.entry.topic]) }),
  }
}

/** The larger comes first. */
const ranks = (index: LiveIndex): Record<Sort, (entry: TopicEntry) => number> => ({
  name: () => 0,
  rate: (entry) => index.ratePerMinute(entry),
  recency: ({ lastMs }) => lastMs,
  size: ({ size }) => size,
})

const comesBefore = (rank: number, topic: string, than: Ranked) =>
  rank === than.rank ? topic < than.entry.topic : rank > than.rank

function insert(page: Ranked[], ranked: Ranked): void {
  let low = 0
  let high = page.length
  while (low < high) {
    const middle = (low + high) >>> 1
    const there = page[middle]
    if (there && comesBefore(there.rank, there.entry.topic, ranked)) low = middle + 1
    else high = middle
  }
  page.splice(low, 0, ranked)
}

function parseCursor(cursor: string): { rank: number; topic: string } {
  try {
    const value: unknown = JSON.parse(cursor)
    if (Array.isArray(value) && typeof value[0] === 'number' && typeof value[1] === 'string')
      return { rank: value[0], topic: value[1] }
  } catch {
    // Answered below.
  }
  throw new Fault('invalid_input', 'cursor: it is none that list_topics gave.', {
    hint: 'Give next_cursor of the page before, with the same arguments; or none, to begin anew.',
  })
}
