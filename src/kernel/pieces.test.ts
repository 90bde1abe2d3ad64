import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { bufferPieces, textPieces } from './pieces.ts'

suite('pieces', () => {
  test('are joined when there are many, and taken as one', () => {
    const pieces = textPieces()
    for (let count = 0; count < 100_000; count++) pieces.push(String(count % 10))
    assert.ok(pieces.count < 1000, `${pieces.count} pieces`)
    assert.equal(pieces.take(), '0123456789'.repeat(10_000))
    assert.equal(pieces.take(), '')
  })

  test('one is not copied', () => {
    const [pieces, piece] = [bufferPieces(), Buffer.from('x')]
    pieces.push(piece)
    assert.equal(pieces.take(), piece)
  })
})
