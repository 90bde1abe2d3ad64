import { z } from 'zod'
import { Fault } from '../../../kernel/fault.ts'
import { operation } from '../../../kernel/operation.ts'
import { previewPayload } from '../payload.ts'
import { estimateTokens } from '../sample/tokens.ts'
import { isoTime, OVERHEAD_MS, SessionId, type Toolkit } from '../toolkit.ts'
import { topicMatcher } from '../../../kernel/topic.ts'
import { TopicFilter } from '../topic.ts'
import { changesOf, type Change } from './changes.ts'
import type { TopicEntry } from './topic-entry.ts'
import { touchesTopics } from '../touches.ts'

const Since = z
  .union([z.number().min(0).max(86_400), z.iso.datetime({ offset: true })])
  .default(300)
  .describe('Seconds ago (default 300), or a moment in ISO 8601, such as `now` of the answer before.')

const Lines = z.array(z.string())

export const whatChanged = operation<Toolkit>()({
  name: 'mqtt.what_changed',
  summary: 'Tell what is other than it was some time ago, value by value, and which topics are new, gone or silent.',
  description:
    'Answers at once from the index of the session, without listening. Give `now` of an answer as the next `since` ' +
    'to hear only what came after it.',
  scope: 'mqtt:read',
  effect: 'read',
  openWorld: true,
  timeoutMs: () => OVERHEAD_MS,
  touches: ({ pattern }) => touchesTopics(pattern),
  input: z.object({
    session_id: SessionId,
    since: Since,
    pattern: TopicFilter.default('#').describe('Topic filter (default #).'),
    detail: z
      .enum(['compact', 'full'])
      .default('compact')
      .describe('full: also what only moved in reception or times, and every value of a topic.'),
    limit: z.int().min(1).max(1000).default(50).describe('Lines of each kind (1 to 1000, default 50).'),
    max_tokens: z.int().min(200).max(100_000).default(2000).describe('Size of the answer, about (default 2000).'),
  }),
  output: z.object({
    since: z.string().describe('What the values are compared with: the moment asked for, or the nearest known one.'),
    now: z.string().describe('To be given as `since` next time.'),
    changed: Lines.describe('topic: value before → value now. States first, then numbers.'),
    new: Lines.optional().describe('Topics that had not been heard before, with their payload.'),
    cleared: Lines.optional().describe('Retained messages that were deleted.'),
    silent: Lines.optional().describe('Topics that missed four of their intervals.'),
    unchanged: z.number().describe('Topics that said nothing new, or nothing.'),
    more: z.number().optional().describe('Lines left out by limit or max_tokens.'),
    partial: z.literal(true).optional().describe('The connection is lost: what happened since then is missing.'),
    reason: z.string().optional(),
  }),
  async handler(input, { sessions, watches, caller, signal }) {
    const watch = watches.of(await sessions.find(caller, input.session_id))
    await watch.settled(signal)
    const state = watch.state()
    if (state.is === 'ended') throw noIndex(state.reason)
    const { index } = watch
    const matches = topicMatcher(input.pattern)
    const nowMs = index.mark()
    const sinceMs = typeof input.since === 'number' ? nowMs - input.since * 1000 : Date.parse(input.since)
    const changes = changesOf(index, { sinceMs: Math.max(sinceMs, index.startedMs), nowMs, matches })
    const isFull = input.detail === 'full'
    const told = isFull ? changes.changed : changes.changed.filter(({ isNoise }) => !isNoise)
    const ago = (ms: number) => `${Math.round((nowMs - ms) / 1000)} s ago`
    const lists = {
      changed: told.map((change) => `${changeText(change, isFull)} (${ago(change.lastMs)})`),
      cleared: changes.cleared.map(({ topic, lastMs }) => `${topic} (${ago(lastMs)})`),
      silent: changes.silent.map(({ topic, lastMs }) => `${topic} (last ${ago(lastMs)})`),
      new: changes.appeared.map((entry) => `${entry.topic}: ${preview(entry)}`),
    }
    const budget = { tokens: input.max_tokens, more: 0 }
    const fitted = Object.fromEntries(
      Object.entries(lists).map(([name, lines]) => [name, fit(lines, input.limit, budget)]),
    )
    const known = [...index.entries()].filter(({ topic }) => matches(topic)).length
    const { changed = [], ...others } = fitted
    return {
      since: isoTime(changes.fromMs),
      now: isoTime(nowMs),
      changed,
      ...Object.fromEntries(Object.entries(others).filter(([, lines]) => lines.length > 0)),
      unchanged: known - told.length - changes.appeared.length - changes.cleared.length,
      ...(budget.more > 0 && { more: budget.more }),
      ...(state.is === 'interrupted' && { partial: true as const, reason: state.reason }),
    }
  },
})

const MOST_VALUES = 6

function changeText({ topic, differences }: Change, isFull: boolean): string {
  const most = isFull ? differences.length : MOST_VALUES
  const more = differences.length > most ? ` and ${differences.length - most} more` : ''
  return `${topic}: ${differences.slice(0, most).join(', ')}${more}`
}

const preview = ({ payload, size }: TopicEntry) => previewPayload(Buffer.from(payload, 'latin1'), size, 60)

/** Takes the lines that fit into what is left, and counts the others. */
function fit(lines: readonly string[], limit: number, budget: { tokens: number; more: number }): string[] {
  const fitted: string[] = []
  for (const line of lines) {
    const cost = estimateTokens(line) + 3
    if (fitted.length >= limit || cost > budget.tokens) break
    budget.tokens -= cost
    fitted.push(line)
  }
  budget.more += lines.length - fitted.length
  return fitted
}

const noIndex = (reason: string) =>
  new Fault('conflict', `This session has no index to compare with: ${reason}`, {
    hint: 'Use subscribe_and_collect, which listens itself.',
  })
