import assert from 'node:assert/strict'
import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import { readWhole } from './whole-read.ts'

test('one read for each event gets everything, however many chunks it came in', async () => {
  const stream = readWhole(new PassThrough())
  const chunks: string[] = []
  stream.on('readable', () => {
    const chunk = stream.read() as Buffer | null
    if (chunk) chunks.push(chunk.toString())
  })
  for (const text of ['a', 'b', 'c']) stream.write(text)
  await once(stream, 'readable')
  stream.write('d')
  stream.end('e')
  await once(stream, 'end')
  assert.equal(chunks.join(''), 'abcde')
})
