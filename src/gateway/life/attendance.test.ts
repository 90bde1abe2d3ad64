import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { DEFINITION, testLife, turn, type Opened } from './life.testing.ts'

const MINUTE_MS = 60_000

suite('idle stop', () => {
  const definition = { ...DEFINITION, idleStopMs: 10 * MINUTE_MS }

  test('after the time without a call; the next call starts it', async () => {
    const rig = testLife({ definition })
    await rig.up()
    await rig.advance(5 * MINUTE_MS)
    rig.life.busy(1)
    rig.life.busy(-1)
    await rig.advance(10 * MINUTE_MS - 1)
    assert.equal(rig.life.state.is, 'ready')
    await rig.advance(1)
    assert.partialDeepStrictEqual(rig.life.state, { is: 'stopped', wakes: true })
    assert.equal(rig.opened[0]?.closes, 1)
    assert.deepEqual(rig.life.report(), {
      status: 'available',
      sinceMs: rig.clock.now(),
      reason: 'nobody has used it for 600 s; a call starts it',
    })
    const next = rig.life.obtain(new AbortController().signal)
    await rig.succeed()
    assert.equal((await next).number, 2)
  })

  test('never under a running call', async () => {
    const rig = testLife({ definition })
    await rig.up()
    rig.life.busy(1)
    rig.life.busy(1)
    await rig.advance(60 * MINUTE_MS)
    rig.life.busy(-1)
    await rig.advance(60 * MINUTE_MS)
    assert.equal(rig.life.state.is, 'ready')
    rig.life.busy(-1)
    await rig.advance(20 * MINUTE_MS)
    assert.equal(rig.life.state.is, 'stopped')
  })
})

suite('health', () => {
  /** A life whose probes end when the test says so. */
  function probed() {
    const probes: { signal: AbortSignal; resolve: () => void; reject: (error: unknown) => void }[] = []
    const latencies: number[] = []
    const probe = (_: Opened, signal: AbortSignal) => {
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      probes.push({ signal, resolve, reject })
      return promise
    }
    const rig = testLife({ probe, onLatency: (ms) => latencies.push(ms) })
    return { rig, probes, latencies }
  }

  test('is asked for after a minute without a call, and the answer timed', async () => {
    const { rig, probes, latencies } = probed()
    await rig.up()
    await rig.advance(MINUTE_MS - 1)
    assert.equal(probes.length, 0)
    await rig.advance(1)
    assert.equal(probes.length, 1)
    await rig.advance(30)
    probes[0]?.resolve()
    await turn()
    assert.deepEqual(latencies, [30])
    const answeredAtMs = rig.clock.now()
    assert.equal(rig.life.probedAtMs, answeredAtMs)
    await rig.advance(MINUTE_MS)
    assert.equal(probes.length, 2)
    assert.equal(rig.life.probedAtMs, answeredAtMs)
    probes[1]?.reject(new Error('no'))
    await turn()
    assert.equal(rig.life.probedAtMs, answeredAtMs + MINUTE_MS)
  })

  test('is not asked for while calls say it', async () => {
    const { rig, probes } = probed()
    await rig.up()
    for (let count = 0; count < 10; count++) {
      await rig.advance(MINUTE_MS / 2)
      rig.life.busy(1)
      rig.life.busy(-1)
    }
    rig.life.busy(1)
    await rig.advance(10 * MINUTE_MS)
    assert.equal(probes.length, 0)
  })

  test('silence under a running call means nothing', async () => {
    const { rig, probes } = probed()
    await rig.up()
    for (let count = 0; count < 5; count++) {
      await rig.advance(MINUTE_MS)
      assert.equal(probes.length, count + 1)
      rig.life.busy(1)
      await rig.advance(10_000)
      assert.ok(probes[count]?.signal.aborted)
      assert.equal(rig.life.state.is, 'ready')
      rig.life.busy(-1)
    }
  })

  test('silence three times makes it start anew', async () => {
    const { rig } = probed()
    await rig.up()
    await rig.advance(MINUTE_MS)
    for (let count = 0; count < 2; count++) {
      await rig.advance(10_000)
      await rig.advance(15_000)
    }
    assert.equal(rig.life.state.is, 'ready')
    await rig.advance(10_000)
    assert.partialDeepStrictEqual(rig.life.state, {
      is: 'backing_off',
      reason: 'it does not answer (it did not answer within 10 s)',
    })
    assert.equal(rig.opened[0]?.closes, 1)
  })

  test('calls that fail make it degraded; an answer heals it', async () => {
    const { rig, probes } = probed()
    await rig.up()
    for (const reason of ['late', 'late', 'broken']) rig.life.noteFailure(reason)
    assert.partialDeepStrictEqual(rig.life.state, { is: 'degraded', reason: 'broken' })
    assert.partialDeepStrictEqual(rig.life.report(), { status: 'degraded', reason: 'broken' })
    assert.ok(rig.life.current(), 'it is still used')
    await rig.advance(MINUTE_MS)
    probes[0]?.resolve()
    await turn()
    assert.equal(rig.life.state.is, 'ready')
    await rig.advance(MINUTE_MS - 1)
    assert.equal(probes.length, 1)
  })

  test('one answer between them keeps it ready', async () => {
    const { rig } = probed()
    await rig.up()
    for (let count = 0; count < 10; count++) {
      rig.life.noteFailure('late')
      rig.life.noteFailure('late')
      rig.life.noteSuccess()
    }
    assert.equal(rig.life.state.is, 'ready')
  })

  test('a probe ends with the connection', async () => {
    const { rig, probes, latencies } = probed()
    await rig.up()
    await rig.advance(MINUTE_MS)
    const stopped = rig.life.stop('it was stopped by owner')
    assert.ok(probes[0]?.signal.aborted)
    probes[0]?.resolve()
    await stopped
    await rig.advance(10 * MINUTE_MS)
    assert.deepEqual([probes.length, latencies], [1, []])
  })
})

