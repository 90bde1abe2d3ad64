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

  test('the fault says how many really run: one caller does not get the last places', async () => {
    const one = new Bulkhead('files', { concurrency: 8, queue: 1 })
    const enter = () => one.enter(never, one.shareOf('ada'))
    for (let call = 0; call < 8; call++) void enter()
    await assert.rejects(async () => await enter(), {
      message: 'files is busy: 7 calls run and 1 wait already.',
      details: { provider: 'files', running: 7, waiting: 1 },
    })
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

  /** A caller who wants so many places; says how many it has, and frees one. */
  const crowd = (one: Bulkhead, caller: string, wanted: number) => {
    const share = one.shareOf(caller)
    const lost: unknown[] = []
    let has = 0
    const ask = () => {
      const place = one.enter(never, share)
      if (place === undefined) has++
      else
        void place.then(
          () => has++,
          (error: unknown) => lost.push(error),
        )
    }
    for (let count = 0; count < wanted; count++) ask()
    return {
      ask,
      has: () => has,
      lost: () => lost.length,
      free() {
        has--
        one.leave(share)
        return Promise.resolve()
      },
    }
  }

  test('nobody gets the last places alone: who comes next need not wait', async () => {
    const one = new Bulkhead('files', { concurrency: 16, queue: 100 })
    const greedy = crowd(one, 'greedy', 30)
    assert.deepEqual([greedy.has(), one.waiting], [14, 16])
    const other = crowd(one, 'other', 2)
    assert.equal(other.has(), 2)
    await greedy.free()
    await Promise.resolve()
    assert.equal(greedy.has(), 14)
    // Places of nobody in particular are many people's.
    const all = new Bulkhead('files', { concurrency: 16, queue: 0 })
    assert.equal(crowd(all, '', 16).has(), 16)
  })

  test('a place that becomes free goes to who runs the fewest', async () => {
    const one = new Bulkhead('files', { concurrency: 4, queue: 100 })
    const greedy = crowd(one, 'greedy', 50)
    const others = ['b', 'c'].map((caller) => crowd(one, caller, 3))
    for (let free = 0; free < 3; free++) await greedy.free()
    assert.deepEqual([greedy.has(), ...others.map(({ has }) => has())], [2, 1, 1])
    await others[0]?.free()
    assert.deepEqual([greedy.has(), ...others.map(({ has }) => has())], [2, 1, 1])
  })

  test('in a full queue who waits with the most makes room', async () => {
    const one = new Bulkhead('files', { concurrency: 1, queue: 4 })
    const greedy = crowd(one, 'greedy', 5)
    assert.throws(() => greedy.ask(), { code: 'unavailable' })
    const other = crowd(one, 'other', 2)
    await Promise.resolve()
    assert.deepEqual([greedy.lost(), other.lost(), one.waiting], [2, 0, 4])
    assert.throws(() => other.ask(), { code: 'unavailable' })
    await greedy.free()
    await Promise.resolve()
    assert.deepEqual([other.has(), greedy.has()], [1, 0])
  })

  test('callers who come and go are not kept', () => {
    const one = new Bulkhead('files', { concurrency: 4, queue: 4 })
    const shares = Array.from({ length: 1000 }, (_, at) => {
      const share = one.shareOf(`caller ${at}`)
      void one.enter(never, share)
      one.leave(share)
      return share
    })
    assert.notEqual(one.shareOf('caller 0'), shares[0])
  })

  test('never more at once than may, and none is lost', () =>
    check(
      asyncProperty(integer({ min: 1, max: 4 }), array(boolean(), { maxLength: 40 }), async (concurrency, calls) => {
        let caller = 0
        const one = new Bulkhead('x', { concurrency, queue: 100 })
        let most = 0
        let ran = 0
        const run = async (gives: boolean) => {
          const mine = new AbortController()
          const share = one.shareOf(`caller ${caller++ % 3}`)
          const place = one.enter(mine.signal, share)
          if (gives && place) mine.abort(new Error('left'))
          try {
            await place
          } catch {
            return
          }
          most = Math.max(most, one.running)
          await Promise.resolve()
          ran++
          one.leave(share)
        }
        await Promise.all(calls.map(run))
        assert.ok(most <= concurrency)
        assert.ok(ran >= calls.filter((gives) => !gives).length)
        assert.deepEqual([one.running, one.waiting], [0, 0])
      }),
    ))
})
