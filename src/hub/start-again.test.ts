import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { heldClock } from '../kernel/clock.ts'
import { createEvents } from '../kernel/events.ts'
import { createLifecycle } from '../kernel/lifecycle.ts'
import { silentLog } from '../kernel/log.ts'
import { startAgain } from './start-again.ts'

/** A part that does not start as long as `isAway`, and one that needs it. */
async function lateHome() {
  const clock = heldClock()
  const world = { isAway: true, attempts: 0 }
  const events = createEvents((error) => {
    throw error
  })
  const running = { stop: async () => {} }
  const lifecycle = createLifecycle(
    [
      {
        name: 'home',
        needs: [],
        async start() {
          world.attempts++
          if (world.isAway) throw new Error('there is no broker')
          return running
        },
      },
      { name: 'guests', needs: ['home'], start: async () => running },
    ],
    { clock, events, log: silentLog, startTimeoutMs: 1000, stopTimeoutMs: 1000 },
  )
  await lifecycle.start()
  const end = startAgain(lifecycle.control, clock)
  const pass = async (ms: number) => {
    clock.advance(ms)
    for (let turn = 0; turn < 3; turn++) await new Promise(setImmediate)
  }
  const states = () => lifecycle.control.states().map(({ state }) => state)
  return { world, pass, states, end, stop: () => lifecycle.stop() }
}

suite('what did not start', () => {
  test('is started when it can be, with what needs it', async () => {
    const { world, pass, states, stop } = await lateHome()
    assert.deepEqual(states(), ['failed', 'failed'])
    await pass(2000)
    assert.deepEqual(states(), ['failed', 'failed'])
    world.isAway = false
    const { attempts } = world
    await pass(3999)
    assert.equal(world.attempts, attempts)
    await pass(1)
    assert.deepEqual(states(), ['running', 'running'])
    await stop()
  })

  test('is not started any more after the end', async () => {
    const { world, pass, end, stop } = await lateHome()
    end()
    await pass(60_000)
    assert.equal(world.attempts, 1)
    await stop()
  })
})
