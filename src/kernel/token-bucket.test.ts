import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import { RecentMap } from './recent-map.ts'
import { BucketTable, TokenBucket } from './token-bucket.ts'

suite('token bucket', () => {
  test('gives a burst at once, then one at a time, and says when the next comes', () => {
    const bucket = new TokenBucket({ perMinute: 6, burst: 2 })
    const steps: [nowMs: number, waitMs: number, left: number, nextMs: number][] = [
      [0, 0, 2, 0],
      [0, 0, 1, 10_000],
      [0, 10_000, 0, 10_000],
      [4000, 6000, 0, 6000],
      [10_000, 0, 1, 10_000],
      [10_000, 10_000, 0, 10_000],
      [100_000, 0, 2, 0],
    ]
    for (const [nowMs, waitMs, left, nextMs] of steps) {
      assert.deepEqual([bucket.waitMs(nowMs), bucket.left(nowMs), bucket.nextMs(nowMs)], [waitMs, left, nextMs])
      if (waitMs === 0) bucket.take(nowMs)
    }
  })

  test('is taken from only where there is one', () => {
    const bucket = new TokenBucket({ perMinute: 6, burst: 1 })
    assert.deepEqual(
      [0, 9000, 10_000, 10_000].map((nowMs) => bucket.tryTake(nowMs)),
      [true, false, true, false],
    )
  })

  test('what others took delays it, and never the other way round', () => {
    const bucket = new TokenBucket({ perMinute: 60, burst: 3 })
    bucket.delay(2000)
    assert.equal(bucket.left(0), 1)
    bucket.delay(1000)
    assert.equal(bucket.left(0), 1)
    bucket.delay(10_000)
    assert.equal(bucket.waitMs(0), 8000)
  })

  test('never more than the burst and what was refilled, and whoever waits as told gets it', () =>
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 10_000 }),
        fc.integer({ min: 1, max: 50 }),
        fc.array(fc.nat(5000), { maxLength: 200 }),
        (perMinute, burst, pausesMs) => {
          const bucket = new TokenBucket({ perMinute, burst })
          const startMs = 1_000_000.25
          let nowMs = startMs
          let taken = 0
          for (const pauseMs of pausesMs) {
            nowMs += pauseMs
            const waitMs = bucket.waitMs(nowMs)
            assert.equal(bucket.left(nowMs) > 0, waitMs === 0)
            if (waitMs > 0) assert.equal(bucket.waitMs(nowMs + waitMs), 0)
            else {
              bucket.take(nowMs)
              taken++
            }
            assert.ok(taken <= burst + ((nowMs - startMs) * perMinute) / 60_000 + 0.001)
          }
        },
      ),
    ))
})

suite('tables of buckets', () => {
  test('a flood of made-up keys does not fill the memory, nor drive out who is busy', () => {
    const table = new BucketTable({ perMinute: 1, burst: 1 }, 100)
    table.of('busy').take(0)
    for (let key = 0; key < 10_000; key++) {
      table.of(`made-up-${key}`).take(0)
      if (key % 50 === 0) assert.ok(table.of('busy').waitMs(0) > 0, `after ${key}`)
    }
    assert.ok(table.size <= 200)
  })

  test('what was used last is kept', () => {
    const map = new RecentMap<number>(2)
    for (const [at, key] of ['a', 'b', 'c', 'd'].entries()) {
      map.set(key, at)
      assert.equal(map.get('a'), 0)
    }
    assert.deepEqual([map.get('b'), map.get('d')], [undefined, 3])
    assert.ok(map.size <= 4)
  })
})
