import { silentLog } from '../../kernel/log.ts'
import { openSqlite } from '../store/sqlite.ts'
import { loginsSuite } from './logins.suite.ts'

loginsSuite('SQLite', async () => openSqlite({ file: ':memory:', log: silentLog }))
