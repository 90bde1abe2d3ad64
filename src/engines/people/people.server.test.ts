import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { systemClock } from '../../kernel/clock.ts'
import { createEvents } from '../../kernel/events.ts'
import { silentLog } from '../../kernel/log.ts'
import { createLoginThrottle } from '../../kernel/login-throttle.ts'
import { DEFAULT_ROLES } from '../../kernel/role.ts'
import { startPostgres, type PostgresServer } from '../../testing/postgres.ts'
import { openPostgres } from '../store/postgres.ts'
import { openPeople } from './people.ts'
import { peopleSuite } from './people.suite.ts'

suite('people', () => {
  let server: PostgresServer
  before(async () => {
    server = await startPostgres()
  })
  after(() => server.stop())
  peopleSuite('PostgreSQL', () => openPostgres({ url: server.url(), log: silentLog }))

  test('what one hub changes another one on the same database hears of', async (t) => {
    const url = server.createDatabase('two-hubs')
    const openHub = async () => {
      const store = await openPostgres({ url, log: silentLog })
      const events = createEvents(() => undefined)
      const throttle = createLoginThrottle()
      const people = await openPeople({
        store,
        events,
        throttle,
        roles: DEFAULT_ROLES,
        clock: systemClock,
        log: silentLog,
      })
      t.after(async () => {
        await people.close()
        await store.close()
      })
      return { people, events }
    }
    const [here, there] = [await openHub(), await openHub()]
    const heard = () => {
      const { promise, resolve } = Promise.withResolvers<string>()
      const off = there.people.onChange((id) => {
        off()
        resolve(id)
      })
      return promise
    }
    let next = heard()
    const { id } = await here.people.add({ name: 'mia', role: 'child' })
    assert.equal(await next, id)
    assert.deepEqual(there.people.named('mia'), here.people.named('mia'))

    const ended = new Promise((resolve) => {
      there.events.on('access.ended', resolve)
    })
    await here.people.change(id, { isDisabled: true })
    assert.deepEqual(await ended, { person: id })
    assert.equal(there.people.get(id)?.isDisabled, true)

    // Both change at once, and both see both.
    next = heard()
    await Promise.all([
      there.people.add({ name: 'ben', role: 'guest' }),
      here.people.add({ name: 'zoe', role: 'guest' }),
    ])
    await next
    while (there.people.list().length < 3) await heard()
    assert.deepEqual(
      there.people.list().map(({ name }) => name),
      ['ben', 'mia', 'zoe'],
    )
    const { code } = await here.people.pair(id, { createdBy: 'owner', lifeMs: 60_000 })
    await here.people.change(id, { isDisabled: false })
    await there.people.redeem(code, { via: 'rest' }).catch(() => undefined)
    await assert.rejects(here.people.redeem(code, { via: 'rest' }), { code: 'unauthenticated' })
  })
})
