import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { heldClock } from '../../kernel/clock.ts'
import { Fault } from '../../kernel/fault.ts'
import { testLife, turn, type TestLife } from './life.testing.ts'

const never = new AbortController().signal

/** A call, and what became of it. */
function call(rig: TestLife, signal = never, asks: 'obtain' | 'started' = 'obtain') {
  const outcome = { is: 'waiting' as 'waiting' | 'served' | 'refused', error: undefined as unknown }
  const done = rig.life[asks](signal).then(
    () => {
      outcome.is = 'served'
    },
    (error: unknown) => {
      outcome.is = 'refused'
      outcome.error = error
    },
  )
  const assertRefused = (expected: object) =>
    assert.throws(() => {
      throw outcome.error
    }, expected)
  return { outcome, done, assertRefused }
}

suite('a call that finds no connection', () => {
  test('starts what sleeps, and waits for it with all the others', async () => {
    const rig = testLife()
    const calls = [call(rig), call(rig), call(rig)]
    await rig.succeed()
    await Promise.all(calls.map(({ done }) => done))
    assert.ok(calls.every(({ outcome }) => outcome.is === 'served'))
    assert.equal(rig.opens(), 1)
  })

  test('does not wait longer than it may, but the start goes on', async () => {
    const rig = testLife()
    const { outcome, done, assertRefused } = call(rig)
    await rig.advance(4999)
    assert.equal(outcome.is, 'waiting')
    await rig.advance(1)
    await done
    assertRefused({
      code: 'unavailable',
      message: 'lamps is unavailable since 14:02: it is starting.',
      retryAfterMs: 1000,
      details: { server: 'lamps', state: 'starting', since: new Date(2026, 5, 1, 14, 2).toISOString() },
    })
    await rig.succeed()
    assert.ok(rig.life.current())
  })

  test('whoever asked for the start waits until it has come to its end, however long a call may wait', async () => {
    const rig = testLife()
    rig.life.start()
    const { outcome, done } = call(rig, never, 'started')
    await rig.advance(19_999)
    assert.equal(outcome.is, 'waiting')
    await rig.succeed()
    await done
    assert.equal(outcome.is, 'served')
    rig.life.restart()
    const next = call(rig, never, 'started')
    await rig.advance(20_000)
    await next.done
    next.assertRefused({ code: 'unavailable', message: /did not start within 20 s/, retryable: false })
  })

  test('a start that somebody stopped is not asked for again by the hub; of what was replaced it is', async () => {
    const rig = testLife()
    rig.life.start()
    const first = call(rig, never, 'started')
    void rig.life.stop('it was stopped on request')
    await first.done
    first.assertRefused({ code: 'unavailable', message: /stopped on request/, retryable: false })
    rig.life.start()
    const second = call(rig, never, 'started')
    void rig.life.close('its configuration changed')
    await second.done
    second.assertRefused({ code: 'unavailable', retryable: true, retryAfterMs: 1000 })
  })

  test('waits for the next attempt if that comes in time', async () => {
    const rig = testLife()
    await rig.up()
    await rig.lose()
    const { outcome, done } = call(rig)
    await rig.advance(1000)
    await rig.succeed()
    await done
    assert.equal(outcome.is, 'served')
  })

  test('is refused at once if it does not, and told when to come again', async () => {
    const rig = testLife({
      definition: {
        restart: { firstDelayMs: 30_000, mostDelayMs: 60_000, mostAttempts: 3 },
        patienceMs: 5000,
        startTimeoutMs: 1000,
      },
    })
    await rig.up()
    await rig.lose('it ended with exit code 137')
    await rig.advance(10_000)
    const { done, assertRefused } = call(rig)
    await done
    assertRefused({
      code: 'unavailable',
      message: 'lamps is unavailable since 14:02: it ended with exit code 137.',
      hint: 'It is started again in 20 s; try then.',
      retryAfterMs: 20_000,
    })
  })

  test('waits as long as before when the wall clock is set back', async () => {
    const clock = heldClock()
    let setBackMs = 0
    const rig = testLife({ clock: { ...clock, now: () => clock.now() - setBackMs } })
    await rig.up()
    await rig.lose()
    setBackMs = 3_600_000
    const next = call(rig)
    clock.advance(1000)
    await rig.succeed()
    await next.done
    assert.equal(next.outcome.is, 'served')
    await rig.lose()
    clock.advance(2000)
    await rig.fail()
    assert.equal(rig.life.state.is, 'failed')
    setBackMs *= 2
    clock.advance(60_000)
    const late = call(rig)
    await rig.succeed()
    await late.done
    assert.equal(late.outcome.is, 'served')
  })

  test('does not hear the name twice', async () => {
    const rig = testLife()
    const { done, assertRefused } = call(rig)
    for (const delayMs of [1000, 2000, 0]) {
      await rig.fail(new Fault('unavailable', 'lamps: it ended with exit code 0.'))
      await rig.advance(delayMs)
    }
    await done
    assertRefused({ message: 'lamps is unavailable since 14:02: it ended with exit code 0.' })
  })

  test('is told what to do about it', async () => {
    const rig = testLife()
    const { done, assertRefused } = call(rig)
    for (const delayMs of [1000, 2000, 0]) {
      await rig.fail(
        new Fault('unavailable', 'lamps cannot be started: npx was not found.', { hint: 'Install Node.js.' }),
      )
      await rig.advance(delayMs)
    }
    await done
    assertRefused({
      message: 'lamps is unavailable since 14:02: it cannot be started: npx was not found.',
      hint: /^Install Node\.js\. After 3 attempts it is left alone: .*alicia restart lamps/,
    })
  })

  test('can be withdrawn', async () => {
    const rig = testLife()
    const controller = new AbortController()
    const { done, assertRefused } = call(rig, controller.signal)
    await turn()
    controller.abort(new Error('gone'))
    await done
    assertRefused({ message: 'gone' })
    const late = call(rig, controller.signal)
    await late.done
    late.assertRefused({ message: 'gone' })
  })

  const refusals: [string, (rig: TestLife) => unknown, RegExp, RegExp][] = [
    [
      'somebody stopped it',
      ({ life }) => life.stop('it was stopped by owner'),
      /stopped by owner/,
      /alicia restart lamps/,
    ],
    ['a login is due', ({ life }) => life.needsLogin('it wants a login'), /wants a login/, /alicia login lamps/],
    ['the hub stops', ({ life }) => life.close(), /shutting down/, /^Try again/],
    ['it is replaced', ({ life }) => life.close('its configuration changed'), /configuration changed/, /^Try again/],
  ]
  for (const [name, prepare, message, hint] of refusals)
    test(`is refused at once: ${name}`, async () => {
      const rig = testLife()
      await rig.up()
      await prepare(rig)
      const { done, assertRefused } = call(rig)
      await done
      assertRefused({ code: 'unavailable', message, hint })
      assert.equal(rig.opens(), 1)
    })
})

