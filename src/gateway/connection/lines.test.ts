import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import { LineSplitter } from './lines.ts'

/** What a splitter makes of these chunks: lines, and for those that are too long their length and ends. */
function split(chunks: readonly Buffer[], largestBytes: number): string[] {
  const found: string[] = []
  const splitter = new LineSplitter(largestBytes, {
    onLine: (text) => void found.push(text),
    onTooLong: (head, tail, bytes) => void found.push(`${bytes}: ${head.slice(0, 3)}…${tail.slice(-3)}`),
  })
  for (const chunk of chunks) splitter.push(chunk)
  return found
}

/** The bytes, cut at these places. */
function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const at = [0, ...places.map((place) => place % (bytes.length + 1)), bytes.length].sort((a, b) => a - b)
  return at.slice(1).map((end, index) => bytes.subarray(at[index], end))
}

suite('lines of a stream', () => {
  for (const [title, text, expected] of [
    ['one', 'a\n', ['a']],
    ['several, and the beginning of another', 'a\nb\nc', ['a', 'b']],
    ['with carriage returns', 'a\r\nb\r\n', ['a', 'b']],
    ['empty ones say nothing', '\n\r\n\na\n', ['a']],
    ['at the limit', '12345678\n', ['12345678']],
    ['over the limit', '123456789\nb\n', ['9: 123…789', 'b']],
    ['the limit counts bytes', 'éééé\néééé!\nb\n', ['éééé', '9: Ã©Ã…Ã©!', 'b']],
  ] as const)
    test(title, () => assert.deepEqual(split([Buffer.from(text)], 8), expected))

  test('are the same whichever way the stream was cut', () => {
    const line = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 12 }),
      fc.constantFrom('é'.repeat(40), 'x'.repeat(600)),
    )
    fc.assert(
      fc.property(fc.array(line, { maxLength: 8 }), fc.array(fc.nat(5000), { maxLength: 8 }), (lines, places) => {
        const bytes = Buffer.from(lines.map((text) => `${text}\n`).join(''))
        assert.deepEqual(split(cut(bytes, places), 64), split([bytes], 64))
      }),
    )
  })
})
