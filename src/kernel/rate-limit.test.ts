import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import { heldClock } from './clock.ts'
import { RateLimit } from './rate-limit.ts'

suite('rate limit', () => {
  test('takes so many of each key in a window, then says how long it still lasts', () => {
    const clock = heldClock()
    const limit = new RateLimit(clock, 2, 60_000)
    assert.deepEqual([limit.take('a'), limit.take('a'), limit.take('b')], [undefined, undefined, undefined])
    clock.advance(15_000)
    assert.deepEqual([limit.take('a'), limit.take('b')], [45_000, undefined])
    clock.advance(45_000)
    assert.equal(limit.take('a'), undefined)
  })

  test('never more than the limit within a window, whatever comes when', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(40_000), { maxLength: 60 }), (waitsMs) => {
        const clock = heldClock()
        const limit = new RateLimit(clock, 3, 60_000)
        let startMs: number | undefined
        let taken = 0
        for (const waitMs of waitsMs) {
          clock.advance(waitMs)
          const refusedForMs = limit.take('a')
          if (startMs === undefined || clock.monotonic() >= startMs + 60_000) [startMs, taken] = [clock.monotonic(), 0]
          taken++
          assert.equal(refusedForMs, taken > 3 ? startMs + 60_000 - clock.monotonic() : undefined)
        }
      }),
    )
  })
})
