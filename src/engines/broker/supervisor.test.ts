import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { heldClock } from '../../kernel/clock.ts'
import { silentLog } from '../../kernel/log.ts'
import { supervise } from './supervisor.ts'

/** Lets everything that is already settled run. */
const settle = () => new Promise((resolve) => setImmediate(resolve))

/** A program of the tests: it ends when told to. */
function programs() {
  const started: { end: (code: number) => void }[] = []
  return {
    started,
    start() {
      let end = (_: number) => {}
      const ended = new Promise<number>((resolve) => (end = resolve))
      started.push({ end })
      return { ended, stop: async () => end(143) }
    },
  }
}

suite('supervisor', () => {
  const build = async (isReady = async () => true) => {
    const clock = heldClock()
    const { started, start } = programs()
    const supervised = supervise({ name: 'program', clock, log: silentLog, startTimeoutMs: 1000, start, isReady })
    await settle()
    return { clock, started, supervised }
  }

  test('waits longer after every end, up to 30 s, and starts anew after a steady minute', async () => {
    const { clock, started, supervised } = await build()
    await supervised.ready
    const delaysMs: number[] = []
    const endAndMeasure = async () => {
      const before = started.length
      started.at(-1)?.end(1)
      await settle()
      assert.equal(supervised.report().status, 'unavailable')
      let delayMs = 0
      for (; started.length === before; delayMs += 500) clock.advance(500)
      delaysMs.push(delayMs)
      await settle()
      assert.equal(supervised.report().status, 'available')
    }
    for (let end = 0; end < 8; end += 1) await endAndMeasure()
    assert.deepEqual(delaysMs, [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000])
    clock.advance(60_000)
    await endAndMeasure()
    assert.equal(delaysMs.at(-1), 500)
    await supervised.stop()
  })

  test('does not start it again once it was stopped', async () => {
    const { clock, started, supervised } = await build()
    started.at(-1)?.end(1)
    await settle()
    await supervised.stop()
    clock.advance(60_000)
    assert.equal(started.length, 1)
    assert.equal(supervised.report().reason, 'program was stopped')
  })

  test('a program that never answers is a fault', async () => {
    const { clock, supervised } = await build(async () => false)
    const refused = assert.rejects(supervised.ready, /program did not answer in 1 s/)
    for (let ms = 0; ms <= 1020; ms += 20) {
      clock.advance(20)
      await settle()
    }
    await refused
    assert.equal(supervised.report().status, 'unavailable')
  })
})
