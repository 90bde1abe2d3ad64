import type { Clock } from '../../kernel/clock.ts'
import { Fault, type FaultCode } from '../../kernel/fault.ts'
import type { Answer } from './reply.ts'

/** What identifies a run: who asked for what, by which key, and with which input. */
export interface RunKey {
  /** Caller, operation and the caller's own key. */
  readonly id: string
  /** The input, or a hash of it: the same key with another input is a mistake. */
  readonly fingerprint: string
  /** Whether the answer is kept after the run; if not, only those who come meanwhile share it. */
  readonly keep: boolean
}

/** Answers to requests that may come more than once. */
export interface Answers {
  /** Runs, or shares the run of the same key that is under way or over. Throws Fault `conflict`. */
  once(key: RunKey, run: () => Promise<Answer>): Promise<Answer>
}

export interface AnswersOptions {
  clock: Clock
  /** Milliseconds an answer is kept. */
  keepMs: number
  /** Answers kept at most, and bytes of them; the oldest go first. */
  most: number
  mostBytes: number
}

interface Kept {
  readonly fingerprint: string
  readonly answer: Promise<Answer>
  readonly sinceMs: number
  bytes: number
}

/** Nothing was done yet when these were given: the same key deserves another try. */
const NOTHING_DONE = new Set<'ok' | FaultCode>([
  'invalid_request',
  'invalid_input',
  'unauthenticated',
  'forbidden',
  'unknown_operation',
  'rate_limited',
  'unavailable',
  'stopping',
])

export function createAnswers({ clock, keepMs, most, mostBytes }: AnswersOptions): Answers {
  const running = new Map<string, Kept>()
  /** In the order they ended. */
  const kept = new Map<string, Kept>()
  let bytes = 0

  const drop = (id: string, { bytes: freed }: Kept) => {
    kept.delete(id)
    bytes -= freed
  }

  const trim = () => {
    const oldestMs = clock.monotonic() - keepMs
    for (const [id, entry] of kept) {
      if (entry.sinceMs >= oldestMs && kept.size <= most && bytes <= mostBytes) return
      drop(id, entry)
    }
  }

  const settle = (key: RunKey, entry: Kept, answer: Answer) => {
    running.delete(key.id)
    if (!key.keep || NOTHING_DONE.has(answer.status)) return
    const size = answer.json.length
    kept.set(key.id, { ...entry, sinceMs: clock.monotonic(), bytes: size })
    bytes += size
    trim()
  }

  return {
    async once(key, run) {
      trim()
      const known = running.get(key.id) ?? kept.get(key.id)
      if (known) {
        if (known.fingerprint === key.fingerprint) return known.answer
        throw new Fault('conflict', 'This idempotency key was used for a request with another input.', {
          hint: 'Use a new key for every new request.',
        })
      }
      const answer = run()
      const entry: Kept = { fingerprint: key.fingerprint, answer, sinceMs: clock.monotonic(), bytes: 0 }
      running.set(key.id, entry)
      const settled = await answer.catch((error: unknown) => {
        running.delete(key.id)
        throw error
      })
      settle(key, entry, settled)
      return settled
    },
  }
}
