import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { array, assert as check, asyncProperty, boolean, integer } from 'fast-check'
import type { Fault } from '../fault.ts'
import { wasNotSent } from './blame.ts'
import { Bulkhead } from './bulkhead.ts'

const never = new AbortController().signal

suite('bulkhead', () => {
  test('a free place is had without waiting', () => {
    const one = new Bulkhead('files', { concurrency: 2, queue: 0 })
    assert.equal(one.enter(never), undefined)
    assert.equal(one.enter(never), undefined)
    assert.equal(one.hasRoom, false)
    one.leave()
    assert.equal(one.enter(never), undefined)
  })

  test('others wait in the order they came', async () => {
    const one = new Bulkhead('files', { concurrency: 1, queue: 2 })
    one.enter(never)
    const order: string[] = []
    const waits = ['a', 'b'].map((name) => one.enter(never)?.then(() => void order.push(name)))
    assert.equal(one.waiting, 2)
    one.leave()
    await waits[0]
    assert.deepEqual(order, ['a'])
    one.leave()
    await waits[1]
    assert.deepEqual([order, one.running, one.waiting], [['a', 'b'], 1, 0])
  })

  test('and no more than may: a fault names who is busy', () => {
    const one = new Bulkhead('files', { concurrency: 1, queue: 0 })
    one.enter(never)
    assert.throws(
      () => one.enter(never),
      (fault: Fault) => {
        assert.equal(fault.code, 'unavailable')
        assert.match(fault.message, /^files is busy: 1 calls run and 0 wait/)
        return wasNotSent(fault)
      },
    )
  })

  test('whoever gives up leaves the queue, and takes no place', async () => {
    const one = new Bulkhead('files', { concurrency: 1, queue: 2 })
    one.enter(never)
    const gone = new AbortController()
    const left = assert.rejects(one.enter(gone.signal) ?? Promise.resolve(), /left/)
    const stayed = one.enter(never)
    gone.abort(new Error('left'))
    await left
    one.leave()
    await stayed
    assert.deepEqual([one.running, one.waiting], [1, 0])
    await assert.rejects(one.enter(gone.signal) ?? Promise.resolve(), /left/)
  })

  test('never more at once than may, and none is lost', () =>
    check(
      asyncProperty(integer({ min: 1, max: 4 }), array(boolean(), { maxLength: 40 }), async (concurrency, calls) => {
        const one = new Bulkhead('x', { concurrency, queue: 100 })
        let most = 0
        let ran = 0
        const run = async (gives: boolean) => {
          const mine = new AbortController()
          const place = one.enter(mine.signal)
          if (gives && place) mine.abort(new Error('left'))
          try {
            await place
          } catch {
            return
          }
          most = Math.max(most, one.running)
          await Promise.resolve()
          ran++
          one.leave()
        }
        await Promise.all(calls.map(run))
        assert.ok(most <= concurrency)
        assert.ok(ran >= calls.filter((gives) => !gives).length)
        assert.deepEqual([one.running, one.waiting], [0, 0])
      }),
    ))
})
