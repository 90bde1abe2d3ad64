import type { IncomingMessage } from 'node:http'
import { Fault } from '../../kernel/fault.ts'
import { readJsonText, readUtf8 } from '../../kernel/json.ts'
import { bufferPieces, type Pieces } from '../../kernel/pieces.ts'
import { BodyRequest, type BodyTaker } from './body-request.ts'
import { requireJsonType, tooLarge, type BodyLimits } from './read-json.ts'

/**
 * What `readJson` does, on Node's own request: no `Headers` and no copy of the body are made, which a call of a trivial
 * operation would spend a tenth of its time on. Throws the same.
 */
export async function readIncomingJson(incoming: IncomingMessage, limits: BodyLimits): Promise<unknown> {
  const text = await readIncomingText(incoming, limits)
  return text === undefined ? undefined : readJsonText(text, BODY)
}

const BODY = 'The body'

/** The same before it is parsed: whoever passes parts of it on has them as they came. Undefined: there is none. */
export function readIncomingText(incoming: IncomingMessage, limits: BodyLimits): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const { 'content-length': declared, 'content-type': type } = incoming.headers
    if (declared === '0') return resolve(undefined)
    if (declared !== undefined && Number(declared) > limits.bodyBytes) throw tooLarge(limits)
    if (declared !== undefined) requireJsonType(type)
    const body = new BodyText(limits, type, { resolve, reject })
    if (incoming.destroyed) return body.broken(incoming.errored)
    if (!(incoming instanceof BodyRequest && incoming.takeBody(body))) takeFromStream(incoming, body)
  })
}

type Settle = Pick<PromiseWithResolvers<string | undefined>, 'resolve' | 'reject'>

/** A body that becomes a text. */
class BodyText implements BodyTaker {
  readonly #limits: BodyLimits
  readonly #type: string | undefined
  readonly #settle: Settle
  /** Most bodies are one piece. */
  #first: Buffer | undefined
  #more: Pieces<Buffer> | undefined
  #bytes = 0

  constructor(limits: BodyLimits, type: string | undefined, settle: Settle) {
    this.#limits = limits
    this.#type = type
    this.#settle = settle
  }

  piece(bytes: Buffer): boolean {
    this.#bytes += bytes.length
    if (this.#bytes > this.#limits.bodyBytes) {
      this.#settle.reject(tooLarge(this.#limits))
      return false
    }
    if (this.#first === undefined) this.#first = bytes
    else (this.#more ??= bufferPieces()).push(bytes)
    return true
  }

  end(): void {
    const { resolve, reject } = this.#settle
    try {
      resolve(this.#text())
    } catch (error) {
      reject(error)
    }
  }

  broken(cause?: unknown): void {
    this.#settle.reject(new Fault('invalid_request', 'The body broke off.', { cause }))
  }

  #text(): string | undefined {
    if (this.#first === undefined) return undefined
    requireJsonType(this.#type)
    return readUtf8(this.#more ? Buffer.concat([this.#first, this.#more.take()]) : this.#first, BODY)
  }
}

function takeFromStream(incoming: IncomingMessage, taker: BodyTaker): void {
  const take = (bytes: Buffer) => {
    if (!taker.piece(bytes)) incoming.off('data', take).pause()
  }
  // Whoever breaks off in the middle makes an error of the request; none of these outlives it.
  incoming
    .on('data', take)
    .on('end', () => taker.end())
    .on('error', (cause) => taker.broken(cause))
}
