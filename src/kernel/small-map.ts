/**
 * A map of few entries that come and go with every call. Why not `Map`: V8 makes a new table each time enough entries were
 * deleted, and the old one points to it. Once one such table is in old space, every later one is kept until the next full
 * collection, with all that stood in it; with thousands of calls a second a quarter of all garbage was, and collecting it
 * took a fifth of the time. Finding is a linear search: for some hundred entries that is still less than hashing.
 */
export class SmallMap<K, V> {
  readonly #keys: K[] = []
  readonly #values: V[] = []

  get size(): number {
    return this.#keys.length
  }

  get(key: K): V | undefined {
    const at = this.#keys.indexOf(key)
    return at === -1 ? undefined : this.#values[at]
  }

  has(key: K): boolean {
    return this.#keys.includes(key)
  }

  set(key: K, value: V): void {
    const at = this.#keys.indexOf(key)
    if (at !== -1) {
      this.#values[at] = value
      return
    }
    this.#keys.push(key)
    this.#values.push(value)
  }

  /** Whether it was there. */
  delete(key: K): boolean {
    const at = this.#keys.indexOf(key)
    if (at === -1) return false
    const [lastKey, lastValue] = [this.#keys.pop() as K, this.#values.pop() as V]
    if (at < this.#keys.length) {
      this.#keys[at] = lastKey
      this.#values[at] = lastValue
    }
    return true
  }

  /** As they are now, in no order; entries may go while they are looked at. */
  values(): V[] {
    return this.#values.slice()
  }
}
