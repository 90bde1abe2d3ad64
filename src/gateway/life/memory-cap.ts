import type { Clock } from '../../kernel/clock.ts'

/** Times within an hour that a server is started anew for its memory; more would not help it. */
const MOST_RESTARTS = 3
const HOUR_MS = 3_600_000

/** How much memory a server may use, and what to do about one that uses more. Kept over its restarts. */
export interface MemoryCap {
  /** `too_often`: it was started anew as often as is of any use. */
  judge(megabytes: number): { readonly is: 'fine' } | { readonly is: 'restart' | 'too_often'; readonly reason: string }
  /** It is started anew for this. */
  restarted(): void
}

export function createMemoryCap(clock: Clock, mostMegabytes: number): MemoryCap {
  let restartsAtMs: readonly number[] = []
  return {
    judge(megabytes) {
      if (megabytes <= mostMegabytes) return { is: 'fine' }
      const reason = `it uses ${Math.round(megabytes)} MB where ${mostMegabytes} MB are allowed`
      restartsAtMs = restartsAtMs.filter((atMs) => clock.monotonic() - atMs < HOUR_MS)
      if (restartsAtMs.length < MOST_RESTARTS) return { is: 'restart', reason }
      return { is: 'too_often', reason: `${reason}, and ${MOST_RESTARTS} restarts within an hour did not help` }
    },
    restarted() {
      restartsAtMs = [...restartsAtMs, clock.monotonic()]
    },
  }
}
