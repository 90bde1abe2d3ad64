/**
 * Remembers what was found out about tokens, in bounded room: two generations, so that what is asked for again stays, and a
 * look-up of something known writes nothing.
 */
export class TokenCache<Value> {
  readonly #most: number
  #young = new Map<string, Value>()
  #old: ReadonlyMap<string, Value> = new Map()

  /** `most`: values in each of the two generations. */
  constructor(most: number) {
    this.#most = most
  }

  get(hash: string): Value | undefined {
    const young = this.#young.get(hash)
    if (young !== undefined) return young
    const old = this.#old.get(hash)
    if (old !== undefined) this.set(hash, old)
    return old
  }

  set(hash: string, value: Value): void {
    if (this.#young.size >= this.#most) {
      this.#old = this.#young
      this.#young = new Map()
    }
    this.#young.set(hash, value)
  }
}
