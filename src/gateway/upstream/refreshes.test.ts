import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { heldClock } from '../../kernel/clock.ts'
import { createRefreshes } from './refreshes.ts'

const turn = () => new Promise(setImmediate)

function counted() {
  const clock = heldClock()
  const running: (() => void)[] = []
  let count = 0
  const refreshes = createRefreshes(clock, () => {
    count++
    return new Promise<boolean>((resolve) => running.push(() => resolve(true)))
  })
  const advance = async (ms: number) => {
    clock.advance(ms)
    await turn()
    for (const done of running.splice(0)) done()
    await turn()
  }
  return { clock, refreshes, advance, count: () => count }
}

suite('refreshes of lists', () => {
  test('changes that are announced together are one', async () => {
    const { refreshes, advance, count } = counted()
    for (let each = 0; each < 5; each++) refreshes.announced()
    await advance(49)
    assert.equal(count(), 0)
    await advance(1)
    assert.equal(count(), 1)
  })

  test('a storm is heard, and now and then', async () => {
    const { refreshes, advance, count } = counted()
    for (let ms = 0; ms < 60_000; ms += 20) {
      refreshes.announced()
      await advance(20)
    }
    assert.ok(count() > 10 && count() < 70, `${count()} refreshes in a minute`)
    const before = count()
    refreshes.now()
    await advance(0)
    assert.equal(count(), before + 1)
  })

  test('while one runs, one more waits and not a queue', async () => {
    const { clock, refreshes, advance, count } = counted()
    refreshes.now()
    clock.advance(0)
    await turn()
    for (let each = 0; each < 100; each++) {
      refreshes.announced()
      clock.advance(60)
      await turn()
    }
    assert.equal(count(), 1)
    await advance(0)
    await advance(0)
    assert.equal(count(), 2)
  })
})
