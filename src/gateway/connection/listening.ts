import { sleep } from '../../kernel/clock.ts'
import type { AnswerStream } from './answer-stream.ts'
import { discard } from './http-body.ts'
import { contentTypeOf } from './http-endpoint.ts'
import type { HttpAnswer } from './http-exchange.ts'
import type { WireOptions } from './wire.ts'

/** The longest wait between two attempts to listen again. */
const LONGEST_WAIT_MS = 60_000
/** A stream that lived as long as this was a good one: the next wait is short again. */
const GOOD_MS = 10_000
/** Refusals below 500 that pass by themselves: too slow, too early, too often. */
const PASSING: ReadonlySet<number> = new Set([408, 425, 429])

export interface ListeningOptions extends Pick<WireOptions, 'clock' | 'log'> {
  readonly signal: AbortSignal
  readonly get: (lastEventId: string | undefined) => Promise<HttpAnswer>
  /** The server does not know the session any more. */
  readonly onGone: () => void
  /** It is open again, and the server was not told where to go on. */
  readonly onGap: () => void
}

/**
 * Hears what a server says that answers nothing, over a GET (2025-03-26 to 2025-11-25, "Listening for Messages from the
 * Server"). A server that offers no such stream is not asked again. Resolves at the end; never rejects.
 */
export async function listen(stream: AnswerStream, options: ListeningOptions): Promise<void> {
  const { clock, log, signal, get, onGone, onGap } = options
  let isFirst = true
  let offered = false
  let bad = 0
  while (!signal.aborted) {
    const sinceMs = clock.monotonic()
    try {
      const answer = await get(stream.lastEventId)
      if (answer.status === 200 && contentTypeOf(answer) === 'text/event-stream') {
        offered = true
        if (!isFirst && stream.lastEventId === undefined) onGap()
        await stream.read(answer.body, signal)
      } else {
        discard(answer.body)
        if (offered && answer.status === 404) return onGone()
        if (answer.status < 500 && !PASSING.has(answer.status)) return
      }
    } catch (error) {
      if (signal.aborted) return
      log.debug('listening to a server failed', { error })
    }
    isFirst = false
    bad = clock.monotonic() - sinceMs >= GOOD_MS ? 0 : bad + 1
    // The server's own wish is the least; one that keeps breaking off is asked less and less often.
    const waitMs = Math.min(stream.retryMs * 2 ** Math.max(0, bad - 2), Math.max(LONGEST_WAIT_MS, stream.retryMs))
    await sleep(clock, waitMs, signal).catch(() => undefined)
  }
}
