import { schemaConfidence } from './statistics.ts'
import type { Survey } from './survey.ts'

/** Above this, asking each topic every second would cost more than listening on. */
const MOST_WATCHED = 500
const QUIET_MS = 5000

export interface StabilityWatch {
  /** Resolves when every topic's schema is trusted and no new topic came for a while. */
  readonly stable: Promise<void>
  /** Looks at the survey; `elapsedMs` since it began. */
  look(elapsedMs: number): void
}

export function watchStability(survey: Pick<Survey, 'topics'>): StabilityWatch {
  const { promise, resolve } = Promise.withResolvers<void>()
  let known = 0
  let grewAtMs = 0
  return {
    stable: promise,
    look(elapsedMs) {
      const topics = survey.topics()
      if (topics.length > known) [known, grewAtMs] = [topics.length, elapsedMs]
      if (known === 0 || known > MOST_WATCHED || elapsedMs - grewAtMs < QUIET_MS) return
      if (topics.every(({ schema }) => schemaConfidence(schema).level === 'High')) resolve()
    },
  }
}
