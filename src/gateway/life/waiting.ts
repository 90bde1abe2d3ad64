import type { Clock } from '../../kernel/clock.ts'

/** Calls that wait for something to change. */
export interface Waiting {
  /** Resolves at the next `wake`, or after `ms`; rejects with the signal's reason when it aborts. */
  wait(ms: number, signal: AbortSignal): Promise<void>
  wake(): void
}

export function createWaiting(clock: Clock): Waiting {
  const waiting = new Set<() => void>()
  return {
    wait: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason as Error)
        const leave = () => {
          cancel()
          signal.removeEventListener('abort', stop)
          waiting.delete(done)
        }
        const done = () => {
          leave()
          resolve()
        }
        const stop = () => {
          leave()
          reject(signal.reason as Error)
        }
        const cancel = clock.after(ms, done)
        signal.addEventListener('abort', stop)
        waiting.add(done)
      }),
    wake() {
      for (const done of waiting) done()
    },
  }
}
