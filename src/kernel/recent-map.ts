/**
 * A map of what was used of late, for keys that come from outside: it holds at most twice `most` entries, however many are made
 * up. Two generations in place of an order: what is looked up moves to the young one, and when that is full, the old one goes as
 * a whole. Looking up what was just used is one `get` and changes nothing.
 */
export class RecentMap<V> {
  readonly #most: number
  #young = new Map<string, V>()
  #old = new Map<string, V>()

  constructor(most: number) {
    this.#most = most
  }

  get size(): number {
    return this.#young.size + this.#old.size
  }

  get(key: string): V | undefined {
    const found = this.#young.get(key)
    if (found !== undefined || this.#old.size === 0) return found
    const older = this.#old.get(key)
    if (older === undefined) return undefined
    this.#old.delete(key)
    this.set(key, older)
    return older
  }

  set(key: string, value: V): void {
    if (this.#young.size >= this.#most) {
      this.#old = this.#young
      this.#young = new Map()
    }
    this.#young.set(key, value)
  }

  delete(key: string): void {
    this.#young.delete(key)
    this.#old.delete(key)
  }

  *entries(): Generator<[string, V]> {
    yield* this.#old
    yield* this.#young
  }
}
