import type { Clock } from '../clock.ts'
import { Fault } from '../fault.ts'

export interface HedgeOptions {
  /** The second is asked when the first has not answered by then, in milliseconds. */
  readonly afterMs: number
  readonly clock: Clock
  readonly signal: AbortSignal
}

export type Attempted<T> = (signal: AbortSignal) => Promise<T>

/**
 * Asks a second one when the first is slow; the first success wins, and the other is aborted. For reads only: both may
 * run to their end. `second` is asked for when it is needed, and may have nobody. Rejects when the first fails alone, or
 * when both have failed: with what failed first.
 */
export function hedge<T>(
  first: Attempted<T>,
  second: () => Attempted<T> | undefined,
  options: HedgeOptions,
): Promise<T> {
  const { afterMs, clock, signal } = options
  return new Promise((resolve, reject) => {
    const running = new Set<AbortController>()
    const errors: unknown[] = []
    const end = () => {
      cancel()
      signal.removeEventListener('abort', passOn)
      for (const controller of running) controller.abort(overtaken())
    }
    const passOn = () => {
      cancel()
      for (const controller of running) controller.abort(signal.reason)
    }
    const start = (attempt: Attempted<T>) => {
      const controller = new AbortController()
      running.add(controller)
      attempt(controller.signal).then(
        (value) => {
          running.delete(controller)
          end()
          resolve(value)
        },
        (error: unknown) => {
          running.delete(controller)
          errors.push(error)
          if (running.size > 0) return
          end()
          reject(errors[0])
        },
      )
    }
    const cancel = clock.after(afterMs, () => {
      const other = second()
      if (other) start(other)
    })
    signal.addEventListener('abort', passOn, { once: true })
    start(first)
    if (signal.aborted) passOn()
  })
}

const overtaken = () => new Fault('cancelled', 'Another one answered first.')
