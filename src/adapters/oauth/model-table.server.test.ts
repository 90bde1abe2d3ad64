import { after, before, suite } from 'node:test'
import { openPostgres } from '../../engines/store/postgres.ts'
import { silentLog } from '../../kernel/log.ts'
import { startPostgres, type PostgresServer } from '../../testing/postgres.ts'
import { modelTableSuite } from './model-table.suite.ts'

suite('authorization server', () => {
  let server: PostgresServer
  before(async () => {
    server = await startPostgres()
  })
  after(() => server.stop())
  modelTableSuite('PostgreSQL', () => openPostgres({ url: server.url(), log: silentLog }))
})
