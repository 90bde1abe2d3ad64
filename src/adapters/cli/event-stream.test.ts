import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readEvents } from './event-stream.ts'

const ROWS: readonly (readonly [stream: string, ...events: (readonly [event: string, data: string])[]])[] = [
  ['data: a\n\n', ['message', 'a']],
  ['event: progress\r\ndata: 1\r\ndata: 2\r\n\r\ndata: b\r\r', ['progress', '1\n2'], ['message', 'b']],
  // WHATWG HTML, 9.2.6: an empty name counts as none.
  ['event:\ndata\n\n', ['message', '']],
  ['event: lost\n\ndata: a\n\n', ['message', 'a']],
  [': keep-alive\n\ndata: not ended\n'],
]

for (const [stream, ...events] of ROWS)
  test(`event stream ${JSON.stringify(stream)}, whichever way it was cut`, async () => {
    for (const size of [1, 2, stream.length]) {
      const read: (readonly [string, string])[] = []
      for await (const { event, data } of readEvents(cut(Buffer.from(stream), size))) read.push([event, data])
      assert.deepEqual(read, events)
    }
  })

async function* cut(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}
