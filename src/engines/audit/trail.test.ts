import { silentLog } from '../../kernel/log.ts'
import { openSqlite } from '../store/sqlite.ts'
import { trailSuite } from './trail.suite.ts'

trailSuite('SQLite', async (t) => {
  const store = openSqlite({ file: ':memory:', log: silentLog })
  t.after(() => store.close())
  return store
})
