import type { Clock } from '../../kernel/clock.ts'
import { Fault } from '../../kernel/fault.ts'
import type { Log } from '../../kernel/log.ts'
import type { Store } from '../../kernel/ports.ts'
import type { Status, StatusReport } from '../../kernel/status.ts'

/** A store with what its owner, the composition, needs beside the port. */
export interface OpenStore extends Store {
  /** Lets running statements finish, then closes. Calling it twice is harmless. */
  close(): Promise<void>
  report(): StatusReport
}

/** How well the database works, judged by what its statements run into. */
export interface Health {
  /** A statement that proves it works has succeeded. */
  worked: () => void
  /** A statement failed; only faults of the database itself count, not a conflict or a defect. */
  failed: (error: unknown) => void
  report: () => StatusReport
}

/** `whenBroken`: `degraded` where reads still work without the disk, `unavailable` where nothing does. */
export function createHealth(options: { clock: Clock; log: Log; whenBroken: Status }): Health {
  const { clock, log, whenBroken } = options
  let state: StatusReport = { status: 'available', sinceMs: clock.now() }
  return {
    worked() {
      if (state.status === 'available') return
      state = { status: 'available', sinceMs: clock.now() }
      log.info('the database works again')
    },
    failed(error) {
      const isBroken = error instanceof Fault && (error.code === 'storage_failed' || error.code === 'unavailable')
      if (!isBroken || state.status !== 'available') return
      state = { status: whenBroken, sinceMs: clock.now(), reason: error.message }
      log.warn('the database fails', { error })
    },
    report: () => state,
  }
}
