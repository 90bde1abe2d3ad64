import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { heldClock } from '../../kernel/clock.ts'
import { Fault } from '../../kernel/fault.ts'
import { fakeConnection, type FakeConnection } from '../../testing/mqtt-connection.ts'
import { createLinks } from './links.ts'

const never = new AbortController().signal

function setUp(options: { maxSubscriptions?: number; dialed?: () => Promise<FakeConnection> } = {}) {
  const clock = heldClock()
  const dials: { number: number; connection: FakeConnection }[] = []
  const links = createLinks({
    async dial(_signal, number) {
      const connection = await (options.dialed?.() ?? Promise.resolve(fakeConnection()))
      dials.push({ number, connection })
      return connection
    },
    clock,
    idleMs: 1000,
    maxSubscriptions: options.maxSubscriptions ?? 3,
  })
  return { clock, dials, links }
}

/** A task that runs until it is released. */
function held() {
  const { promise, resolve } = Promise.withResolvers<void>()
  return { task: () => promise, release: resolve }
}

suite('links', () => {
  test('all who come while it connects share one connection', async () => {
    const { links, dials } = setUp()
    const used = await Promise.all([1, 2, 3].map(() => links.use(never, async (connection) => connection)))
    assert.equal(dials.length, 1)
    assert.equal(new Set(used).size, 1)
    assert.equal(links.state().is, 'connected')
  })

  test('one caller who gives up does not end the attempt for the others', async () => {
    const { promise, resolve } = Promise.withResolvers<FakeConnection>()
    const { links } = setUp({ dialed: () => promise })
    const gone = new AbortController()
    const first = assert.rejects(
      links.use(gone.signal, async () => 1),
      /gone/,
    )
    const second = links.use(never, async () => 2)
    gone.abort(new Error('gone'))
    await first
    resolve(fakeConnection())
    assert.equal(await second, 2)
  })

  test('subscriptions at the same time have connections of their own, closed after them', async () => {
    const { links, dials } = setUp()
    const [one, two] = [held(), held()]
    const first = links.subscribeAlone(never, one.task)
    const second = links.subscribeAlone(never, two.task)
    await assert.rejects(
      Promise.all([links.subscribeAlone(never, held().task), links.subscribeAlone(never, held().task)]),
      { code: 'conflict' },
    )
    assert.deepEqual(dials.map(({ number }) => number).toSorted(), [0, 1, 2])
    two.release()
    await second
    assert.equal(dials.find(({ number }) => number === 1)?.connection.state().is, 'closed')
    one.release()
    await first
    assert.equal(dials.find(({ number }) => number === 0)?.connection.state().is, 'open')
  })

  test('an idle connection is closed, a used one is not; the next use connects again', async () => {
    const { links, dials, clock } = setUp()
    const { task, release } = held()
    const using = links.use(never, task)
    await new Promise(setImmediate)
    clock.advance(5000)
    assert.equal(dials[0]?.connection.state().is, 'open')
    release()
    await using
    clock.advance(1000)
    assert.equal(links.state().is, 'idle')
    assert.equal(dials[0]?.connection.state().is, 'closed')
    await links.use(never, async () => undefined)
    assert.equal(dials.length, 2)
  })

  test('a lost connection is remembered with its reason, and opened anew', async () => {
    const { links, dials } = setUp()
    await links.use(never, async () => undefined)
    dials[0]?.connection.lose('the cat')
    await new Promise(setImmediate)
    assert.partialDeepStrictEqual(links.state(), { is: 'lost', reason: 'the cat' })
    await links.use(never, async () => undefined)
    assert.equal(links.state().is, 'connected')
  })

  test('a failed attempt says why, each time', async () => {
    const { links } = setUp({ dialed: () => Promise.reject(new Fault('unavailable', 'nothing listens')) })
    for (let time = 0; time < 2; time++)
      await assert.rejects(
        links.use(never, async () => undefined),
        { message: 'nothing listens' },
      )
    assert.partialDeepStrictEqual(links.state(), { is: 'lost', reason: 'nothing listens' })
  })

  test('a connection that comes after the end is closed', async () => {
    const late = fakeConnection()
    const { promise, resolve } = Promise.withResolvers<FakeConnection>()
    const { links } = setUp({ dialed: () => promise })
    const using = assert.rejects(
      links.use(never, async () => undefined),
      { code: 'not_found' },
    )
    await links.close()
    resolve(late)
    await using
    assert.equal(late.state().is, 'closed')
  })
})
