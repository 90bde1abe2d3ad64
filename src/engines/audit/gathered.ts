import { Buffer } from 'node:buffer'
import type { AuditEntry } from '../../kernel/audit.ts'
import { textOf } from './columns.ts'

const SMALLEST_BYTES = 16 * 1024
/** UTF-8 takes at most three bytes for a UTF-16 code unit. */
const MOST_BYTES_OF_A_UNIT = 3

/** Entries that may wait as they are: their calls are answered before they become text. */
const MOST_FRESH = 64

/**
 * Entries that wait to be written, in the order they came: the values of each as JSON, in UTF-8, outside of the heap. Under load
 * there are thousands at any time, and each lives for 100 ms: as objects they were nearly all that young collections had to copy.
 * The memory can be seen by another thread as it is.
 */
export class Gathered {
  readonly #fresh: AuditEntry[] = []
  #bytes = Buffer.from(new SharedArrayBuffer(SMALLEST_BYTES))
  /** Where each text begins; numbers alone, so that there is nothing to follow for a collection. */
  #starts: number[] = []
  #end = 0
  #dropped = 0

  get size(): number {
    return this.#starts.length - this.#dropped + this.#fresh.length
  }

  add(entry: AuditEntry): void {
    if (this.#fresh.push(entry) >= MOST_FRESH) this.#write()
  }

  /** Forgets the oldest; returns how many there were of those. */
  drop(count: number): number {
    this.#write()
    const dropped = Math.min(count, this.size)
    this.#dropped += dropped
    if (this.#dropped > this.#starts.length / 2) this.#compact()
    return dropped
  }

  texts(): string[] {
    return textsOf(this.shared())
  }

  /** What it holds, for another thread to read with `textsOf`: as long as nothing is added or cleared here. */
  shared(): SharedTexts {
    this.#write()
    const starts = Uint32Array.from([...this.#starts.slice(this.#dropped), this.#end])
    return { buffer: this.#bytes.buffer, starts }
  }

  /** Empties it. The memory stays for what comes next, unless that was much less this time. */
  clear(): void {
    this.#fresh.length = 0
    if (this.#end < this.#bytes.length / 4 && this.#bytes.length > SMALLEST_BYTES)
      this.#bytes = Buffer.from(new SharedArrayBuffer(this.#bytes.length / 2))
    this.#starts.length = 0
    this.#end = 0
    this.#dropped = 0
  }

  #write(): void {
    for (const entry of this.#fresh) this.#append(textOf(entry))
    this.#fresh.length = 0
  }

  #append(text: string): void {
    const most = text.length * MOST_BYTES_OF_A_UNIT
    if (this.#end + most > this.#bytes.length) this.#grow(this.#end + most)
    this.#starts.push(this.#end)
    this.#end += this.#bytes.write(text, this.#end, 'utf8')
  }

  /** What was dropped must not take room for as long as nothing can be written. */
  #compact(): void {
    const from = this.#starts[this.#dropped] ?? this.#end
    this.#bytes.copyWithin(0, from, this.#end)
    this.#starts = this.#starts.slice(this.#dropped).map((start) => start - from)
    this.#end -= from
    this.#dropped = 0
  }

  #grow(bytes: number): void {
    const larger = Buffer.from(new SharedArrayBuffer(Math.max(bytes, this.#bytes.length * 2)))
    this.#bytes.copy(larger, 0, 0, this.#end)
    this.#bytes = larger
  }
}

export interface SharedTexts {
  readonly buffer: SharedArrayBuffer
  /** Where each text begins, and where the last one ends. */
  readonly starts: Uint32Array
}

/** How many there are. */
export const sizeOf = ({ starts }: SharedTexts): number => starts.length - 1

/** Those from one place up to another, or as far as there are any. */
export function textsOf(shared: SharedTexts, from = 0, to = sizeOf(shared)): string[] {
  const { buffer, starts } = shared
  const bytes = Buffer.from(buffer)
  const end = Math.min(to, sizeOf(shared))
  const texts: string[] = []
  for (let at = from; at < end; at++) texts.push(bytes.toString('utf8', starts[at], starts[at + 1]))
  return texts
}
