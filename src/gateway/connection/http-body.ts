import type { Readable } from 'node:stream'
import { tooLarge } from './channel.ts'
import { bufferPieces } from '../../kernel/pieces.ts'

/** Reads a body chunk by chunk. Rejects when it breaks off, or with what `onChunk` throws; the body ends then. */
export function readChunks(body: Readable, onChunk: (chunk: Buffer) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    body.on('data', (chunk: Buffer) => {
      try {
        onChunk(chunk)
      } catch (error) {
        reject(error)
        body.destroy()
      }
    })
    body.once('end', resolve)
    body.on('error', reject)
    body.once('close', () => reject(new Error('the body was cut off')))
  })
}

const BYTE_ORDER_MARK = 0xfeff

/** The whole body as text. Throws Fault `too_large` naming the upstream. */
export async function readText(body: Readable, name: string, largestBytes: number): Promise<string> {
  const chunks = bufferPieces()
  let bytes = 0
  await readChunks(body, (chunk) => {
    bytes += chunk.length
    if (bytes > largestBytes) throw tooLarge(name, undefined, largestBytes)
    chunks.push(chunk)
  })
  const text = chunks.take().toString()
  // RFC 8259, 8.1: a byte order mark may be ignored.
  return text.charCodeAt(0) === BYTE_ORDER_MARK ? text.slice(1) : text
}

/** Nobody wants this body: what little comes is thrown away, so that the connection can be used again; more ends it. */
export function discard(body: Readable): void {
  let bytes = 0
  body.on('error', () => {})
  body.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes > 64 * 1024) body.destroy()
  })
}
