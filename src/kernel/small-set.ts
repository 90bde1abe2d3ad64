/** A set of few members that come and go with every call; `SmallMap` says why not `Set`. */
export class SmallSet<T> implements Iterable<T> {
  readonly #members: T[] = []

  get size(): number {
    return this.#members.length
  }

  add(member: T): void {
    if (!this.#members.includes(member)) this.#members.push(member)
  }

  /** Whether it was there. */
  delete(member: T): boolean {
    const at = this.#members.lastIndexOf(member)
    if (at === -1) return false
    const last = this.#members.pop() as T
    if (at < this.#members.length) this.#members[at] = last
    return true
  }

  /** As they are now, in no order; members may go while they are looked at. */
  [Symbol.iterator](): Iterator<T> {
    return this.#members.slice().values()
  }
}
