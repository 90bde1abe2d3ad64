import type { CallContext } from '../../kernel/tool.ts'
import { createCollector, type Collector } from './collector.ts'
import type { Gathered } from './gather.ts'
import { messageOf } from './message.ts'
import { answerOf } from './sample/answer.ts'
import { createSampler } from './sample/sampler.ts'
import { secondsOf, type Toolkit } from './toolkit.ts'

export interface Wish {
  /** Seconds. */
  readonly duration: number
  readonly max_messages: number
  readonly max_tokens?: number | undefined
  readonly detail?: 'compact' | 'full' | undefined
  readonly max_payload_bytes: number
}

type Context = Pick<Toolkit, 'clock' | 'limits'> & Pick<CallContext, 'emit'>

const MOST_SAMPLES = 10_000
/** What an answer may cost when nobody says: a model has other things to read too. */
const COMPACT_TOKENS = 4000

/** The whole window, however much comes, in constant memory. */
export function sampled(wish: Wish, { clock, limits, emit }: Context) {
  const startMs = clock.now()
  const { duration, max_payload_bytes: maxPayloadBytes, detail = 'compact' } = wish
  const maxMessages = Math.min(wish.max_messages, MOST_SAMPLES)
  const sampler = createSampler({ clock, maxMessages, maxPayloadBytes, maxBytes: limits.collectedBytes })
  const maxTokens = wish.max_tokens ?? (detail === 'compact' ? COMPACT_TOKENS : undefined)
  return {
    sink: sampler,
    report(elapsedMs: number) {
      const message = `${counted(sampler.seen())}, errors: ${sampler.counts().error}`
      emit({ progress: secondsOf(elapsedMs, duration), total: duration, message })
    },
    result({ ended }: Gathered) {
      sampler.finish()
      const options = { maxMessages, maxTokens, maxPayloadBytes, detail, startMs, nowMs: clock.now() }
      const lost = ended.by === 'connection_lost' && { partial: true as const, reason: ended.reason }
      return {
        ...answerOf(sampler, options),
        received: sampler.seen(),
        ended_by: ended.by === 'full' ? ('duration' as const) : ended.by,
        ...lost,
      }
    },
  }
}

/** Every message as it comes, until there are enough; streamed to those who listen. */
export function firstMessages(wish: Wish, { clock, limits, emit }: Context) {
  const collector = createCollector({ maxMessages: wish.max_messages, maxBytes: limits.collectedBytes }, clock)
  const { messages } = collector
  const shown = (from: number, to: number) =>
    messages.slice(from, to).map((received) => messageOf(received, wish.max_payload_bytes))
  let reported = 0
  return {
    sink: collector,
    report(elapsedMs: number) {
      const [from, to] = [reported, messages.length]
      reported = to
      emit({
        progress: secondsOf(elapsedMs, wish.duration),
        total: wish.duration,
        message: counted(to),
        // Decoded only if somebody reads it.
        get data() {
          return { messages: shown(from, to) }
        },
      })
    },
    result: (gathered: Gathered) => ({
      messages: shown(0, messages.length),
      received: collector.received(),
      returned: messages.length,
      ...endOf(gathered, collector),
    }),
  }
}

const counted = (count: number) => `${count} message${count === 1 ? '' : 's'} so far`

function endOf({ ended }: Gathered, collector: Collector) {
  if (ended.by === 'connection_lost') return { ended_by: ended.by, partial: true as const, reason: ended.reason }
  const limit = collector.limit()
  if (ended.by === 'duration' || limit === undefined) return { ended_by: 'duration' as const }
  return { ended_by: limit, ...(limit === 'max_bytes' && { truncated: true as const }) }
}
