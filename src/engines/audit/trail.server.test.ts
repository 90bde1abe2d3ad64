import { after, before, suite } from 'node:test'
import { sql } from 'kysely'
import { silentLog } from '../../kernel/log.ts'
import { startPostgres, type PostgresServer } from '../../testing/postgres.ts'
import { openPostgres } from '../store/postgres.ts'
import { trailSuite } from './trail.suite.ts'

suite('audit that is read, on a server', () => {
  let server: PostgresServer
  before(async () => {
    server = await startPostgres()
  })
  after(() => server.stop())
  trailSuite('PostgreSQL', async (t) => {
    const store = await openPostgres({ url: server.url(), log: silentLog })
    // Empty for each test.
    await sql`drop schema public cascade`.execute(store.as())
    await sql`create schema public`.execute(store.as())
    t.after(() => store.close())
    return store
  })
})
