import { after, before, suite } from 'node:test'
import { openPostgres } from '../../engines/store/postgres.ts'
import { silentLog } from '../../kernel/log.ts'
import { startPostgres, type PostgresServer } from '../../testing/postgres.ts'
import { metricsSuite } from './metrics.suite.ts'

suite('metrics service', () => {
  let server: PostgresServer
  before(async () => {
    server = await startPostgres()
  })
  after(() => server.stop())
  metricsSuite('PostgreSQL', () => openPostgres({ url: server.url(), log: silentLog }))
})
