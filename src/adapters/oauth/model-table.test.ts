import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { openSqlite } from '../../engines/store/sqlite.ts'
import { silentLog } from '../../kernel/log.ts'
import { modelTableSuite } from './model-table.suite.ts'

const folder = mkdtempSync(join(tmpdir(), 'alicia-test-'))
after(() => rmSync(folder, { recursive: true, force: true }))

modelTableSuite('SQLite', async () => openSqlite({ file: join(folder, 'oauth.db'), log: silentLog }))
