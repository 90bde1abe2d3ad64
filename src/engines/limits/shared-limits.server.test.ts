import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { createCallLimits, type CallLimits } from '../../kernel/call-limits.ts'
import type { Caller } from '../../kernel/caller.ts'
import { heldClock } from '../../kernel/clock.ts'
import { silentLog } from '../../kernel/log.ts'
import { startPostgres, type PostgresServer } from '../../testing/postgres.ts'
import { openPostgres } from '../store/postgres.ts'
import { shareLimits } from './shared-limits.ts'

const anna: Caller = { id: 'person-1', name: 'anna', scopes: ['*'], via: 'rest' }
const tool = { name: 'lamps.set_level' }

/** How many of so many calls are let through. */
function ask(limits: CallLimits, times: number, caller = anna): number {
  let passed = 0
  for (let call = 0; call < times; call++)
    try {
      limits.take(caller, tool)
      passed++
    } catch {
      return passed
    }
  return passed
}

suite('limits of hubs on one PostgreSQL', () => {
  let server: PostgresServer
  before(async () => (server = await startPostgres()))
  after(() => server.stop())
  let databases = 0

  /** Hubs whose own clocks stand still: what comes back comes from the database's alone, so none within the test. */
  async function hubs(t: { after(task: () => unknown): void }, callsPerMinute = 100) {
    const url = server.createDatabase(`limits_${databases++}`)
    const start = async () => {
      const clock = heldClock()
      const store = await openPostgres({ url, log: silentLog })
      const limits = createCallLimits({ callsPerMinute, operations: {}, clock })
      const shared = await shareLimits({ store, limits, clock, log: silentLog })
      t.after(async () => {
        await shared.stop()
        await store.close()
      })
      return { clock, limits, settle: shared.settle, left: () => limits.quotaOf(anna)?.left ?? -1 }
    }
    return [await start(), await start()] as const
  }

  test('what one took, the other knows after a settlement of both', async (t) => {
    const [one, two] = await hubs(t)
    assert.equal(ask(one.limits, 60), 60)
    await one.settle()
    assert.equal(ask(two.limits, 10), 10)
    await two.settle()
    // Some come back while the test runs.
    assert.ok(two.left() >= 30 && two.left() <= 60, `${two.left()} left`)
    assert.equal(ask(one.limits, 100), 40)
  })

  test('both can overdraw by what they take until they settle, and no more; it is paid back', async (t) => {
    const [one, two] = await hubs(t)
    const inAll = ask(one.limits, 1000) + ask(two.limits, 1000)
    assert.equal(inAll, 200)
    await one.settle()
    await two.settle()
    ask(one.limits, 1)
    assert.deepEqual([ask(one.limits, 10), ask(two.limits, 10)], [0, 0])
    // A whole burst too much is a minute more to wait.
    two.clock.advance(55_000)
    assert.equal(ask(two.limits, 10), 0)
    two.clock.advance(15_000)
    assert.ok(ask(two.limits, 1) === 1)
  })

  test('a hub alone learns nothing from its own takings, and others have budgets of their own', async (t) => {
    const [one, two] = await hubs(t)
    ask(one.limits, 30)
    for (let round = 0; round < 3; round++) await one.settle()
    assert.equal(one.left(), 70)
    assert.equal(ask(two.limits, 200, { ...anna, id: 'person-2' }), 100)
    await two.settle()
    assert.equal(one.left(), 70)
  })

  test('without the database a hub goes on alone, and settles when it is back', async (t) => {
    const [one, two] = await hubs(t)
    ask(one.limits, 20)
    await server.kill()
    await one.settle()
    assert.equal(ask(one.limits, 30), 30)
    await server.start()
    await one.settle()
    ask(two.limits, 1)
    await two.settle()
    assert.ok(two.left() >= 49 && two.left() <= 75, `${two.left()} left`)
  })

  test('two hubs that settle at once do not stand in each other’s way', async (t) => {
    const [one, two] = await hubs(t, 6000)
    const callers = Array.from({ length: 200 }, (_, at) => ({ ...anna, id: `person-${at}` }))
    for (let round = 0; round < 5; round++) {
      for (const caller of callers) ask(one.limits, 1, caller)
      for (const caller of callers.toReversed()) ask(two.limits, 1, caller)
      await Promise.all([one.settle(), two.settle()])
    }
    const [, table] = [...one.limits.tables()][0] ?? []
    assert.ok(table)
    for (const [, bucket] of table.entries()) assert.equal(bucket.untold, 0)
  })
})
