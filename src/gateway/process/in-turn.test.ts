import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import { readInTurn } from './in-turn.ts'

test('between the full chunks of a flood others have their turn', async () => {
  const stream = new PassThrough({ highWaterMark: 1 << 20 })
  const seen: string[] = []
  readInTurn(stream, () => seen.push('chunk'))
  for (let count = 0; count < 4; count++) stream.write(Buffer.alloc(64 * 1024))
  while (seen.filter((one) => one === 'chunk').length < 4) {
    await new Promise(setImmediate)
    seen.push('turn')
  }
  assert.doesNotMatch(seen.join(' '), /chunk chunk chunk/)
})
