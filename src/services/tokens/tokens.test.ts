import { openSqlite } from '../../engines/store/sqlite.ts'
import { silentLog } from '../../kernel/log.ts'
import { tokensSuite } from './tokens.suite.ts'

tokensSuite('SQLite', async () => openSqlite({ file: ':memory:', log: silentLog }))
