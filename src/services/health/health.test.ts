import { openSqlite } from '../../engines/store/sqlite.ts'
import { silentLog } from '../../kernel/log.ts'
import { healthSuite } from './health.suite.ts'

healthSuite('SQLite', async () => openSqlite({ file: ':memory:', log: silentLog }))
