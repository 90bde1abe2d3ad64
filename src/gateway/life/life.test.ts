import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { Fault } from '../../kernel/fault.ts'
import { DEFINITION, testLife, turn, type TestLife } from './life.testing.ts'
import type { LifeState } from './state.ts'

type Name = LifeState['is'] | 'asleep'

const nameOf = (state: LifeState): Name => (state.is === 'stopped' && state.wakes ? 'asleep' : state.is)

/** How to get there. */
const SETUPS: Record<Name, (rig: TestLife) => Promise<void>> = {
  asleep: () => Promise.resolve(),
  stopped: ({ life }) => life.stop('it was stopped by owner'),
  async starting({ life }) {
    life.start()
    await turn()
  },
  ready: (rig) => rig.up(),
  async degraded(rig) {
    await rig.up()
    for (let count = 0; count < 3; count++) rig.life.noteFailure('it did not answer in time')
  },
  async backing_off(rig) {
    rig.life.start()
    await rig.fail()
  },
  async failed(rig) {
    rig.life.start()
    for (const delayMs of [1000, 2000, 0]) {
      await rig.fail()
      await rig.advance(delayMs)
    }
  },
  async needs_login(rig) {
    rig.life.start()
    await rig.fail(new Fault('unauthenticated', 'it wants a login'))
  },
}

const EVENTS = {
  'somebody starts it': async ({ life }: TestLife) => life.start(),
  'somebody stops it': ({ life }: TestLife) => life.stop('it was stopped by owner'),
  'somebody restarts it': async ({ life }: TestLife) => life.restart(),
  'somebody logged in': async ({ life }: TestLife) => life.loginDone(),
  'a call comes': async ({ life }: TestLife) => void life.obtain(new AbortController().signal).catch(() => undefined),
  'a call needs a login': async ({ life }: TestLife) => life.needsLogin('it wants a login'),
  'a call fails': async ({ life }: TestLife) => life.noteFailure('late'),
  'a call is answered': async ({ life }: TestLife) => life.noteSuccess(),
  'its start succeeds': async (rig: TestLife) => rig.openings[0]?.succeed(),
  'its start fails': async (rig: TestLife) => rig.openings[0]?.fail(new Error('no')),
  'its start wants a login': async (rig: TestLife) => rig.openings[0]?.fail(new Fault('unauthenticated', 'log in')),
  'its connection breaks': (rig: TestLife) => rig.lose(),
  'the delay is over': async ({ clock }: TestLife) => clock.advance(1000),
  'the time for a start is over': async ({ clock }: TestLife) => clock.advance(20_000),
  'what it needs goes down': (rig: TestLife) => rig.setNeed('mosquitto is down since 14:02'),
  'the hub stops': ({ life }: TestLife) => life.close(),
}

/** Where each event leads; what is not named changes nothing. */
const TABLE: Record<Name, Partial<Record<keyof typeof EVENTS, Name>>> = {
  asleep: {
    'somebody starts it': 'starting',
    'somebody stops it': 'stopped',
    'somebody restarts it': 'starting',
    'a call comes': 'starting',
    'the hub stops': 'stopped',
  },
  stopped: {
    'somebody starts it': 'starting',
    'somebody restarts it': 'starting',
  },
  starting: {
    'somebody stops it': 'stopped',
    'its start succeeds': 'ready',
    'its start fails': 'backing_off',
    'its start wants a login': 'needs_login',
    'the time for a start is over': 'backing_off',
    'the hub stops': 'stopped',
  },
  ready: {
    'somebody stops it': 'stopped',
    'somebody restarts it': 'starting',
    'a call needs a login': 'needs_login',
    'its connection breaks': 'backing_off',
    'the hub stops': 'stopped',
  },
  degraded: {
    'somebody stops it': 'stopped',
    'somebody restarts it': 'starting',
    'a call needs a login': 'needs_login',
    'a call is answered': 'ready',
    'its connection breaks': 'backing_off',
    'the hub stops': 'stopped',
  },
  backing_off: {
    'somebody starts it': 'starting',
    'somebody stops it': 'stopped',
    'somebody restarts it': 'starting',
    'the delay is over': 'starting',
    // And then for another start, which is not over.
    'the time for a start is over': 'starting',
    'the hub stops': 'stopped',
  },
  failed: {
    'somebody starts it': 'starting',
    'somebody stops it': 'stopped',
    'somebody restarts it': 'starting',
    'the hub stops': 'stopped',
  },
  needs_login: {
    'somebody starts it': 'starting',
    'somebody stops it': 'stopped',
    'somebody restarts it': 'starting',
    'somebody logged in': 'starting',
    'the hub stops': 'stopped',
  },
}

suite('life: every event in every state', () => {
  for (const [from, row] of Object.entries(TABLE) as [Name, (typeof TABLE)[Name]][])
    for (const [event, run] of Object.entries(EVENTS) as [keyof typeof EVENTS, (rig: TestLife) => Promise<unknown>][]) {
      const to = row[event] ?? from
      test(`${from}, ${event}: ${to}`, async () => {
        const rig = testLife()
        await SETUPS[from](rig)
        assert.equal(nameOf(rig.life.state), from)
        const ended = run(rig)
        // A stop waits for a start to end.
        await turn()
        if (rig.openings[0]?.signal.aborted) rig.openings[0].fail(new Error('given up'))
        await ended
        await turn()
        assert.equal(nameOf(rig.life.state), to)
        assert.equal(rig.life.current() !== undefined, (to === 'ready' || to === 'degraded') && !rig.world.needDown)
      })
    }
})

