import { Gathered } from './gathered.ts'

/** What is gathered for the next commit. All reads share a promise, and all writes: a call costs no promise of its own. */
export interface Batch {
  readonly reads: Gathered
  readonly writes: Gathered
  readsKept: PromiseWithResolvers<void>
  writesKept: PromiseWithResolvers<void>
}

/** In the memory of a batch that was written, where there is one. */
export const emptyBatch = ({ reads, writes } = { reads: new Gathered(), writes: new Gathered() }): Batch => ({
  reads,
  writes,
  readsKept: quietly(),
  writesKept: quietly(),
})

/** All that is in it, as JSON: what changed something first. */
export const textsIn = ({ writes, reads }: Batch): string[] => [...writes.texts(), ...reads.texts()]

/** A promise that may be rejected though nobody listens. */
export function quietly(): PromiseWithResolvers<void> {
  const kept = Promise.withResolvers<void>()
  kept.promise.catch(() => undefined)
  return kept
}
