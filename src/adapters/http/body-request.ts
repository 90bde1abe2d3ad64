import { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'

/** Whoever takes the body of a request as it comes. Nothing of it throws. */
export interface BodyTaker {
  /** False: it wants no more, and what follows is left to the stream. */
  piece(bytes: Buffer): boolean
  /** That was all. */
  end(): void
  /** The connection ended in the middle. */
  broken(cause?: unknown): void
}

/**
 * A request whose body can be taken without a stream between: for a body in one piece, a stream costs three tasks of the event
 * loop's queue and two dozen functions, which was a tenth of what a relayed call costs the hub. Node's parser pushes each piece
 * into the request, and null at the end. Until somebody takes them, and when they want no more, that goes into the stream as it
 * always does. Of a body that was taken there are no events; `complete` says whether all of it came.
 */
export class BodyRequest extends IncomingMessage {
  /** Let go of when it has all: it holds the body, and an idle connection its latest request. */
  #taker: BodyTaker | undefined
  #isTaken = false

  static {
    // Node asks for this before it lets go of a request, and so does whoever cleans up after one. Its types have a property there,
    // which no getter of a class may stand in for.
    const ended = Reflect.getOwnPropertyDescriptor(Readable.prototype, 'readableEnded')
    Object.defineProperty(this.prototype, 'readableEnded', {
      get(this: BodyRequest): unknown {
        return this.#isTaken ? this.complete : ended?.get?.call(this)
      },
    })
  }

  /** From the first piece on. False: some of it, or its end, is in the stream already. */
  takeBody(taker: BodyTaker): boolean {
    if (this.complete || this.destroyed || this.readableLength > 0) return false
    this.#taker = taker
    this.#isTaken = true
    // So that Node knows that somebody reads it: after the answer it throws away what nobody does.
    this.read(0)
    return true
  }

  override push(piece: Buffer | null, encoding?: BufferEncoding): boolean {
    const taker = this.#taker
    if (taker === undefined) return super.push(piece, encoding)
    if (piece === null) {
      this.#taker = undefined
      taker.end()
      return true
    }
    if (taker.piece(piece)) return true
    this.#taker = undefined
    this.#isTaken = false
    // Else the stream would wait for ever for what it was asked for when the body was taken.
    return super.push(NOTHING)
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    const taker = this.#taker
    this.#taker = undefined
    super._destroy(error, done)
    taker?.broken(error)
  }
}

const NOTHING = Buffer.alloc(0)
