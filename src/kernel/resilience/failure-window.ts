const SLICES = 10

/** How many calls of the last `windowMs` failed, to a tenth of it. Fixed memory, nothing allocated per call. */
export class FailureWindow {
  readonly #sliceMs: number
  readonly #calls = new Int32Array(SLICES)
  readonly #failures = new Int32Array(SLICES)
  /** Number of the newest slice since the clock's beginning. */
  #newest = 0

  constructor(windowMs: number) {
    this.#sliceMs = windowMs / SLICES
  }

  add(nowMs: number, failed: boolean): void {
    const at = this.#move(nowMs)
    this.#calls[at] = (this.#calls[at] ?? 0) + 1
    if (failed) this.#failures[at] = (this.#failures[at] ?? 0) + 1
  }

  count(nowMs: number): { calls: number; failures: number } {
    this.#move(nowMs)
    return { calls: sum(this.#calls), failures: sum(this.#failures) }
  }

  clear(): void {
    this.#calls.fill(0)
    this.#failures.fill(0)
  }

  /** Empties the slices that time has passed over; the place of the present one. */
  #move(nowMs: number): number {
    const slice = Math.floor(nowMs / this.#sliceMs)
    const passed = Math.min(slice - this.#newest, SLICES)
    for (let step = 0; step < passed; step++) {
      const at = (slice - step) % SLICES
      this.#calls[at] = 0
      this.#failures[at] = 0
    }
    if (passed > 0) this.#newest = slice
    return this.#newest % SLICES
  }
}

function sum(numbers: Int32Array): number {
  let total = 0
  for (const number of numbers) total += number
  return total
}
