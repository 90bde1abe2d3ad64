const LISTENER = Symbol('listener')

/** The signal of a `CallController`, which has one place that costs nothing. */
interface CallSignal extends AbortSignal {
  [LISTENER]: (() => void) | undefined
}

/**
 * Ends one call. Whoever answers a call listens to its signal, and nearly no call is withdrawn: a listener of an
 * `EventTarget` is a good part of what a call costs, so that the first one has a place of its own (`onWithdrawal`).
 */
export class CallController extends AbortController {
  constructor() {
    super()
    ;(this.signal as CallSignal)[LISTENER] = undefined
  }

  override abort(reason?: unknown): void {
    if (this.signal.aborted) return
    super.abort(reason)
    // Now, not before: a listener of the event may have taken it back.
    const signal = this.signal as CallSignal
    const listener = signal[LISTENER]
    signal[LISTENER] = undefined
    if (listener) tell(listener)
  }
}

/** Like an event would: what one listener throws is nothing that whoever ends the call can help. */
function tell(listener: () => void): void {
  try {
    listener()
  } catch (error) {
    queueMicrotask(() => {
      throw error
    })
  }
}

/** Calls it once when the signal aborts; `offWithdrawal` with the same function takes that back. */
export function onWithdrawal(signal: AbortSignal, listener: () => void): void {
  if (LISTENER in signal && signal[LISTENER] === undefined && !signal.aborted) signal[LISTENER] = listener
  else signal.addEventListener('abort', listener, { once: true })
}

export function offWithdrawal(signal: AbortSignal, listener: () => void): void {
  if (LISTENER in signal && signal[LISTENER] === listener) signal[LISTENER] = undefined
  else signal.removeEventListener('abort', listener)
}

/** The result, or the signal's reason as soon as it aborts: a handler that does not listen cannot hold its caller. */
export function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason)
    if (signal.aborted) stop()
    else onWithdrawal(signal, stop)
    work.then(
      (value) => {
        offWithdrawal(signal, stop)
        resolve(value)
      },
      (error: unknown) => {
        offWithdrawal(signal, stop)
        reject(error)
      },
    )
  })
}
