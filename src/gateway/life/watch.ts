import type { Clock } from '../../kernel/clock.ts'
import { Fault } from '../../kernel/fault.ts'

/** How a server is used, as the watches over it need to know. */
export interface Use {
  /** Calls that run. */
  readonly running: number
  /** `Clock.monotonic` when the last call ended, or the connection began. */
  readonly lastUsedMs: number
}

/** Between two looks at memory. */
const MEMORY_EVERY_MS = 30_000
/** Without a call for so long, a server is asked how it is: calls say it themselves. */
const PROBE_AFTER_MS = 60_000
/** After a bad sign it is asked sooner: whether it is well again, or gone. */
const PROBE_AGAIN_AFTER_MS = 15_000
const PROBE_TIMEOUT_MS = 10_000

/** Calls `onIdle` once nothing has run for so long. Returns what ends it, as all of these do. */
export function watchIdle(clock: Clock, use: Use, { idleMs, onIdle }: { idleMs: number; onIdle: () => void }) {
  let cancel = () => {}
  const look = () => {
    const restMs = use.running > 0 ? idleMs : use.lastUsedMs + idleMs - clock.monotonic()
    if (restMs > 0) cancel = clock.after(restMs, look)
    else onIdle()
  }
  look()
  return () => cancel()
}

export interface Probing {
  /** A question that does no harm. */
  ask(signal: AbortSignal): Promise<void>
  /** The last sign of it was a bad one. */
  isDoubtful(): boolean
  onAnswer(latencyMs: number): void
  onSilence(error: unknown): void
}

/**
 * Asks a server how it is, when nobody has used it for a while and while nothing runs: a server that does one thing at
 * a time must not be taken for dead because it works. What its silence means is the owner's to say.
 */
export function watchHealth(clock: Clock, use: Use, probing: Probing): () => void {
  const stopped = new AbortController()
  let cancel = () => {}
  const arm = () => {
    cancel = clock.after(probing.isDoubtful() ? PROBE_AGAIN_AFTER_MS : PROBE_AFTER_MS, look)
  }
  const look = () => {
    const quietMs = clock.monotonic() - use.lastUsedMs
    const isQuiet = use.running === 0 && quietMs >= (probing.isDoubtful() ? 0 : PROBE_AFTER_MS)
    if (isQuiet) void ask()
    else arm()
  }
  const ask = async () => {
    const beganMs = clock.monotonic()
    const late = new AbortController()
    const cancelLate = clock.after(PROBE_TIMEOUT_MS, () =>
      late.abort(new Fault('timeout', `it did not answer within ${PROBE_TIMEOUT_MS / 1000} s`)),
    )
    const signal = AbortSignal.any([stopped.signal, late.signal])
    try {
      await untilAborted(probing.ask(signal), signal)
      if (!stopped.signal.aborted) probing.onAnswer(clock.monotonic() - beganMs)
    } catch (error) {
      // A call that began meanwhile may be what it is busy with.
      if (!stopped.signal.aborted && use.running === 0) probing.onSilence(error)
    } finally {
      cancelLate()
      if (!stopped.signal.aborted) arm()
    }
  }
  arm()
  return () => {
    stopped.abort()
    cancel()
  }
}

/** The result, or the signal's reason when it aborts before; who asks need not listen to the signal. */
function untilAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
    work.then(resolve, reject)
  })
}

/** Reports how much memory it uses, every 30 s. What cannot be measured is not reported. */
export function watchMemory(
  clock: Clock,
  measure: () => Promise<number | undefined>,
  onMeasured: (megabytes: number) => void,
): () => void {
  let isStopped = false
  let cancel = () => {}
  const look = async () => {
    const megabytes = await measure().catch(() => undefined)
    if (isStopped) return
    cancel = clock.after(MEMORY_EVERY_MS, () => void look())
    if (megabytes !== undefined) onMeasured(megabytes)
  }
  cancel = clock.after(MEMORY_EVERY_MS, () => void look())
  return () => {
    isStopped = true
    cancel()
  }
}
