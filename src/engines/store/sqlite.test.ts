import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { silentLog } from '../../kernel/log.ts'
import { openSqlite } from './sqlite.ts'
import { storeSuite } from './store.suite.ts'

const folder = mkdtempSync(join(tmpdir(), 'alicia-test-'))
after(() => rmSync(folder, { recursive: true, force: true }))

storeSuite('SQLite', async () => openSqlite({ file: join(folder, 'store.db'), log: silentLog }))
