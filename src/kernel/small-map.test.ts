import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import { SmallMap } from './small-map.ts'
import { SmallSet } from './small-set.ts'

const steps = fc.array(fc.record({ key: fc.nat(5), value: fc.nat(), does: fc.constantFrom('set', 'delete') }))

suite('small collections', () => {
  test('a small map does as a map does', () => {
    fc.assert(
      fc.property(steps, (all) => {
        const [small, model] = [new SmallMap<number, number>(), new Map<number, number>()]
        for (const { key, value, does } of all) {
          if (does === 'delete') assert.equal(small.delete(key), model.delete(key))
          else {
            small.set(key, value)
            model.set(key, value)
          }
          assert.equal(small.size, model.size)
          assert.equal(small.has(key), model.has(key))
          assert.equal(small.get(key), model.get(key))
          assert.deepEqual(small.values().toSorted(), [...model.values()].toSorted())
        }
      }),
    )
  })

  test('a small set does as a set does', () => {
    fc.assert(
      fc.property(steps, (all) => {
        const [small, model] = [new SmallSet<number>(), new Set<number>()]
        for (const { key, does } of all) {
          if (does === 'delete') assert.equal(small.delete(key), model.delete(key))
          else {
            small.add(key)
            model.add(key)
          }
          assert.equal(small.size, model.size)
          assert.deepEqual([...small].toSorted(), [...model].toSorted())
        }
      }),
    )
  })

  test('members may go while they are looked at', () => {
    const set = new SmallSet<number>()
    for (const member of [1, 2, 3]) set.add(member)
    const seen: number[] = []
    for (const member of set) {
      seen.push(member)
      set.delete(member)
    }
    assert.deepEqual([seen, set.size], [[1, 2, 3], 0])
  })
})
