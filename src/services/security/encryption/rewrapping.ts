import type { Clock } from '../../../kernel/clock.ts'
import type { Keys, RewrapReport } from '../../../kernel/keys.ts'
import type { Log } from '../../../kernel/log.ts'

/** By then everything that keeps sealed texts has started. */
const AFTER_START_MS = 15_000

/** Seals what the hub stores anew, in the background, where it was sealed with an older key. */
export interface Rewrapping {
  /** Begins now, unless it runs already; nobody waits for it. */
  begin(): void
  run(signal: AbortSignal, onProgress: (done: number) => void): Promise<RewrapReport>
  stop(): Promise<void>
}

export function createRewrapping({ keys, clock, log }: { keys: Keys; clock: Clock; log: Log }): Rewrapping {
  const ending = new AbortController()
  let running: Promise<void> | undefined

  const runQuietly = async () => {
    try {
      report(await keys.rewrapStored(ending.signal))
    } catch (error) {
      if (!ending.signal.aborted) log.warn('stored secrets could not be sealed with the newest key', { error })
    }
  }
  const report = ({ rewrapped, current, unreadable }: RewrapReport) => {
    if (rewrapped > 0) log.info('stored secrets are sealed with the newest key now', { rewrapped, current })
    if (Object.keys(unreadable).length > 0) log.warn('some stored secrets cannot be opened any more', { unreadable })
  }
  const begin = () => {
    running ??= runQuietly().finally(() => {
      running = undefined
    })
  }
  const cancel = clock.after(AFTER_START_MS, begin)

  return {
    begin,
    run: (signal, onProgress) => keys.rewrapStored(AbortSignal.any([signal, ending.signal]), onProgress),
    async stop() {
      cancel()
      ending.abort()
      await running
    },
  }
}