suite('life', () => {
  test('a login that is due ends what is up once nothing runs, and calls try again every minute', async () => {
    const rig = testLife()
    await rig.up()
    rig.life.busy(1)
    rig.life.needsLogin('lamps needs a login: the last one has expired')
    assert.equal(rig.life.state.is, 'ready')
    rig.life.busy(-1)
    rig.life.needsLogin('lamps needs a login: the last one has expired')
    assert.equal(rig.life.report().reason, 'it needs a login: the last one has expired')
    const call = () => rig.life.obtain(new AbortController().signal)
    await assert.rejects(call(), { code: 'unavailable', hint: /alicia login lamps/ })
    await rig.advance(DEFINITION.restart.mostDelayMs)
    const healed = call()
    await rig.succeed()
    assert.equal(await healed, rig.opened[1])
  })

  test('delays grow up to the ceiling; then it has failed, and the report says since when', async () => {
    const definition = {
      restart: { firstDelayMs: 1000, mostDelayMs: 3000, mostAttempts: 4 },
      patienceMs: 0,
      startTimeoutMs: 9000,
    }
    const rig = testLife({ definition })
    await rig.up()
    const wentDownMs = rig.clock.now()
    await rig.lose()
    const delays: number[] = []
    while (rig.life.state.is === 'backing_off') {
      const waitMs = rig.life.state.nextAtMs - rig.clock.now()
      delays.push(waitMs)
      await rig.advance(waitMs)
      await rig.fail(new Fault('unavailable', 'it ended with exit code 2'))
    }
    assert.deepEqual(delays, [1000, 2000, 3000])
    assert.partialDeepStrictEqual(rig.life.state, { is: 'failed', attempts: 4 })
    assert.deepEqual(rig.life.report(), {
      status: 'unavailable',
      sinceMs: wentDownMs,
      reason: 'it ended with exit code 2',
    })
  })

  test('what ran five times as long as it was waited for begins to count anew', async () => {
    const rig = testLife()
    await SETUPS.backing_off(rig)
    await rig.advance(1000)
    await rig.succeed()
    await rig.advance(9999)
    await rig.lose()
    assert.partialDeepStrictEqual(rig.life.state, { is: 'backing_off', attempts: 2 })
    await rig.advance(2000)
    await rig.succeed()
    await rig.advance(20_000)
    await rig.lose()
    assert.partialDeepStrictEqual(rig.life.state, { is: 'backing_off', attempts: 0 })
  })

  test('what has failed is tried again by a call, now and then', async () => {
    const rig = testLife()
    await SETUPS.failed(rig)
    const call = () => rig.life.obtain(AbortSignal.timeout(60_000))
    await assert.rejects(call(), { code: 'unavailable', message: /since 14:02: it ended with exit code 1\./ })
    assert.equal(rig.opens(), 3)
    await rig.advance(60_000)
    const tried = assert.rejects(call(), { code: 'unavailable', hint: /left alone/ })
    await rig.fail()
    await tried
    assert.equal(rig.life.state.is, 'failed')
    await rig.advance(60_000)
    const second = call()
    await rig.succeed()
    assert.equal((await second).number, 1)
  })

  test('a start that takes too long is given up, and its late result is closed', async () => {
    const rig = testLife()
    rig.life.start()
    await turn()
    const opening = rig.opening()
    await rig.advance(20_000)
    assert.partialDeepStrictEqual(rig.life.state, { is: 'backing_off', reason: 'it did not start within 20 s' })
    assert.ok(opening.signal.aborted)
    await rig.advance(1000)
    assert.equal(rig.opens(), 1, 'the next start waits for the end of the first')
    opening.succeed()
    await turn()
    assert.deepEqual(
      rig.opened.map(({ closes }) => closes),
      [1],
    )
    assert.equal(rig.opens(), 2)
  })

  test('a start waits until what ran before is gone', async () => {
    const rig = testLife()
    await rig.up()
    rig.world.holdCloses = true
    rig.life.restart()
    await turn()
    assert.equal(rig.opens(), 1)
    rig.closing.splice(0).forEach((end) => end())
    await turn()
    assert.equal(rig.opens(), 2)
  })

  test('its signal is not aborted once it is up', async () => {
    const rig = testLife()
    rig.life.start()
    await turn()
    const { signal } = rig.opening()
    await rig.succeed()
    await rig.lose()
    assert.equal(signal.aborted, false)
  })

  test('a connection that breaks while it starts is a start that failed', async () => {
    const rig = testLife()
    rig.life.start()
    await turn()
    rig.opening().lose('it ended with exit code 9')
    assert.partialDeepStrictEqual(rig.life.state, {
      is: 'backing_off',
      reason: 'it ended with exit code 9',
      attempts: 1,
    })
    await rig.succeed()
    assert.equal(rig.opened[0]?.closes, 1)
    assert.equal(rig.life.state.is, 'backing_off')
  })

  test('whoever listens hears each status once', async () => {
    const rig = testLife()
    await rig.up()
    await rig.lose()
    await rig.advance(1000)
    await rig.succeed()
    await rig.life.close()
    assert.deepEqual(
      rig.statuses.map(({ name, status, reason }) => [name, status, reason]),
      [
        ['lamps', 'unavailable', 'it is starting'],
        ['lamps', 'available', undefined],
        ['lamps', 'unavailable', 'it ended with exit code 1'],
        ['lamps', 'unavailable', 'it ended with exit code 1; it is starting again'],
        ['lamps', 'available', undefined],
        ['lamps', 'unavailable', 'the hub is shutting down'],
      ],
    )
    assert.deepEqual(
      rig.states.map(({ is }) => is),
      ['starting', 'ready', 'backing_off', 'starting', 'ready', 'stopped'],
    )
  })
})
