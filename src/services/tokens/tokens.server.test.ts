import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { openPostgres } from '../../engines/store/postgres.ts'
import { systemClock } from '../../kernel/clock.ts'
import { silentLog } from '../../kernel/log.ts'
import { startPostgres, type PostgresServer } from '../../testing/postgres.ts'
import { startHubAt, tokensSuite } from './tokens.suite.ts'

suite('tokens service', () => {
  let server: PostgresServer
  before(async () => {
    server = await startPostgres()
  })
  after(() => server.stop())
  tokensSuite('PostgreSQL', () => openPostgres({ url: server.url(), log: silentLog }))

  test('what one hub makes or revokes another one on the same database hears of', async (t) => {
    const url = server.createDatabase('two-hubs')
    const openHub = async () => {
      const store = await openPostgres({ url, log: silentLog })
      const hub = await startHubAt(store, systemClock)
      t.after(async () => {
        await hub.stop()
        await store.close()
      })
      return hub
    }
    const [here, there] = [await openHub(), await openHub()]
    const { token } = await here.create({ name: 'phone', scopes: ['mqtt:read'] })
    const known = async (): Promise<boolean> => {
      try {
        return there.authenticate(token, 'rest').name === 'phone'
      } catch {
        return false
      }
    }
    for (let waited = 0; !(await known()); waited++) {
      assert.ok(waited < 40, 'The other hub does not know the token within 10 s.')
      await setTimeout(250)
    }
    const { credential } = there.authenticate(token, 'rest')
    const ended = new Promise((resolve) => {
      there.events.on('access.ended', resolve)
    })
    await here.call('revoke_token', { name: 'phone' })
    assert.deepEqual(await ended, { credential })
    assert.throws(() => there.authenticate(token, 'rest'), { code: 'unauthenticated' })
  })
})
