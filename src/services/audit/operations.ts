import { z } from 'zod'
import type { Clock } from '../../kernel/clock.ts'
import { operation } from '../../kernel/operation.ts'
import type { People } from '../../kernel/people.ts'
import { COUNTED_BY, type Trail, type TrailEntry } from '../../kernel/trail.ts'
import { describeEntry, describeReport, Entry, FILTER, filterOf, rangeOf, Report } from './shapes.ts'

interface Deps {
  trail: Trail
  people: Pick<People, 'named'>
  clock: Clock
}

export const searchAudit = operation<Deps>()({
  name: 'audit.search_audit',
  summary: 'Who called what, when, from where, with what outcome: the newest first.',
  description: 'Every call is on record, and what matters for security besides: failed logins, refused connections.',
  scope: 'audit:read',
  effect: 'read',
  input: z.object({
    ...FILTER,
    limit: z.int().min(1).max(500).default(50),
    cursor: z.string().max(40).optional().describe('Of the last answer, for what is older'),
  }),
  output: z.object({ entries: z.array(Entry), cursor: z.string().optional().describe('Absent: there is no more') }),
  async handler({ limit, cursor, ...filter }, { trail, people, signal }) {
    const page = await trail.search(
      filterOf(filter, people),
      { most: limit, ...(cursor !== undefined && { cursor }) },
      signal,
    )
    return { entries: page.entries.map(describeEntry), ...(page.cursor !== undefined && { cursor: page.cursor }) }
  },
})

export const countAudit = operation<Deps>()({
  name: 'audit.count_audit',
  summary: 'How many calls there were, and of what: by operation, caller, outcome and the like.',
  scope: 'audit:read',
  effect: 'read',
  timeoutMs: 120_000,
  input: z.object({ ...FILTER, by: z.enum(COUNTED_BY).optional() }),
  output: z.object({
    count: z.number(),
    groups: z.array(z.object({ of: z.string(), count: z.number(), failed: z.number() })),
  }),
  async handler({ by, ...filter }, { trail, people, signal }) {
    const { count, groups } = await trail.count(filterOf(filter, people), by, signal)
    return { count, groups: groups.map((group) => ({ ...group })) }
  },
})

export const verifyAudit = operation<Deps>()({
  name: 'audit.verify_audit',
  summary: 'Check that no entry of the audit was changed, removed, added or moved.',
  description: 'Says which entry is the first that is not as it was signed, and what was done to it.',
  scope: 'audit:read',
  effect: 'read',
  streams: true,
  timeoutMs: 1_800_000,
  input: z.object({ from: FILTER.from, to: FILTER.to }),
  output: Report,
  async handler(range, { trail, signal, emit }) {
    return describeReport(await trail.verify(rangeOf(range), signal, (done) => emit({ progress: done })))
  },
})

const Line = z.record(z.string(), z.union([z.string(), z.number(), z.null()]))

export const exportAudit = operation<Deps>()({
  name: 'audit.export_audit',
  summary: 'The entries as they are signed, to be kept and verified elsewhere.',
  scope: 'audit:read',
  effect: 'read',
  input: z.object({
    place: z.string().max(60).optional().describe('`next` of the last answer'),
    limit: z.int().min(1).max(2000).default(500),
  }),
  output: z.object({ lines: z.array(Line), next: z.string().optional().describe('Absent: that was all') }),
  async handler({ place, limit }, { trail }) {
    const { lines, next } = await trail.lines(place, limit)
    return { lines: lines.map((line) => ({ ...line })), ...(next !== undefined && { next }) }
  },
})

/** Entries that one piece of news carries: what comes faster than this is told in several. */
const TOLD_AT_ONCE = 100

export const followAudit = operation<Deps>()({
  name: 'audit.follow_audit',
  summary: 'Entries of the audit as they are written, until the time is over.',
  scope: 'audit:read',
  effect: 'read',
  streams: true,
  timeoutMs: ({ seconds }) => (seconds + 5) * 1000,
  input: z.object({ seconds: z.int().min(1).max(3600).default(60) }),
  output: z.object({ told: z.number() }),
  handler: ({ seconds }, { trail, signal, emit, clock }) =>
    new Promise((resolve, reject) => {
      let told = 0
      const tell = (entries: readonly TrailEntry[]) => {
        for (let at = 0; at < entries.length; at += TOLD_AT_ONCE) {
          const some = entries.slice(at, at + TOLD_AT_ONCE)
          emit({ progress: (told += some.length), data: { entries: some.map(describeEntry) } })
        }
      }
      const end = trail.follow(tell)
      const cancel = clock.after(seconds * 1000, () => {
        stop()
        resolve({ told })
      })
      const giveUp = () => {
        stop()
        reject(signal.reason as Error)
      }
      const stop = () => {
        end()
        cancel()
        signal.removeEventListener('abort', giveUp)
      }
      signal.addEventListener('abort', giveUp, { once: true })
    }),
})
