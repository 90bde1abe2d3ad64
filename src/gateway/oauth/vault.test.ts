import { openSqlite } from '../../engines/store/sqlite.ts'
import { silentLog } from '../../kernel/log.ts'
import { vaultSuite } from './vault.suite.ts'

vaultSuite('SQLite', async () => openSqlite({ file: ':memory:', log: silentLog }))
