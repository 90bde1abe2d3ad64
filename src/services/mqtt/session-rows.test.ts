import { openSqlite } from '../../engines/store/sqlite.ts'
import { silentLog } from '../../kernel/log.ts'
import { sessionRowsSuite } from './session-rows.suite.ts'

sessionRowsSuite('SQLite', async () => openSqlite({ file: ':memory:', log: silentLog }))
