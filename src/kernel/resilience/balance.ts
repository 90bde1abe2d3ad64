export const STRATEGIES = ['round_robin', 'weighted', 'least_loaded'] as const
export type Strategy = (typeof STRATEGIES)[number]

/** One of those that could be asked. */
export interface Candidate {
  /** Share of calls with `weighted`, room with `least_loaded`; above 0. */
  readonly weight: number
  /** Calls that run now. */
  readonly running: number
  /** Milliseconds a call is expected to take; 0: unknown. Whoever is passed over is expected to get better. */
  expectedMs: number
  /** Whether it may be chosen this time. */
  readonly isOpen: boolean
  /** Of the smooth weighted choice; starts at 0. */
  credit: number
}

/** How much of its expectation a candidate keeps each time another is preferred for it: a slow call is forgotten. */
const FORGIVENESS = 0.98

/** Chooses by the strategy of the moment. The same calls lead to the same choices. */
export class Balance {
  strategy: Strategy
  #next = 0

  constructor(strategy: Strategy) {
    this.strategy = strategy
  }

  /**
   * The place of the chosen one; -1 when none is open. Whoever is asked beside or after another for the same call
   * (`isFurther`) does not use up a turn: of two, the same one would be first each time.
   */
  choose(candidates: readonly Candidate[], isFurther = false): number {
    switch (this.strategy) {
      case 'round_robin':
        return this.#inTurn(candidates, isFurther)
      case 'weighted':
        return byCredit(candidates)
      case 'least_loaded':
        return this.#leastLoaded(candidates)
    }
  }

  #inTurn(candidates: readonly Candidate[], isFurther: boolean): number {
    const count = candidates.length
    for (let step = 0; step < count; step++) {
      const at = (this.#next + step) % count
      if (candidates[at]?.isOpen !== true) continue
      if (!isFurther) this.#next = at + 1
      return at
    }
    return -1
  }

  #leastLoaded(candidates: readonly Candidate[]): number {
    const count = candidates.length
    let best: Candidate | undefined
    let place = -1
    for (let step = 0; step < count; step++) {
      const at = (this.#next + step) % count
      const candidate = candidates[at]
      if (candidate?.isOpen !== true || (best && !isBetter(candidate, best))) continue
      best = candidate
      place = at
    }
    if (!best) return -1
    this.#next = place + 1
    for (const candidate of candidates) if (candidate !== best) candidate.expectedMs *= FORGIVENESS
    return place
  }
}

function isBetter(candidate: Candidate, best: Candidate): boolean {
  const load = candidate.running / candidate.weight
  const bestLoad = best.running / best.weight
  return load === bestLoad ? candidate.expectedMs < best.expectedMs : load < bestLoad
}

/** Smooth weighted round robin: 5, 1, 1 gives a a b a c a a, not a a a a a b c. */
function byCredit(candidates: readonly Candidate[]): number {
  let total = 0
  let best: Candidate | undefined
  let place = -1
  for (const [at, candidate] of candidates.entries()) {
    if (!candidate.isOpen) continue
    total += candidate.weight
    candidate.credit += candidate.weight
    if (best && candidate.credit <= best.credit) continue
    best = candidate
    place = at
  }
  if (best) best.credit -= total
  return place
}
