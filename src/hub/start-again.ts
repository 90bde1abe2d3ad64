import type { Clock } from '../kernel/clock.ts'
import type { PartControl } from '../kernel/part-control.ts'

/** Before the first attempt; it doubles from there. */
const FIRST_DELAY_MS = 2000
const MOST_DELAY_MS = 60_000

/**
 * Starts what did not start, again and again: the broker may have been away, or another one in its place. For a process that
 * nobody can tell to. Ends by itself when all run; returns what ends it before.
 */
export function startAgain(control: Pick<PartControl, 'states' | 'start'>, clock: Clock): () => void {
  let isEnded = false
  let cancel = () => {}
  let delayMs = FIRST_DELAY_MS

  const arm = () => {
    if (isEnded || failed().length === 0) return
    cancel = clock.after(delayMs, () => void attempt())
    delayMs = Math.min(delayMs * 2, MOST_DELAY_MS)
  }
  const failed = () => control.states().filter(({ state }) => state === 'failed')
  const attempt = async () => {
    // Whatever goes wrong is in the part's state, and in the log.
    for (const { name } of failed()) await control.start(name).catch(() => undefined)
    arm()
  }
  arm()
  return () => {
    isEnded = true
    cancel()
  }
}
