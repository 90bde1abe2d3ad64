import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { array, assert as check, double, property } from 'fast-check'
import { Histogram } from './histogram.ts'

suite('histogram', () => {
  test('of nothing there are no percentiles', () => assert.equal(new Histogram().quantile(0.5), undefined))

  test('a percentile is off by no more than its bucket', () => {
    const ms = double({ min: 0.01, max: 2_000_000, noNaN: true })
    check(
      property(array(ms, { minLength: 1, maxLength: 200 }), double({ min: 0, max: 1, noNaN: true }), (all, at) => {
        const histogram = new Histogram()
        for (const value of all) histogram.add(value)
        const exact = all.toSorted((a, b) => a - b)[Math.max(1, Math.ceil(all.length * at)) - 1] ?? 0
        const found = histogram.quantile(at) ?? 0
        assert.ok(Math.abs(found - exact) <= exact * 0.0625 + 0.001, `${found} for ${exact}`)
      }),
    )
  })

  test('two together are as one, and what is cleared is empty', () => {
    const [one, other, both] = [new Histogram(), new Histogram(), new Histogram()]
    for (const [at, value] of [0, 0.5, 3, 70, 1e9, -1].entries()) {
      ;(at % 2 === 0 ? one : other).add(value)
      both.add(value)
    }
    one.addAll(other)
    assert.deepEqual(one, both)
    for (const share of [0, 0.5, 0.9, 1]) assert.equal(one.quantile(share), both.quantile(share))
    one.clear()
    assert.deepEqual([one.count, one.quantile(1)], [0, undefined])
  })
})
