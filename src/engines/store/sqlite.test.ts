import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, suite, test, type TestContext } from 'node:test'
import { sql } from 'kysely'
import { createLog, silentLog } from '../../kernel/log.ts'
import { temporaryFolder } from '../../testing/folder.ts'
import { asNobody } from '../../testing/nobody.ts'
import { crashTest } from './crash.suite.ts'
import { openSqlite } from './sqlite.ts'
import { storeSuite } from './store.suite.ts'

const folder = mkdtempSync(join(tmpdir(), 'alicia-test-'))
after(() => rmSync(folder, { recursive: true, force: true }))

storeSuite('SQLite', async () => openSqlite({ file: join(folder, 'store.db'), log: silentLog }))

interface Tables {
  notes: { text: string }
}

async function openNotes(t: TestContext, file: string, log = silentLog) {
  const store = openSqlite({ file, log })
  t.after(() => store.close())
  await store.migrate('notes', [
    { name: '001', up: (db) => db.schema.createTable('notes').addColumn('text', 'text').execute() },
  ])
  return { store, db: store.as<Tables>() }
}

suite('SQLite', () => {
  crashTest('SQLite', () => ({
    module: './sqlite.ts',
    open: 'openSqlite',
    options: { file: join(folder, 'crash.db') },
  }))

  test('the file is for its owner alone, its log too', async (t) => {
    const file = join(temporaryFolder(t), 'alicia.db')
    const { db } = await openNotes(t, file)
    await db.insertInto('notes').values({ text: 'x' }).execute()
    for (const path of [file, `${file}-wal`]) assert.equal(statSync(path).mode & 0o777, 0o600, path)
  })

  test('a full disk is a fault, leaves what was there, and is over when there is space', async (t) => {
    const lines: string[] = []
    const log = createLog({ level: 'info', write: (line) => lines.push(line) })
    const { store, db } = await openNotes(t, join(temporaryFolder(t), 'alicia.db'), log)
    await db.insertInto('notes').values({ text: 'before' }).execute()
    const { page_count: pages } = (await sql<{ page_count: number }>`pragma page_count`.execute(db)).rows[0] ?? {}
    await sql`pragma max_page_count = ${sql.lit(pages)}`.execute(db)

    const tooMuch = { text: 'x'.repeat(100_000) }
    const full = { code: 'storage_failed', message: /disk is full/, hint: /Free some space/ }
    await assert.rejects(db.insertInto('notes').values(tooMuch).execute(), full)
    assert.equal(store.report().status, 'degraded')
    assert.match(store.report().reason ?? '', /disk is full/)
    const transaction = db.transaction().execute(async (notes) => {
      await notes.insertInto('notes').values({ text: 'small' }).execute()
      await notes.insertInto('notes').values(tooMuch).execute()
    })
    await assert.rejects(transaction, full)
    assert.deepEqual(await db.selectFrom('notes').selectAll().execute(), [{ text: 'before' }])

    await sql`pragma max_page_count = 1000000`.execute(db)
    await db.insertInto('notes').values(tooMuch).execute()
    assert.equal(store.report().status, 'available')
    assert.match(lines.join(''), /the database fails.*the database works again/s)
  })

  test('a disk that fills up within a transaction cannot commit the half of it', async (t) => {
    const { db } = await openNotes(t, join(temporaryFolder(t), 'alicia.db'))
    await sql`pragma max_page_count = 20`.execute(db)
    const stubborn = db.transaction().execute(async (notes) => {
      await notes.insertInto('notes').values({ text: 'first half' }).execute()
      // SQLite has rolled back by itself when this fails; the next statement would commit alone.
      await notes
        .insertInto('notes')
        .values({ text: 'x'.repeat(500_000) })
        .execute()
        .catch(() => undefined)
      await notes.insertInto('notes').values({ text: 'second half' }).execute()
    })
    await assert.rejects(stubborn, /earlier statement of this transaction failed/)
    assert.deepEqual(await db.selectFrom('notes').selectAll().execute(), [])
  })

  for (const [why, fileMode, folderMode] of [
    ['file', 0o400, 0o700],
    ['folder', 0o600, 0o500],
    ['file and folder', 0o400, 0o500],
  ] as const)
    test(`a ${why} that cannot be written is refused at the start`, async (t) => {
      const parent = temporaryFolder(t)
      const file = join(parent, 'alicia.db')
      const { store } = await openNotes(t, file)
      await store.close()
      chmodSync(file, fileMode)
      chmodSync(parent, folderMode)
      asNobody(parent, () =>
        assert.throws(() => openSqlite({ file, log: silentLog }), {
          code: 'storage_failed',
          message: new RegExp(`^The database ${file} cannot be (written|opened)`),
          hint: /user that runs Alicia/,
        }),
      )
    })

  test('a folder that does not exist, a file that is no database', (t) => {
    const parent = temporaryFolder(t)
    const noDatabase = join(parent, 'notes.txt')
    writeFileSync(noDatabase, 'Dear diary, '.repeat(500))
    for (const [file, says] of [
      [join(parent, 'nowhere', 'alicia.db'), /cannot be opened/],
      [noDatabase, /no SQLite database/],
    ] as const)
      assert.throws(() => openSqlite({ file, log: silentLog }), { code: 'storage_failed', message: says, hint: /./ })
  })

  test('a file that another program is writing to is unavailable, not lost', async (t) => {
    const file = join(temporaryFolder(t), 'alicia.db')
    const { db } = await openNotes(t, file)
    const browser = new DatabaseSync(file)
    browser.exec('begin immediate')
    await sql`pragma busy_timeout = 1`.execute(db)
    await assert.rejects(db.insertInto('notes').values({ text: 'x' }).execute(), {
      code: 'unavailable',
      message: /locked/,
    })
    browser.exec('rollback')
    browser.close()
    await db.insertInto('notes').values({ text: 'x' }).execute()
  })

  test('a value that would come back as another one is refused', async (t) => {
    const { db } = await openNotes(t, ':memory:')
    for (const value of [true, undefined, new Date(), { a: 1 }, ['x']])
      await assert.rejects(sql`insert into notes values (${value})`.execute(db), TypeError)
    await assert.rejects(sql`select ${sql.lit(2)} << 60 as big`.execute(db), RangeError)
  })
})
