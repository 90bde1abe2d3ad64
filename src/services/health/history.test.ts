import { join } from 'node:path'
import { silentLog } from '../../kernel/log.ts'
import { openSqlite } from '../../engines/store/sqlite.ts'
import { temporaryFolder } from '../../testing/folder.ts'
import { historySuite } from './history.suite.ts'

historySuite('SQLite', async (t) => {
  const file = join(temporaryFolder(t), 'alicia.db')
  return async () => openSqlite({ file, log: silentLog })
})
