import { after, before, suite } from 'node:test'
import { openPostgres } from '../../engines/store/postgres.ts'
import { silentLog } from '../../kernel/log.ts'
import { startPostgres, type PostgresServer } from '../../testing/postgres.ts'
import { vaultSuite } from './vault.suite.ts'

suite('token vault', () => {
  let server: PostgresServer
  before(async () => {
    server = await startPostgres()
  })
  after(() => server.stop())
  vaultSuite('PostgreSQL', () => openPostgres({ url: server.url(), log: silentLog }))
})
