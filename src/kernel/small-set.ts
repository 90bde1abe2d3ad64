/** A set of few members that come and go with every call; `SmallMap` says why not `Set`. */
export class SmallSet<T> implements Iterable<T> {
  readonly #members: (T | undefined)[] = []
  #size = 0

  get size(): number {
    return this.#size
  }

  add(member: T): void {
    if (this.#find(member) === -1) this.#members[this.#size++] = member
  }

  /** Whether it was there. */
  delete(member: T): boolean {
    const at = this.#find(member)
    if (at === -1) return false
    const last = --this.#size
    this.#members[at] = this.#members[last]
    this.#members[last] = undefined
    return true
  }

  /** As they are now, in no order; members may go while they are looked at. */
  [Symbol.iterator](): Iterator<T> {
    return (this.#members.slice(0, this.#size) as T[]).values()
  }

  #find(member: T): number {
    for (let at = this.#size - 1; at >= 0; at--) if (this.#members[at] === member) return at
    return -1
  }
}
