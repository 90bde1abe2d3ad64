import type { Readable } from 'node:stream'

/** What is read from a pipe at once, at most. */
const FULL_CHUNK_BYTES = 64 * 1024

/**
 * Calls `onChunk` with everything that comes by a pipe. After a full chunk there is more, perhaps without end: everybody
 * else has a turn before it.
 */
export function readInTurn(stream: Readable, onChunk: (chunk: Buffer) => void): void {
  stream.on('data', (chunk: Buffer) => {
    onChunk(chunk)
    if (chunk.length < FULL_CHUNK_BYTES || stream.destroyed) return
    stream.pause()
    setImmediate(() => stream.resume())
  })
}
