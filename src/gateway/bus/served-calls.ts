/** Answers that are kept for a hub that may not have got them, of one hub. */
const MOST_BYTES = 16_000_000
const MOST_ANSWERS = 10_000

/** What became of the calls of one run of one hub: so that a call that comes twice runs once. */
export class ServedCalls {
  readonly #running = new Map<number, AbortController>()
  /** Undefined: it was answered, and the answer is too old to be had again. */
  readonly #answers = new Map<number, string | undefined>()
  #bytes = 0
  #floor = 0
  /** Of its latest call, in the order of all hubs'. */
  turn: number

  constructor(turn = 0) {
    this.turn = turn
  }

  get running(): number {
    return this.#running.size
  }

  /** Everything below is settled there. */
  settle(floor: number): void {
    if (floor <= this.#floor) return
    this.#floor = floor
    for (const [number, text] of this.#answers) if (number < floor) this.#forget(number, text)
  }

  /**
   * What to do with a call of that number: run it; send its answer (again); nothing, because it runs, or is settled;
   * or say that the answer is lost.
   */
  look(number: number): 'run' | 'ignore' | 'lost' | { readonly answer: string } {
    if (number < this.#floor || this.#running.has(number)) return 'ignore'
    if (!this.#answers.has(number)) return 'run'
    const answer = this.#answers.get(number)
    return answer === undefined ? 'lost' : { answer }
  }

  begin(number: number, controller: AbortController): void {
    this.#running.set(number, controller)
  }

  end(number: number, answer: string): void {
    this.#running.delete(number)
    if (number < this.#floor) return
    this.#answers.set(number, answer)
    this.#bytes += answer.length
    if (this.#bytes > MOST_BYTES || this.#answers.size > MOST_ANSWERS) this.#trim()
  }

  /** Ends a call that nobody waits for any more. */
  cancel(number: number, reason: Error): void {
    this.#running.get(number)?.abort(reason)
  }

  cancelAll(reason: Error): void {
    for (const controller of this.#running.values()) controller.abort(reason)
  }

  #trim(): void {
    for (const [number, text] of this.#answers) {
      if (this.#answers.size > MOST_ANSWERS) this.#forget(number, text)
      else if (this.#bytes <= MOST_BYTES) return
      else if (text !== undefined) {
        this.#bytes -= text.length
        this.#answers.set(number, undefined)
      }
    }
  }

  #forget(number: number, text: string | undefined): void {
    this.#answers.delete(number)
    this.#bytes -= text?.length ?? 0
  }
}
