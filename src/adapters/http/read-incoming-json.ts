import type { IncomingMessage } from 'node:http'
import { Fault } from '../../kernel/fault.ts'
import { readJsonText, readUtf8 } from '../../kernel/json.ts'
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
    const chunks: Buffer[] = []
    let bytes = 0
    const take = (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes <= limits.bodyBytes) return void chunks.push(chunk)
      incoming.off('data', take).pause()
      reject(tooLarge(limits))
    }
    const finish = () => {
      try {
        resolve(textOf(chunks, type))
      } catch (error) {
        reject(error)
      }
    }
    // Whoever breaks off in the middle makes an error of the request; none of these outlives it.
    incoming
      .on('data', take)
      .on('end', finish)
      .on('error', (cause) => reject(new Fault('invalid_request', 'The body broke off.', { cause })))
  })
}

function textOf(chunks: readonly Buffer[], type: string | undefined): string | undefined {
  const [first] = chunks
  if (first === undefined) return undefined
  requireJsonType(type)
  return readUtf8(chunks.length === 1 ? first : Buffer.concat(chunks), BODY)
}
