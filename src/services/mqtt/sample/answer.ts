import { z } from 'zod'
import { messageOf } from '../message.ts'
import type { Sampler } from './sampler.ts'
import type { MessageClass, Sample } from './shelf.ts'
import { estimateTokens } from './tokens.ts'

/** A message in few tokens. */
export const CompactMessage = z
  .object({
    t: z.number().describe('Seconds since the beginning.'),
    topic: z.string(),
    payload: z.unknown(),
    why: z.string().describe('Why it was kept: error, structure, change, value or repeat.'),
    retained: z.literal(true).optional(),
    cut: z.literal(true).optional(),
  })
  .describe('With detail compact.')

const Kept = z.object({ seen: z.number(), kept: z.number() })

/** What a sample says beside its messages. */
export const SampleFacts = {
  devices: z.array(z.string()).optional().describe('Each device as it is at the end.'),
  changes: z.array(z.string()).optional().describe('Each change of a state; +50: 50 seconds after the beginning.'),
  errors: z.array(z.string()).optional().describe('Each error by its meaning, how often and when.'),
  sampling: z
    .object({
      classes: z
        .record(z.string(), Kept)
        .describe(
          'error; structure: members no message had before; change: other words than its topic had; value: other ' +
            'numbers; repeat: nothing new.',
        ),
      dropped: z.number(),
      why: z.string().describe('What left out the dropped ones.'),
    })
    .optional(),
  tokens: z.number().optional().describe('Of this answer, about.'),
}

export interface AnswerOptions {
  readonly maxMessages: number
  /** Undefined: as many as it takes. */
  readonly maxTokens: number | undefined
  readonly maxPayloadBytes: number
  readonly detail: 'compact' | 'full'
  readonly startMs: number
  readonly nowMs: number
}

const COMPACT_PAYLOAD_BYTES = 300
/** The members around the lists, and the numbers. */
const FRAME_TOKENS = 250

/** The best of a window within its budget: the errors, changes and devices in words, then messages as they came. */
export function answerOf(sampler: Sampler, options: AnswerOptions) {
  const { detail, maxTokens = Infinity, maxMessages, nowMs } = options
  const story = sampler.story.lines(nowMs)
  let left = Math.max(maxTokens - FRAME_TOKENS, 0)
  const spend = (lines: readonly string[], share: number): string[] => {
    const fitted = fitLines(lines, left * share)
    left -= tokensOf(fitted)
    return fitted
  }
  const errors = spend(story.errors, 0.5)
  const changes = spend(story.changes, 0.7)
  const devices = spend(story.devices, 1)
  const best = sampler.best(maxMessages)
  const kept: Sample[] = []
  const shown = new Map<number, ReturnType<typeof shownAs>>()
  for (const sample of best) {
    const message = shownAs(sample, options)
    const cost = maxTokens === Infinity ? 0 : tokensOf(message)
    if (cost > left) continue
    left -= cost
    kept.push(sample)
    shown.set(sample.seq, message)
  }
  kept.sort((a, b) => a.seq - b.seq)
  const seen = sampler.seen()
  return {
    messages: kept.map(({ seq }) => shown.get(seq)).filter((message) => message !== undefined),
    returned: kept.length,
    ...(devices.length > 0 && { devices }),
    ...(changes.length > 0 && { changes }),
    ...(errors.length > 0 && { errors }),
    sampling: {
      classes: classesOf(sampler, kept),
      dropped: seen - kept.length,
      why: whyOf({ seen, best: best.length, kept: kept.length }),
    },
    ...(detail === 'compact' && maxTokens !== Infinity && { tokens: Math.round(maxTokens - left) }),
  }
}

const tokensOf = (value: unknown) => estimateTokens(JSON.stringify(value))

function fitLines(lines: readonly string[], tokens: number): string[] {
  const fitted: string[] = []
  let left = tokens
  for (const line of lines) {
    left -= tokensOf(line) + 1
    if (left < 0) return [...fitted, `… ${lines.length - fitted.length} more`]
    fitted.push(line)
  }
  return fitted
}

function shownAs({ received, kind, atMs }: Sample, { detail, maxPayloadBytes, startMs }: AnswerOptions) {
  if (detail === 'full') return messageOf(received, maxPayloadBytes)
  const { topic, payload, retained, cut } = messageOf(received, Math.min(maxPayloadBytes, COMPACT_PAYLOAD_BYTES))
  return {
    t: Math.round((atMs - startMs) / 100) / 10,
    topic,
    payload,
    why: kind,
    ...(retained && { retained: true as const }),
    ...(cut && { cut }),
  }
}

function classesOf(sampler: Sampler, kept: readonly Sample[]) {
  const counts = Object.entries(sampler.counts()) as [MessageClass, number][]
  const present = counts.filter(([, seen]) => seen > 0)
  return Object.fromEntries(
    present.map(([kind, seen]) => [kind, { seen, kept: kept.filter((sample) => sample.kind === kind).length }]),
  )
}

function whyOf({ seen, best, kept }: { seen: number; best: number; kept: number }): string {
  if (kept === seen) return 'nothing was'
  return kept < best ? 'max_tokens' : 'max_messages'
}
