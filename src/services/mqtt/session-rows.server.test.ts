import { after, before, suite } from 'node:test'
import { openPostgres } from '../../engines/store/postgres.ts'
import { silentLog } from '../../kernel/log.ts'
import { startPostgres, type PostgresServer } from '../../testing/postgres.ts'
import { sessionRowsSuite } from './session-rows.suite.ts'

suite('with a PostgreSQL server', () => {
  let server: PostgresServer
  let databases = 0
  before(async () => {
    server = await startPostgres()
  })
  after(() => server.stop())

  sessionRowsSuite('PostgreSQL', async () =>
    openPostgres({ url: server.createDatabase(`rows_${(databases += 1)}`), log: silentLog }),
  )
})
