import assert from 'node:assert/strict'
import { setImmediate as turn } from 'node:timers/promises'
import { suite, test } from 'node:test'
import { heldClock } from '../../../kernel/clock.ts'
import { fakeConnection, type FakeConnection, type FakeOptions } from '../../../testing/mqtt-connection.ts'
import { createLinks } from '../links.ts'
import { startWatch } from './watch.ts'

function watching(options: FakeOptions = {}) {
  const clock = heldClock()
  const opened: FakeConnection[] = []
  const links = createLinks({
    async dial(signal) {
      signal.throwIfAborted()
      const connection = fakeConnection(options)
      opened.push(connection)
      return connection
    },
    clock,
    idleMs: 1000,
    maxSubscriptions: 5,
  })
  const watch = startWatch({ links, clock, maxTopics: 10, maxBytes: 100_000 })
  /** Lets time pass until it is so. */
  const until = async (state: string) => {
    for (let turns = 0; watch.state().is !== state && turns < 200; turns++) {
      clock.advance(100)
      await turn()
    }
    assert.equal(watch.state().is, state)
  }
  return { clock, opened, links, watch, until }
}

suite('the watch of a session', () => {
  test('what it learned outlasts a lost connection; it begins to listen again by itself', async () => {
    const { opened, watch, until } = watching()
    await until('watching')
    opened[0]?.deliver('a', '1')
    opened[0]?.lose('gone')
    await until('interrupted')
    assert.partialDeepStrictEqual(watch.state(), { reason: 'gone' })
    await until('watching')
    opened[1]?.deliver('a', '2')
    assert.partialDeepStrictEqual(watch.index.get('a'), { count: 2, payload: '2' })
    await watch.stop()
  })

  test('a refusal ends it, and nobody waits for it', async () => {
    const { opened, watch, until } = watching({ granted: 135 })
    await until('ended')
    await watch.settled(new AbortController().signal)
    assert.partialDeepStrictEqual(watch.state(), { refused: true })
    assert.equal(opened.length, 1)
    assert.equal(opened[0]?.state().is, 'closed')
  })

  for (const [who, end] of [
    ['it is stopped', ({ watch }: ReturnType<typeof watching>) => watch.stop()],
    ['its session is closed', ({ links }: ReturnType<typeof watching>) => links.close()],
  ] as const)
    test(`it ends, and its connection too, when ${who}`, async () => {
      const all = watching()
      await all.until('watching')
      assert.equal(all.links.watched(), true)
      await end(all)
      await all.until('ended')
      assert.deepEqual(
        all.opened.map((connection) => connection.state().is),
        ['closed'],
      )
      assert.equal(all.links.watched(), false)
    })

  test('who stood still meanwhile has not heard that it is quiet', async () => {
    const { clock, opened, watch, until } = watching()
    await until('watching')
    let isSettled = false
    const settled = watch.settled(new AbortController().signal).then(() => (isSettled = true))
    clock.advance(1000)
    await turn()
    assert.equal(isSettled, false)
    opened[0]?.deliver('a', '1')
    for (let count = 0; count < 3; count++) {
      clock.advance(100)
      await turn()
    }
    await settled
    assert.equal(watch.index.size(), 1)
    await watch.stop()
  })

  test('who gives up waiting for it is let go', async () => {
    const { watch } = watching()
    const gone = new AbortController()
    const waiting = watch.settled(gone.signal)
    gone.abort(new Error('enough'))
    await assert.rejects(waiting, /enough/)
    await watch.stop()
  })
})
