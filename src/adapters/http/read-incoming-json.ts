import type { IncomingMessage } from 'node:http'
import { Fault } from '../../kernel/fault.ts'
import { readJsonText, readUtf8 } from '../../kernel/json.ts'
import { bufferPieces, type Pieces } from '../../kernel/pieces.ts'
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
    // Most bodies are one chunk.
    let body: Buffer | undefined
    let more: Pieces<Buffer> | undefined
    let bytes = 0
    const take = (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes <= limits.bodyBytes) {
        if (body === undefined) body = chunk
        else (more ??= bufferPieces()).push(chunk)
        return
      }
      incoming.off('data', take).pause()
      reject(tooLarge(limits))
    }
    const finish = () => {
      let text: string | undefined
      try {
        text = textOf(body && more ? Buffer.concat([body, more.take()]) : body, type)
      } catch (error) {
        return reject(error)
      }
      resolve(text)
    }
    // Whoever breaks off in the middle makes an error of the request; none of these outlives it.
    incoming
      .on('data', take)
      .on('end', finish)
      .on('error', (cause) => reject(new Fault('invalid_request', 'The body broke off.', { cause })))
  })
}

function textOf(body: Buffer | undefined, type: string | undefined): string | undefined {
  if (body === undefined) return undefined
  requireJsonType(type)
  return readUtf8(body, BODY)
}
