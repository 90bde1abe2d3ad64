import type { Clock } from '../../kernel/clock.ts'
import type { Events } from '../../kernel/events.ts'

/** Resolves when a call begins or ends to wait, or when the time is over; rejects with the signal's reason. */
export function changeOf(events: Pick<Events, 'on'>, clock: Clock, mostMs: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const stop = () => reject(signal.reason)
  if (signal.aborted) stop()
  else signal.addEventListener('abort', stop, { once: true })
  const endListening = events.on('approval.changed', () => resolve())
  const cancel = clock.after(mostMs, () => resolve())
  return promise.finally(() => {
    signal.removeEventListener('abort', stop)
    endListening()
    cancel()
  })
}
