import type { Clock } from '../../kernel/clock.ts'
import type { Log } from '../../kernel/log.ts'

export interface Recurring {
  readonly clock: Clock
  readonly log: Log
  /** Milliseconds between the end of one run and the beginning of the next. */
  readonly everyMs: number
  /** What it does, for the log: "looking for old logins". */
  readonly what: string
}

/** Does something again and again; returns what ends that, and resolves when nothing of it runs any more. */
export function recur({ clock, log, everyMs, what }: Recurring, task: () => Promise<void>): () => Promise<void> {
  let isOver = false
  let running: Promise<void> | undefined
  let cancel = clock.after(everyMs, begin)
  function begin() {
    running = task()
      .catch((error: unknown) => log.warn(`${what} failed`, { error }))
      .finally(() => {
        if (!isOver) cancel = clock.after(everyMs, begin)
      })
  }
  return async () => {
    isOver = true
    cancel()
    await running
  }
}
