/** Where time comes from, so that a test can hold it still. All durations are milliseconds. */
export interface Clock {
  /** Wall-clock time, milliseconds since 1970. It can jump: use it to show times, not to measure. */
  now(): number
  /** Milliseconds since some fixed moment; never goes back. */
  monotonic(): number
  /** Runs `task` once after `ms`; returns what cancels it. A waiting timer does not keep the process alive. */
  after(ms: number, task: () => void): () => void
}

/** The longest delay a timer takes (2^31 − 1 ms, about 24.8 days); Node fires a longer one at once. */
const LONGEST_TIMER_MS = 2_147_483_647

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, task) {
    const timer = setTimeout(task, Math.min(Math.max(ms, 0), LONGEST_TIMER_MS))
    timer.unref()
    return () => clearTimeout(timer)
  },
}

/** Resolves after `ms`, or rejects with the signal's reason as soon as it aborts. */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    const stop = () => {
      cancel()
      reject(signal?.reason)
    }
    const cancel = clock.after(ms, () => {
      signal?.removeEventListener('abort', stop)
      resolve()
    })
    signal?.addEventListener('abort', stop, { once: true })
  })
}

const STEPS = 10

/**
 * Like `clock.after`, for a bound on what this process itself has to do: a moment in which all of it stood still (a busy
 * machine, one that slept) counts as a tenth of `ms` at most. Otherwise it would be over before anything had its turn.
 */
export function afterRunning(clock: Clock, ms: number, task: () => void): () => void {
  let cancel = () => {}
  const wait = (steps: number) => {
    cancel = clock.after(ms / STEPS, () => (steps === 1 ? task() : wait(steps - 1)))
  }
  wait(STEPS)
  return () => cancel()
}

/** A clock that moves only when told to. `advance` runs what became due, in order of its time. */
export interface HeldClock extends Clock {
  advance(ms: number): void
}

export function heldClock(startMs = Date.UTC(2026, 0, 1)): HeldClock {
  let elapsedMs = 0
  const waiting = new Map<symbol, { atMs: number; task: () => void }>()
  const nextDue = (untilMs: number) =>
    [...waiting].filter(([, timer]) => timer.atMs <= untilMs).sort(([, a], [, b]) => a.atMs - b.atMs)[0]
  return {
    now: () => startMs + elapsedMs,
    monotonic: () => elapsedMs,
    after(ms, task) {
      const key = Symbol('timer')
      waiting.set(key, { atMs: elapsedMs + Math.max(ms, 0), task })
      return () => void waiting.delete(key)
    },
    advance(ms) {
      const untilMs = elapsedMs + ms
      for (let due = nextDue(untilMs); due; due = nextDue(untilMs)) {
        const [key, timer] = due
        waiting.delete(key)
        elapsedMs = timer.atMs
        timer.task()
      }
      elapsedMs = untilMs
    },
  }
}
