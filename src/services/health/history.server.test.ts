import { after, before, suite } from 'node:test'
import { openPostgres } from '../../engines/store/postgres.ts'
import { silentLog } from '../../kernel/log.ts'
import { startPostgres, type PostgresServer } from '../../testing/postgres.ts'
import { historySuite } from './history.suite.ts'

suite('history of health', () => {
  let server: PostgresServer
  let databases = 0
  before(async () => {
    server = await startPostgres()
  })
  after(() => server.stop())

  historySuite('PostgreSQL', async () => {
    const url = server.createDatabase(`health_${(databases += 1)}`)
    return () => openPostgres({ url, log: silentLog })
  })
})
