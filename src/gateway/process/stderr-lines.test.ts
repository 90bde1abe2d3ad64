import assert from 'node:assert/strict'
import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import { heldClock } from '../../kernel/clock.ts'
import { createStderrRing, readLines } from './stderr-lines.ts'

async function linesOf(chunks: readonly Uint8Array[]): Promise<string[]> {
  const stream = new PassThrough()
  const lines: string[] = []
  readLines(stream, (line) => lines.push(line))
  for (const chunk of chunks) stream.write(chunk)
  stream.end()
  await once(stream, 'close')
  return lines
}

suite('lines of standard error', () => {
  test('are the same however they arrive', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.string({ unit: fc.constantFrom('a', 'ß', '🙂', ' ', '\n', '\r\n') }),
        fc.nat(8),
        async (text, size) => {
          const bytes = Buffer.from(text)
          const chunks: Buffer[] = []
          for (let at = 0; at < bytes.length; at += size + 1) chunks.push(bytes.subarray(at, at + size + 1))
          const expected = text.split('\n').map((line) => line.trimEnd())
          assert.deepEqual(
            await linesOf(chunks),
            expected.filter((line) => line !== ''),
          )
        },
      ),
    )
  })

  test('are cut when nobody ends them', async () => {
    const chunk = Buffer.alloc(100_000, 'x')
    assert.deepEqual(
      (await linesOf([chunk, chunk, Buffer.from('\nnext')])).map((line) => line.length),
      [8192, 4],
    )
  })

  const floods: [string, number, string, number, string | undefined][] = [
    ['few', 3, 'x', 3, '0 x'],
    ['many', 600, 'x', 500, '100 x'],
    ['long ones', 100, 'x'.repeat(8000), 32, '68 x'],
  ]
  for (const [name, count, text, kept, first] of floods)
    test(`the latest are kept: ${name}`, () => {
      const clock = heldClock(0)
      const ring = createStderrRing(clock)
      for (let index = 0; index < count; index++) {
        ring.push(`${index} ${text}`)
        clock.advance(1)
      }
      const lines = ring.lines()
      assert.equal(lines.length, kept)
      assert.equal(lines[0]?.text.slice(0, first?.length), first)
      assert.equal(lines.at(-1)?.atMs, count - 1)
    })
})
