/**
 * A map of few entries that come and go with every call. Why not `Map`: V8 makes a new table each time enough entries were
 * deleted, and the old one points to it. Once one such table is in old space, every later one is kept until the next full
 * collection, with all that stood in it; with thousands of calls a second a quarter of all garbage was, and collecting it
 * took a fifth of the time. Finding is a linear search: for some hundred entries that is still less than hashing.
 */
export class SmallMap<K, V> {
  // As long as they ever were: an array that shrinks to nothing gives back its memory, and takes it anew for the next call.
  readonly #keys: (K | undefined)[] = []
  readonly #values: (V | undefined)[] = []
  #size = 0

  get size(): number {
    return this.#size
  }

  get(key: K): V | undefined {
    const at = this.#find(key)
    return at === -1 ? undefined : this.#values[at]
  }

  has(key: K): boolean {
    return this.#find(key) !== -1
  }

  set(key: K, value: V): void {
    const found = this.#find(key)
    const at = found === -1 ? this.#size++ : found
    this.#keys[at] = key
    this.#values[at] = value
  }

  /** Whether it was there. */
  delete(key: K): boolean {
    const at = this.#find(key)
    if (at === -1) return false
    const last = --this.#size
    this.#keys[at] = this.#keys[last]
    this.#values[at] = this.#values[last]
    this.#keys[last] = undefined
    this.#values[last] = undefined
    return true
  }

  /** As they are now, in no order; entries may go while they are looked at. */
  values(): V[] {
    return this.#values.slice(0, this.#size) as V[]
  }

  #find(key: K): number {
    for (let at = 0; at < this.#size; at++) if (this.#keys[at] === key) return at
    return -1
  }
}
