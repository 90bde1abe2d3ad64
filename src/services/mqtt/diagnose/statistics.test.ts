import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import { topicMatcher } from '../../../kernel/topic.ts'
import { filtersOverlap } from '../../../kernel/topic.ts'
import { disjointGroups } from './filter-groups.ts'
import { createQuantileSketch, ERROR } from './quantile-sketch.ts'
import { createRhythm } from './rhythm.ts'
import { median, robustLocation } from './robust.ts'
import { trendOf } from './trend.ts'

const measurement = fc.oneof(
  fc.double({ min: 1e-3, max: 1e9, noNaN: true }),
  fc.integer({ min: 0, max: 100 }),
  fc.constant(0),
)

suite('quantile sketch', () => {
  test('every quantile is within the stated error of the exact one', () => {
    fc.assert(
      fc.property(fc.array(measurement, { minLength: 1, maxLength: 300 }), fc.double({ min: 0, max: 1 }), (all, q) => {
        fc.pre(!Number.isNaN(q))
        const sketch = createQuantileSketch()
        for (const value of all) sketch.add(value)
        const exact = [...all].sort((a, b) => a - b)[Math.max(1, Math.ceil(q * all.length)) - 1] ?? NaN
        const found = sketch.quantile(q) ?? NaN
        assert.ok(Math.abs(found - exact) <= exact * ERROR * 1.000001, `${found} for ${exact}`)
      }),
      { numRuns: 200 },
    )
  })

  test('what is no measurement does no harm', () => {
    const sketch = createQuantileSketch()
    assert.deepEqual([sketch.quantile(0.5), sketch.min(), sketch.mean()], [undefined, undefined, undefined])
    for (const value of [NaN, -5, Infinity, -Infinity, 0]) sketch.add(value)
    assert.deepEqual([sketch.count(), sketch.min(), sketch.quantile(0.5), sketch.max()], [5, 0, 0, 1e12])
  })
})

suite('robust location', () => {
  const medians: [values: number[], middle: number | undefined][] = [
    [[], undefined],
    [[3], 3],
    [[1, 9], 5],
    [[9, 1, 2], 2],
  ]
  for (const [values, middle] of medians)
    test(`median of [${values.join()}]`, () => assert.equal(median(values), middle))

  test('fewer than half of the values can be anything', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ noNaN: true, min: -1e9, max: 1e9 }), { maxLength: 4 }), (wild) => {
        const found = robustLocation([10, 10, 10, 10, 10, ...wild])
        assert.deepEqual(found, { median: 10, spread: 0 })
      }),
    )
  })
})

suite('trend', () => {
  const rows: [name: string, values: number[], is: string][] = [
    ['too few', [1, 2, 3, 4, 5, 6, 7], 'unknown'],
    ['always the same', Array<number>(20).fill(3), 'steady'],
    ['up and down', [1, 9, 2, 8, 1, 9, 2, 8, 1, 9], 'steady'],
    ['rises', [1, 2, 2, 3, 5, 4, 6, 7, 8, 9], 'rising'],
    ['falls', [9, 8, 7, 6, 4, 5, 3, 2, 2, 1], 'falling'],
    ['rises, one wild value', [1, 2, 3, 4, 900, 5, 6, 7, 8, 9, 10, 11], 'rising'],
  ]
  for (const [name, values, is] of rows) test(`${name}: ${is}`, () => assert.equal(trendOf(values).is, is))

  test('the slope is per step, and a wild value does not bend it', () => {
    const trend = trendOf([0, 2, 4, 6, 8, 10, 5000, 14, 16, 18])
    assert.ok(trend.is === 'rising' && trend.slope === 2)
  })

  test('p of a known case: 10 rising values, S = 45, variance 125', () => {
    const trend = trendOf([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    assert.ok(trend.is === 'rising' && Math.abs(trend.pValue - 8.3e-5) < 1e-6)
  })

  test('p where values are tied: S = 40, variance 120', () => {
    const trend = trendOf([1, 1, 2, 2, 3, 3, 4, 4, 5, 5])
    assert.ok(trend.is === 'rising' && Math.abs(trend.pValue - 3.71e-4) < 5e-6)
  })

  test('turned round in time it is the opposite', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 50 }), { minLength: 8, maxLength: 30 }), (values) => {
        const opposite = { rising: 'falling', falling: 'rising', steady: 'steady', unknown: 'unknown' } as const
        assert.equal(trendOf(values.toReversed()).is, opposite[trendOf(values).is])
      }),
    )
  })
})

