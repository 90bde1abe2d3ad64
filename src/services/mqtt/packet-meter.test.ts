import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import { createPacketMeter } from './packet-meter.ts'

/** A packet with a body of so many bytes, all of which look like the length of another. */
function packet(bytes: number): Buffer {
  const header = [0x30]
  let rest = bytes
  do {
    header.push((rest & 0x7f) | (rest > 127 ? 0x80 : 0))
    rest >>= 7
  } while (rest > 0)
  return Buffer.concat([Buffer.from(header), Buffer.alloc(bytes, 0xff)])
}

suite('packet meter', () => {
  test('finds the packets that are too large, however the bytes are cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 40_000 }), { maxLength: 6 }),
        fc.array(fc.integer({ min: 1, max: 9000 }), { minLength: 1, maxLength: 5 }),
        (sizes, cuts) => {
          const found: number[] = []
          const meter = createPacketMeter(16_384, (bytes) => found.push(bytes))
          const bytes = Buffer.concat(sizes.map(packet))
          for (let at = 0, turn = 0; at < bytes.length; turn++) {
            const end = at + (cuts[turn % cuts.length] ?? 1)
            meter(bytes.subarray(at, end))
            at = end
          }
          assert.deepEqual(
            found,
            sizes.filter((size) => size > 16_384),
          )
        },
      ),
      { numRuns: 100 },
    )
  })

  test('is told by the header alone', () => {
    const found: number[] = []
    createPacketMeter(1000, (bytes) => found.push(bytes))(Buffer.from([0x30, 0xff, 0xff, 0xff, 0x7f]))
    assert.deepEqual(found, [268_435_455])
  })
})
