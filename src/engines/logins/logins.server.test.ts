import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { heldClock } from '../../kernel/clock.ts'
import { silentLog } from '../../kernel/log.ts'
import { startPostgres, type PostgresServer } from '../../testing/postgres.ts'
import { openPostgres } from '../store/postgres.ts'
import { ANNA, claimsIn, testLogins } from './logins.fixture.ts'
import { loginsSuite } from './logins.suite.ts'
import type { LoginTables } from './tables.ts'

suite('logins on PostgreSQL', () => {
  let server: PostgresServer
  before(async () => {
    server = await startPostgres()
  })
  after(() => server.stop())
  loginsSuite('PostgreSQL', () => openPostgres({ url: server.url(), log: silentLog }))

  test('two hubs on one database: keys, logins, refresh tokens and their end are those of both', async () => {
    const url = server.createDatabase('shared')
    const stores = await Promise.all([1, 2].map(() => openPostgres({ url, log: silentLog })))
    const clock = heldClock()
    const [one, two] = await Promise.all(stores.map((store) => testLogins(store, { clock })))
    assert.ok(one && two)

    const pair = await one.logIn()
    assert.equal((await two.show(pair.accessToken))?.id, ANNA.id)

    await one.logins.keys.rotate()
    clock.advance(1000)
    const next = await two.logins.refresh(pair.refreshToken, { via: 'rest' })
    // Signed with whichever key the second hub knows by now; the first knows both, and the other way round.
    assert.equal((await one.show(next.accessToken))?.id, ANNA.id)
    const again = await one.logins.refresh(next.refreshToken, { via: 'rest' })
    clock.advance(1000)
    assert.equal((await two.show(again.accessToken))?.id, ANNA.id)

    await assert.rejects(two.logins.refresh(next.refreshToken, { via: 'rest' }), { code: 'unauthenticated' })
    // Time passes only here, and each look at the database is followed by another.
    for (; one.ended.length === 0; clock.advance(1000))
      await stores[0]?.as<LoginTables>().selectFrom('logins').selectAll().execute()
    assert.deepEqual(one.ended, [{ credential: claimsIn(pair.accessToken)['sid'] }])
    assert.throws(() => one.show(again.accessToken), { code: 'unauthenticated' })

    await Promise.all([one, two].map(({ logins }) => logins.close()))
    await Promise.all(stores.map((store) => store.close()))
  })
})
