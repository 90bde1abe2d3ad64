/** Pieces that may lie about before they are joined. */
const MOST_LOOSE = 256

/** What has come of something whose end has not. A piece of one byte takes a hundred in memory: many are joined. */
export class Pieces<T> {
  readonly #concat: (pieces: readonly T[]) => T
  #pieces: T[] = []
  #joined = 0

  constructor(concat: (pieces: readonly T[]) => T) {
    this.#concat = concat
  }

  get count(): number {
    return this.#pieces.length
  }

  push(piece: T): void {
    this.#pieces.push(piece)
    if (this.#pieces.length - this.#joined < MOST_LOOSE) return
    this.#pieces.push(this.#concat(this.#pieces.splice(this.#joined)))
    this.#joined = this.#pieces.length
  }

  /** All of them as one; then there are none. */
  take(): T {
    const [first] = this.#pieces
    const whole = this.#pieces.length === 1 && first !== undefined ? first : this.#concat(this.#pieces)
    this.#pieces = []
    this.#joined = 0
    return whole
  }
}

export const bufferPieces = (): Pieces<Buffer> => new Pieces<Buffer>((pieces) => Buffer.concat(pieces))
export const textPieces = (): Pieces<string> => new Pieces<string>((pieces) => pieces.join(''))
