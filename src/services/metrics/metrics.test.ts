import { openSqlite } from '../../engines/store/sqlite.ts'
import { silentLog } from '../../kernel/log.ts'
import { metricsSuite } from './metrics.suite.ts'

metricsSuite('SQLite', async () => openSqlite({ file: ':memory:', log: silentLog }))