suite('what it needs', () => {
  const DOWN = 'mosquitto is down since 14:02'

  test('must be there before it starts; then it starts by itself', async () => {
    const rig = testLife()
    rig.world.needDown = DOWN
    rig.life.start()
    await turn()
    assert.equal(rig.opens(), 0)
    assert.partialDeepStrictEqual(rig.life.report(), { status: 'unavailable', reason: DOWN })
    await rig.setNeed(undefined)
    await rig.succeed()
    assert.equal(rig.life.report().status, 'available')
  })

  test('nobody wanted it: it does not start when that is back', async () => {
    const rig = testLife()
    await rig.setNeed(DOWN)
    await rig.setNeed(undefined)
    assert.equal(rig.life.state.is, 'stopped')
    assert.equal(rig.opens(), 0)
  })

  test('a call waits for that at first, and later not', async () => {
    const rig = testLife()
    rig.world.needDown = DOWN
    const early = call(rig)
    await rig.advance(4000)
    assert.equal(early.outcome.is, 'waiting')
    await rig.setNeed(undefined)
    await rig.succeed()
    await early.done
    assert.equal(early.outcome.is, 'served')

    await rig.setNeed(DOWN)
    await rig.advance(5000)
    const late = call(rig)
    await late.done
    late.assertRefused({
      code: 'unavailable',
      message: 'lamps is unavailable because mosquitto is down since 14:02.',
      hint: /back by itself/,
    })
  })

  test('while that is down it keeps running, and serves nobody', async () => {
    const rig = testLife()
    await rig.up()
    await rig.setNeed(DOWN)
    assert.equal(rig.life.current(), undefined)
    assert.deepEqual([rig.life.report().reason, rig.life.waitsFor], [DOWN, DOWN])
    await rig.setNeed(undefined)
    assert.equal(rig.life.waitsFor, undefined)
    assert.equal(rig.life.current(), rig.opened[0])
    assert.equal(rig.opens(), 1)
  })

  test('what somebody stopped is stopped for that reason, and stays so', async () => {
    const rig = testLife()
    await rig.up()
    await rig.setNeed(DOWN)
    await rig.life.stop('it was stopped by owner')
    assert.equal(rig.life.report().reason, 'it was stopped by owner')
    assert.equal(rig.life.waitsFor, undefined)
    const { done, assertRefused } = call(rig)
    await done
    assertRefused({ message: 'lamps is unavailable since 14:02: it was stopped by owner.' })
    await rig.setNeed(undefined)
    assert.equal(rig.opens(), 1)
  })

  test('one that crashes meanwhile waits for it too', async () => {
    const rig = testLife()
    await rig.up()
    await rig.setNeed(DOWN)
    await rig.lose()
    await rig.advance(1000)
    assert.equal(rig.opens(), 1)
    await rig.setNeed(undefined)
    await rig.succeed()
    assert.ok(rig.life.current())
  })
})
