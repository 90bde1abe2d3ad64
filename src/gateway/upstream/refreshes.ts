import type { Clock } from '../../kernel/clock.ts'
import { RateLimit } from '../../kernel/rate-limit.ts'

/** Several changes that a server announces at once are one refresh. */
const DELAY_MS = 50
/** One that announces more has its lists read less often: each time, every client of the hub is told to read them anew. */
const MOST_REFRESHES = 10
const WINDOW_MS = 10_000

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

/** `refresh` never rejects. */
export function createRefreshes(clock: Clock, refresh: () => Promise<void>): Refreshes {
  const limit = new RateLimit(clock, MOST_REFRESHES, WINDOW_MS)
  let cancel = () => {}
  /** One that has not begun will see whatever is announced until then. */
  let isAwaited = false
  let last: Promise<void> = Promise.resolve()

  const after = (delayMs: number) => {
    cancel()
    isAwaited = true
    cancel = clock.after(delayMs, () => {
      last = last.then(() => {
        isAwaited = false
        return refresh()
      })
    })
  }

  return {
    now: () => after(0),
    announced() {
      if (!isAwaited) after(Math.max(DELAY_MS, limit.take('') ?? 0))
    },
    settled: () => new Promise((resolve) => clock.after(0, () => void last.then(resolve))),
    async close() {
      cancel()
      await last
    },
  }
}
