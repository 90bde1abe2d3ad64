import { z } from 'zod'
import { damaged } from './broken.ts'

/** What stands in a backup, in order: a manifest, then files and perhaps tables, then the end. */
const EntryHead = z.discriminatedUnion('is', [
  z.object({
    is: z.literal('manifest'),
    /** Of the program that made it. */
    version: z.string().regex(/^\d+\.\d+\.\d+/),
    created: z.iso.datetime(),
    store: z.enum(['sqlite', 'postgres']),
    /** Files from elsewhere: where each is in the backup, and where it was. */
    moved: z.record(z.string(), z.string()),
  }),
  z.object({ is: z.literal('file'), path: z.string() }),
  z.object({ is: z.literal('tables') }),
  z.object({ is: z.literal('end'), entries: z.int().min(0) }),
])
export type EntryHead = z.infer<typeof EntryHead>
export type Manifest = Extract<EntryHead, { is: 'manifest' }>

export interface Entry {
  readonly head: Exclude<EntryHead, { is: 'end' }>
  readonly data: AsyncIterable<Uint8Array>
}

const LENGTH_BYTES = 4
const LONGEST_HEAD = 1_048_576
const LONGEST_PIECE = 1_048_576

/** Entry by entry: a frame with its head, frames with its data, an empty frame. A frame has its length before it. */
export async function* writeEntries(entries: AsyncIterable<Entry>): AsyncGenerator<Buffer> {
  let count = 0
  for await (const { head, data } of entries) {
    yield frame(Buffer.from(JSON.stringify(head)))
    for await (const piece of data)
      for (let at = 0; at < piece.length; at += LONGEST_PIECE) yield frame(piece.subarray(at, at + LONGEST_PIECE))
    yield frame(Buffer.alloc(0))
    count += 1
  }
  yield frame(Buffer.from(JSON.stringify({ is: 'end', entries: count } satisfies EntryHead)))
}

function frame(bytes: Uint8Array): Buffer {
  const framed = Buffer.alloc(LENGTH_BYTES + bytes.length)
  framed.writeUInt32BE(bytes.length)
  framed.set(bytes, LENGTH_BYTES)
  return framed
}

/**
 * The entries of a decrypted backup; the data of each must be read before the next is asked for. Ends only at its end: throws
 * Fault `storage_failed` for anything missing or beyond.
 */
export async function* readEntries(plain: AsyncIterable<Uint8Array>): AsyncGenerator<Entry> {
  const reader = createReader(plain)
  for (let count = 0; ; count++) {
    const head = parseHead(await reader.frame(LONGEST_HEAD))
    if (head.is === 'end') {
      if (head.entries !== count || !(await reader.isAtEnd())) throw damaged()
      return
    }
    let isRead = false
    const data = async function* () {
      for (;;) {
        const piece = await reader.frame(LONGEST_PIECE)
        if (piece.length === 0) break
        yield piece
      }
      isRead = true
    }
    yield { head, data: data() }
    if (!isRead) throw new TypeError('The data of an entry were not read.')
  }
}

function parseHead(bytes: Buffer): EntryHead {
  try {
    return EntryHead.parse(JSON.parse(bytes.toString('utf8')))
  } catch (cause) {
    throw damaged(cause)
  }
}

function createReader(plain: AsyncIterable<Uint8Array>) {
  const source = plain[Symbol.asyncIterator]()
  let rest: Uint8Array = Buffer.alloc(0)
  /** Exactly so many bytes. */
  const take = async (bytes: number): Promise<Buffer> => {
    const parts: Uint8Array[] = []
    let length = 0
    while (length < bytes) {
      if (rest.length === 0) {
        const next = await source.next()
        if (next.done) throw damaged()
        rest = next.value
        continue
      }
      const part = rest.subarray(0, bytes - length)
      rest = rest.subarray(part.length)
      parts.push(part)
      length += part.length
    }
    return Buffer.concat(parts)
  }
  return {
    async frame(longest: number): Promise<Buffer> {
      const length = (await take(LENGTH_BYTES)).readUInt32BE()
      if (length > longest) throw damaged()
      return await take(length)
    },
    async isAtEnd(): Promise<boolean> {
      while (rest.length === 0) {
        const next = await source.next()
        if (next.done) return true
        rest = next.value
      }
      return false
    },
  }
}
