import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { DEFAULT_OUTLIER, OutlierWatch, type Watched } from './outlier.ts'

const { intervalMs, ejectedMs } = DEFAULT_OUTLIER

/** A sibling by its calls, failures and milliseconds a call. */
const sibling = (calls: number, failures = 0, ms = 10): Watched => ({
  ejection: { is: 'in', times: 0 },
  calls,
  failures,
  answeredMs: (calls - failures) * ms,
})

const ejected = (siblings: readonly Watched[]) => siblings.map(({ ejection }) => ejection.is === 'ejected')

suite('outliers', () => {
  const cases: [string, Watched[], boolean[]][] = [
    ['none among equals', [sibling(50), sibling(50), sibling(50)], [false, false, false]],
    ['one that fails', [sibling(50), sibling(50, 25), sibling(50)], [false, true, false]],
    ['none where all fail alike', [sibling(50, 25), sibling(50, 25)], [false, false]],
    ['one that is slow', [sibling(50), sibling(50), sibling(50, 0, 500)], [false, false, true]],
    ['not for a few milliseconds', [sibling(50, 0, 1), sibling(50, 0, 20)], [false, false]],
    ['not after a few calls', [sibling(50), sibling(9, 9)], [false, false]],
    ['not without siblings to compare with', [sibling(50, 50), sibling(2)], [false, false]],
    ['one of two', [sibling(50), sibling(50, 40)], [false, true]],
    [
      'never more than half',
      [sibling(50, 50), sibling(50, 50), sibling(50, 50), sibling(50), sibling(50)],
      [true, true, false, false, false],
    ],
    ['nobody who is alone', [sibling(50, 50)], [false]],
  ]
  for (const [name, siblings, expected] of cases)
    test(name, () => {
      const watch = new OutlierWatch(0)
      watch.look(intervalMs - 1, siblings)
      assert.ok(!ejected(siblings).includes(true))
      watch.look(intervalMs, siblings)
      assert.deepEqual(ejected(siblings), expected)
    })

  test('for a longer time each time, which good intervals shorten again', () => {
    const watch = new OutlierWatch(0)
    const [good, bad] = [sibling(0), sibling(0)]
    let nowMs = 0
    const interval = (failures: number) => {
      Object.assign(good, sibling(50), { ejection: good.ejection })
      Object.assign(bad, sibling(50, failures), { ejection: bad.ejection })
      watch.look((nowMs += intervalMs), [good, bad])
      return bad.ejection.is === 'ejected' ? bad.ejection.untilMs - nowMs : 0
    }
    const lengths = [interval(50)]
    nowMs += ejectedMs
    lengths.push(interval(50))
    nowMs += 2 * ejectedMs
    lengths.push(interval(0), interval(0), interval(50))
    assert.deepEqual(lengths, [ejectedMs, 2 * ejectedMs, 0, 0, ejectedMs])
  })

  test('says why', () => {
    const siblings = [sibling(50), sibling(50, 40)]
    new OutlierWatch(0).look(intervalMs, siblings)
    const [, bad] = siblings
    assert.equal(
      bad?.ejection.is === 'ejected' && bad.ejection.reason,
      "80 % of its calls failed, 0 % of its siblings'",
    )
  })
})