suite('rhythm', () => {
  const of = (atMs: readonly number[], nowMs = atMs.at(-1) ?? 0) => {
    const rhythm = createRhythm()
    for (const ms of atMs) rhythm.happened(ms)
    return rhythm.beat(nowMs)
  }
  const every = (ms: number, count: number, startMs = 0) => Array.from({ length: count }, (_, at) => startMs + at * ms)

  test('too little to learn from', () => assert.deepEqual(of(every(1000, 5)), { is: 'unknown', intervals: 4 }))

  test('regular, without a gap', () =>
    assert.partialDeepStrictEqual(of(every(10_000, 8), 75_000), { is: 'regular', medianMs: 10_000, gaps: 0 }))

  test('a pause in the middle is a gap, silence at the end another', () => {
    const beat = of([...every(10_000, 8), ...every(10_000, 4, 130_000)], 200_000)
    assert.partialDeepStrictEqual(beat, { is: 'regular', gaps: 2, longestMs: 60_000, silentMs: 40_000 })
  })

  test('events without a rhythm: nothing is expected', () =>
    assert.equal(of([0, 200, 9000, 9300, 40_000, 41_000, 90_000, 90_100]).is, 'irregular'))

  test('several messages of one report are one beat', () =>
    assert.partialDeepStrictEqual(of(every(10_000, 8).flatMap((ms) => [ms, ms + 5, ms + 9])), { medianMs: 10_000 }))

  test('times that go back or make no sense break nothing', () => {
    const ms = fc.oneof(fc.double(), fc.integer())
    fc.assert(fc.property(fc.array(ms), ms, (times, nowMs) => void of(times, nowMs)))
  })
})

suite('filters that overlap', () => {
  const rows: [one: string, other: string, overlap: boolean][] = [
    ['a/b', 'a/b', true],
    ['a/b', 'a/c', false],
    ['a/+', '+/b', true],
    ['a/#', 'a', true],
    ['a/#', 'b/#', false],
    ['#', '$SYS/x', false],
    ['+/x', '$SYS/x', false],
    ['$SYS/#', '$SYS/+', true],
    ['a/+/c', 'a/b/#', true],
    ['a/+', 'a/b/c', false],
  ]
  for (const [one, other, overlap] of rows)
    test(`${one} and ${other}: ${overlap ? 'do' : 'do not'}`, () => {
      assert.equal(filtersOverlap(one, other), overlap)
      assert.equal(filtersOverlap(other, one), overlap)
    })

  test('in a group a topic matches one filter at most', () => {
    const level = fc.constantFrom('a', 'b', '+')
    const filter = fc
      .tuple(fc.array(level, { minLength: 1, maxLength: 3 }), fc.boolean())
      .map(([levels, open]) => [...levels, ...(open ? ['#'] : [])].join('/'))
    const topic = fc.array(fc.constantFrom('a', 'b'), { minLength: 1, maxLength: 4 }).map((levels) => levels.join('/'))
    fc.assert(
      fc.property(fc.array(filter, { maxLength: 6 }), topic, (filters, name) => {
        const groups = disjointGroups(filters)
        assert.deepEqual(groups.flat().sort(), [...filters].sort())
        for (const group of groups) assert.ok(group.filter((each) => topicMatcher(each)(name)).length <= 1)
      }),
    )
  })
})
