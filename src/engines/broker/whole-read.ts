import type { Duplex } from 'node:stream'

/**
 * Makes `read()` return everything that is buffered. Since Node 26 it returns one chunk at a time, and `readable` comes
 * again only when all has been read; aedes reads once per event, and would wait for ever for the rest of a packet that
 * came in several chunks. `onChunk` is told of each, before it is handed on.
 */
export function readWhole(stream: Duplex, onChunk?: (chunk: Buffer) => void): Duplex {
  const read = stream.read.bind(stream) as (size?: number | null) => Buffer | null
  stream.read = (size?: number | null) => {
    const first = read(size)
    if (first === null || typeof size === 'number') return first
    onChunk?.(first)
    const chunks = [first]
    for (let next = read(); next !== null; next = read()) {
      onChunk?.(next)
      chunks.push(next)
    }
    return chunks.length === 1 ? first : Buffer.concat(chunks)
  }
  return stream
}
