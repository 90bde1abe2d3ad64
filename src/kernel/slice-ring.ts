import { Histogram } from './histogram.ts'

export interface SliceRingOptions {
  readonly sliceMs: number
  readonly slices: number
}

interface Slice {
  /** Which one it is, counted from the clock's beginning. */
  at: number
  readonly times: Histogram
  errors: number
}

/** The latest slices of time, with how calls went in each. One that nothing happens in takes no memory at first. */
export class SliceRing {
  readonly #options: SliceRingOptions
  readonly #slices: (Slice | undefined)[] = []

  constructor(options: SliceRingOptions) {
    this.#options = options
  }

  /** `nowMs`: monotonic. */
  add(nowMs: number, durationMs: number, failed: boolean): void {
    const slice = this.#sliceAt(Math.floor(nowMs / this.#options.sliceMs))
    slice.times.add(durationMs)
    if (failed) slice.errors++
  }

  /** The latest slices together, the one that is being filled among them. */
  latest(nowMs: number, count: number): { times: Histogram; errors: number } {
    const times = new Histogram()
    const nowAt = Math.floor(nowMs / this.#options.sliceMs)
    let errors = 0
    for (const slice of this.#slices) {
      if (slice === undefined || slice.at <= nowAt - count) continue
      times.addAll(slice.times)
      errors += slice.errors
    }
    return { times, errors }
  }

  #sliceAt(at: number): Slice {
    const place = at % this.#options.slices
    const slice = this.#slices[place]
    if (slice?.at === at) return slice
    if (slice === undefined) return (this.#slices[place] = { at, times: new Histogram(), errors: 0 })
    slice.at = at
    slice.times.clear()
    slice.errors = 0
    return slice
  }
}
