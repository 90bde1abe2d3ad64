import assert from 'node:assert/strict'
import { test } from 'node:test'
import { heldClock } from './clock.ts'
import { RateLimit } from './rate-limit.ts'

test('a rate limit takes so many of each key at once, then says how long until the next', () => {
  const clock = heldClock()
  const limit = new RateLimit(clock, 2, 60_000)
  assert.deepEqual([limit.take('a'), limit.take('a'), limit.take('b')], [undefined, undefined, undefined])
  clock.advance(10_000)
  assert.deepEqual([limit.take('a'), limit.take('a'), limit.take('b')], [20_000, 20_000, undefined])
  clock.advance(20_000)
  assert.deepEqual([limit.take('a'), limit.take('a')], [undefined, 30_000])
})
