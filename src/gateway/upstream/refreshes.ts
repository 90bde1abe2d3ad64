import type { Clock } from '../../kernel/clock.ts'
import { TokenBucket } from '../../kernel/token-bucket.ts'

/** Several changes that a server announces at once are one refresh. */
const DELAY_MS = 50
/** One that announces more has its lists read less often: each time, every client of the hub is told to read them anew. */
const RATE = { perMinute: 60, burst: 5 }
/** A server that could not be read is asked again after this, twice as long each time: else its tools stayed unknown until it changes. */
const FIRST_RETRY_MS = 5000
const LONGEST_RETRY_MS = 300_000

/** When the lists of a server are read: one time after the other, and not as often as the server likes. */
export interface Refreshes {
  /** Right away, or after what is under way. */
  now(): void
  /** The server says that something changed. */
  announced(): void
  /** Resolves when what was wanted so far is done. */
  settled(): Promise<void>
  /** Nothing more begins. Resolves when what runs has ended. */
  close(): Promise<void>
}

/** `refresh` resolves to whether it worked, and never rejects. */
export function createRefreshes(clock: Clock, refresh: () => Promise<boolean>): Refreshes {
  const bucket = new TokenBucket(RATE)
  let cancel = () => {}
  let cancelRetry = () => {}
  let retryMs = FIRST_RETRY_MS
  let isClosed = false
  /** One that has not begun will see whatever is announced until then. */
  let isAwaited = false
  let last: Promise<void> = Promise.resolve()

  const after = (delayMs: number) => {
    cancel()
    isAwaited = true
    cancel = clock.after(delayMs, () => {
      last = last.then(run)
    })
  }

  const run = async () => {
    isAwaited = false
    cancelRetry()
    const isDone = await refresh()
    if (isDone) retryMs = FIRST_RETRY_MS
    if (isDone || isClosed) return
    cancelRetry = clock.after(retryMs, () => after(0))
    retryMs = Math.min(retryMs * 2, LONGEST_RETRY_MS)
  }

  return {
    now: () => after(0),
    announced() {
      if (isAwaited) return
      const nowMs = clock.monotonic()
      const waitMs = bucket.waitMs(nowMs)
      // Where there is no token, it is the next one that is taken.
      bucket.take(nowMs)
      after(Math.max(DELAY_MS, waitMs))
    },
    settled: () => new Promise((resolve) => clock.after(0, () => void last.then(resolve))),
    async close() {
      isClosed = true
      cancel()
      cancelRetry()
      await last
    },
  }
}
