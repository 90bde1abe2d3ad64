import { sleep, type Clock } from '../../../kernel/clock.ts'
import { Fault } from '../../../kernel/fault.ts'
import type { Connection } from '../connection.ts'
import type { Links } from '../links.ts'
import { reasonText } from '../reason-codes.ts'
import { topicMatcher } from '../../../kernel/topic.ts'
import { createLiveIndex, type LiveIndex } from './live-index.ts'

/** How the listening is. What the index learned stays, also when it ended. */
export type WatchState =
  | { readonly is: 'starting' }
  | { readonly is: 'watching' }
  | { readonly is: 'interrupted'; readonly reason: string; readonly sinceMs: number }
  | { readonly is: 'ended'; readonly reason: string; readonly refused: boolean }

/** A live index that listens to everything the session may read, and begins again when the connection is lost. */
export interface Watch {
  readonly index: LiveIndex
  state(): WatchState
  /** Resolves when it will listen no more. */
  readonly ended: Promise<unknown>
  /** Resolves when what the broker had kept is in, about; or when there is nothing to wait for. */
  settled(signal: AbortSignal): Promise<void>
  stop(): Promise<void>
}

export interface WatchOptions {
  readonly links: Links
  readonly clock: Clock
  readonly maxTopics: number
  readonly maxBytes: number
}

/** The retained messages are in when nothing new came for so long, and after the longest time in any case. */
const QUIET_MS = 100
const LONGEST_SETTLING_MS = 3000

const FIRST_RETRY_MS = 1000
const LONGEST_RETRY_MS = 30_000

/** All but `$` topics [MQTT-4.7.2-1]. */
const EVERYTHING = '#'

export function startWatch({ links, clock, maxTopics, maxBytes }: WatchOptions): Watch {
  const index = createLiveIndex({ clock, maxTopics, maxBytes })
  const stopping = new AbortController()
  const { signal } = stopping
  const stopped = Promise.withResolvers<void>()
  signal.addEventListener('abort', () => stopped.resolve(), { once: true })
  const settled = Promise.withResolvers<void>()
  let state: WatchState = { is: 'starting' }
  let retryMs = FIRST_RETRY_MS

  const listen = async (connection: Connection): Promise<string> => {
    const wanted = { filter: EVERYTHING, matches: topicMatcher(EVERYTHING), listener: index.accept }
    const { granted } = await connection.subscribe([wanted], 0, signal)
    const code = granted[0] ?? 128
    if (code >= 128) throw new Fault('forbidden', `The broker refused to subscribe to #: ${reasonText(code)}.`)
    state = { is: 'watching' }
    retryMs = FIRST_RETRY_MS
    void settle().then(settled.resolve, settled.resolve)
    return await Promise.race([connection.closed, stopped.promise.then(() => 'it was stopped')])
  }

  const settle = async () => {
    const startMs = clock.monotonic()
    for (let size = -1; size !== index.size() && clock.monotonic() - startMs < LONGEST_SETTLING_MS;) {
      size = index.size()
      const beforeMs = clock.monotonic()
      await sleep(clock, QUIET_MS, signal)
      // Who stood still meanwhile has not heard that it was quiet.
      if (clock.monotonic() - beforeMs > 2 * QUIET_MS) size = -1
    }
  }

  const run = async () => {
    while (!signal.aborted) {
      const reason = await links.watch(signal, listen).catch((error: unknown) => {
        if (endsIt(error)) throw error
        return textOf(error)
      })
      state = { is: 'interrupted', reason, sinceMs: clock.now() }
      await sleep(clock, retryMs, signal)
      retryMs = Math.min(retryMs * 2, LONGEST_RETRY_MS)
    }
  }

  const running = run()
    .catch((error: unknown) => {
      const refused = error instanceof Fault && error.code === 'forbidden'
      state = { is: 'ended', reason: textOf(error), refused }
    })
    .finally(() => settled.resolve())

  return {
    index,
    ended: running,
    state: () => state,
    async settled(callSignal) {
      const gone = Promise.withResolvers<never>()
      const aborted = () => gone.reject(callSignal.reason)
      callSignal.throwIfAborted()
      callSignal.addEventListener('abort', aborted, { once: true })
      const cancel = clock.after(LONGEST_SETTLING_MS, settled.resolve)
      try {
        await Promise.race([settled.promise, gone.promise])
      } finally {
        cancel()
        callSignal.removeEventListener('abort', aborted)
      }
    },
    async stop() {
      stopping.abort(new Fault('cancelled', 'The index was stopped.'))
      await running
    },
  }
}

/** Trying again would not help: the session is closed, or may not read everything. */
const endsIt = (error: unknown) =>
  error instanceof Fault && ['not_found', 'forbidden', 'unauthenticated', 'cancelled'].includes(error.code)

const textOf = (error: unknown) => (error instanceof Error ? error.message : String(error))
