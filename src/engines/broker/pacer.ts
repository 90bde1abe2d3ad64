import type { TokenBucket } from '../../kernel/token-bucket.ts'

/** Lets one client's messages through at the pace of its user's bucket, in their order. What waits is not read on: the client feels it. */
export interface Pacer {
  /** Runs the task now or when it is its turn. */
  run(task: () => void): void
}

interface Waiting {
  readonly dueMs: number
  readonly task: () => void
}

export function createPacer(bucket: TokenBucket, now: () => number, onWait: () => void): Pacer {
  const waiting: Waiting[] = []

  const runDue = () => {
    const nowMs = now()
    // Whatever is due within a tick of the timer: they are of whole milliseconds.
    while (waiting[0] && waiting[0].dueMs <= nowMs + 1) waiting.shift()?.task()
    if (waiting[0]) setTimer(waiting[0].dueMs - nowMs)
  }

  const setTimer = (ms: number) => void setTimeout(runDue, ms).unref()

  return {
    run(task) {
      const nowMs = now()
      const waitMs = bucket.waitMs(nowMs)
      bucket.take(nowMs)
      if (waitMs === 0 && waiting.length === 0) return task()
      waiting.push({ dueMs: nowMs + waitMs, task })
      if (waiting.length > 1) return
      onWait()
      setTimer(waitMs)
    },
  }
}
