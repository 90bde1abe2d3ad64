import type { Progress } from '../../kernel/tool.ts'
import { progressOf, type Reply, type ReplyRoute } from './reply.ts'

/** Reports waiting for the broker; beyond that the newest are left out, which a gap in `seq` shows. */
const MOST_WAITING = 64

/** Sends the news of one call, numbered. */
export interface ProgressReporter {
  emit(progress: Progress): void
  /** The number of the answer, which comes last. */
  end(): number
}

export function progressReporter(route: ReplyRoute, send: (reply: Reply) => Promise<void>): ProgressReporter {
  let seq = 0
  let waiting = 0
  return {
    emit(progress) {
      const own = seq++
      if (waiting >= MOST_WAITING) return
      waiting++
      void send(progressOf(route, progress, own)).finally(() => waiting--)
    },
    end: () => seq,
  }
}
