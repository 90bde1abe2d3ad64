import { bufferPieces } from '../../kernel/pieces.ts'

const NEWLINE = 0x0a
const RETURN = 0x0d
/** What is kept of both ends of a line that is too long: enough to see whose answer it would have been. */
const KEPT_BYTES = 256

export interface LineListener {
  onLine(text: string): void
  /** A line over the limit has ended: its first and last characters, and its length. */
  onTooLong(head: string, tail: string, bytes: number): void
}

/** Makes lines of the chunks of a stream, whichever way it was cut into them. Ends with `\n` or `\r\n`; UTF-8. */
export class LineSplitter {
  readonly #largestBytes: number
  readonly #listener: LineListener
  /** The beginning of a line whose end has not come. */
  readonly #parts = bufferPieces()
  #bytes = 0
  /** Set while the rest of a line that is too long goes by. */
  #head: Buffer | undefined

  constructor(largestBytes: number, listener: LineListener) {
    this.#largestBytes = largestBytes
    this.#listener = listener
  }

  push(chunk: Buffer): void {
    let at = 0
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, at)) {
      if (this.#bytes === 0) this.#emit(chunk, at, end)
      else this.#finish(chunk.subarray(at, end))
      at = end + 1
    }
    if (at < chunk.length) this.#keep(chunk.subarray(at))
  }

  #emit(bytes: Buffer, from: number, to: number): void {
    if (to - from > this.#largestBytes) {
      const head = bytes.toString('latin1', from, Math.min(to, from + KEPT_BYTES))
      this.#listener.onTooLong(head, bytes.toString('latin1', Math.max(from, to - KEPT_BYTES), to), to - from)
      return
    }
    const end = to > from && bytes[to - 1] === RETURN ? to - 1 : to
    if (end > from) this.#listener.onLine(bytes.toString('utf8', from, end))
  }

  #finish(rest: Buffer): void {
    this.#keep(rest)
    const [whole, bytes, head] = [this.#parts.take(), this.#bytes, this.#head]
    this.#bytes = 0
    this.#head = undefined
    if (head) this.#listener.onTooLong(head.toString('latin1'), lastOf(whole).toString('latin1'), bytes)
    else this.#emit(whole, 0, bytes)
  }

  #keep(part: Buffer): void {
    this.#parts.push(part)
    this.#bytes += part.length
    if (this.#bytes <= this.#largestBytes) return
    const kept = this.#parts.take()
    this.#head ??= Buffer.from(kept.subarray(0, KEPT_BYTES))
    this.#parts.push(lastOf(kept))
  }
}

/** The last bytes, copied, so that the rest can go. */
const lastOf = (all: Buffer): Buffer => Buffer.from(all.subarray(Math.max(0, all.length - KEPT_BYTES)))