suite('memory', () => {
  function fat() {
    const use = { megabytes: 100 }
    const definition = { ...DEFINITION, memoryMegabytes: 500 }
    const rig = testLife({ definition, memory: () => Promise.resolve(use.megabytes) })
    return { rig, use }
  }

  test('above its cap it is started anew', async () => {
    const { rig, use } = fat()
    await rig.up()
    await rig.advance(30_000)
    assert.equal(rig.life.state.is, 'ready')
    use.megabytes = 501
    await rig.advance(30_000)
    assert.partialDeepStrictEqual(rig.life.state, {
      is: 'starting',
      attempt: 1,
      reason: 'it uses 501 MB where 500 MB are allowed',
    })
    assert.equal(rig.opened[0]?.closes, 1)
  })

  test('as soon as nothing runs', async () => {
    const { rig, use } = fat()
    await rig.up()
    rig.life.busy(1)
    use.megabytes = 900
    await rig.advance(60_000)
    assert.equal(rig.opened[0]?.closes, 0)
    rig.life.busy(-1)
    assert.equal(rig.life.state.is, 'starting')
  })

  test('unless it let go of it meanwhile', async () => {
    const { rig, use } = fat()
    await rig.up()
    rig.life.busy(1)
    use.megabytes = 900
    await rig.advance(30_000)
    use.megabytes = 100
    await rig.advance(30_000)
    rig.life.busy(-1)
    assert.equal(rig.life.state.is, 'ready')
  })

  test('three times within the hour; then it is degraded instead', async () => {
    const { rig, use } = fat()
    use.megabytes = 812
    await rig.up()
    for (let count = 0; count < 3; count++) {
      await rig.advance(30_000)
      await rig.succeed()
    }
    await rig.advance(30_000)
    assert.partialDeepStrictEqual(rig.life.state, {
      is: 'degraded',
      reason: 'it uses 812 MB where 500 MB are allowed, and 3 restarts within an hour did not help',
    })
    rig.life.noteSuccess()
    assert.partialDeepStrictEqual(rig.life.state, { is: 'degraded' })
    use.megabytes = 100
    await rig.advance(30_000)
    assert.partialDeepStrictEqual(rig.life.state, { is: 'ready' })
    use.megabytes = 812
    await rig.advance(60 * MINUTE_MS)
    assert.partialDeepStrictEqual(rig.life.state, { is: 'starting' })
  })
})
