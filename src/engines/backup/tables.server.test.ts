import assert from 'node:assert/strict'
import { after, before, suite, test, type TestContext } from 'node:test'
import { sql, type Kysely } from 'kysely'
import type { Migration } from '../../kernel/ports.ts'
import { silentLog } from '../../kernel/log.ts'
import { startPostgres, type PostgresServer } from '../../testing/postgres.ts'
import type { OpenStore } from '../store/open-store.ts'
import { openPostgres } from '../store/postgres.ts'
import { openSqlite } from '../store/sqlite.ts'
import type { AnyDb, Dialect } from './dialect.ts'
import { describeTables } from './table-form.ts'
import { dumpTables, loadTables } from './tables.ts'

/** Every form that the hub's own tables have. */
const MIGRATIONS: readonly Migration[] = [
  {
    name: '001',
    async up(db) {
      await db.schema
        .createTable('things')
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('name', 'text', (column) => column.notNull().unique())
        .addColumn('at_ms', 'bigint', (column) => column.notNull())
        .addColumn('count', 'integer', (column) => column.notNull().defaultTo(0))
        .addColumn('level', 'double precision')
        .addColumn('label', 'text', (column) => column.defaultTo('it’s "new"'))
        .execute()
      await db.schema.createIndex('things_at').on('things').columns(['at_ms', 'name']).execute()
      await db.schema.createIndex('things_label').unique().on('things').column('label').execute()
      await db.schema
        .createTable('pairs')
        .addColumn('a', 'text', (column) => column.notNull())
        .addColumn('b', 'text', (column) => column.notNull())
        .addPrimaryKeyConstraint('pairs_pk', ['a', 'b'])
        .execute()
      await db.schema.createTable('order').addColumn('select', 'text').execute()
    },
  },
]

const ROWS = [
  { id: 'a', name: 'Ä “quoted”\n\u0001 😀', at_ms: 1_800_000_000_000, count: -1, level: 0.1, label: null },
  { id: 'b', name: "'; drop table things; --", at_ms: 9_007_199_254_740_991, count: 0, level: null, label: '' },
  { id: 'c', name: '', at_ms: 0, count: 2_147_483_647, level: -1.5e300, label: '\\x00' },
]

suite('tables in a backup', () => {
  let server: PostgresServer
  let databases = 0
  before(async () => {
    server = await startPostgres()
  })
  after(() => server.stop())

  const open = async (t: TestContext, dialect: Dialect): Promise<OpenStore> => {
    const store =
      dialect === 'postgres'
        ? await openPostgres({ url: server.createDatabase(`backup${databases++}`), log: silentLog })
        : openSqlite({ file: ':memory:', log: silentLog })
    t.after(() => store.close())
    return store
  }
  const filled = async (t: TestContext, dialect: Dialect) => {
    const store = await open(t, dialect)
    await store.migrate('test', MIGRATIONS)
    const db: AnyDb = store.as()
    await db.insertInto('things').values(ROWS).execute()
    await db.insertInto('order').values({ select: 'from' }).execute()
    const pairs = Array.from({ length: 1234 }, (_, at) => ({ a: `a${at % 10}`, b: `b${at}` }))
    for (let at = 0; at < pairs.length; at += 100)
      await db
        .insertInto('pairs')
        .values(pairs.slice(at, at + 100))
        .execute()
    return db
  }
  const content = async (db: AnyDb) => ({
    things: await db.selectFrom('things').selectAll().orderBy('id').execute(),
    pairs: await db.selectFrom('pairs').selectAll().orderBy('b').execute(),
    order: await db.selectFrom('order').selectAll().execute(),
    migrations: await db.selectFrom('migrations').select(['owner', 'name']).execute(),
  })

  for (const from of ['sqlite', 'postgres'] as const)
    for (const to of ['sqlite', 'postgres'] as const)
      test(`from ${from} to ${to}: rows, keys and indexes are the same`, async (t) => {
        const source = await filled(t, from)
        const store = await open(t, to)
        const target: AnyDb = store.as()
        assert.equal(await loadTables(target, dumpTables(source, from), { dialect: to }), 4)
        assert.deepEqual(await content(target), await content(source))
        const twice: readonly [string, Record<string, unknown>][] = [
          ['things', { ...ROWS[0], name: 'x', label: 'x' }],
          ['things', { ...ROWS[0], id: 'x', label: 'x' }],
          ['things', { ...ROWS[0], id: 'x', name: 'x', label: '' }],
          ['pairs', { a: 'a0', b: 'b0' }],
          ['pairs', { a: 'a0', b: null }],
        ]
        for (const [table, row] of twice) await assert.rejects(target.insertInto(table).values(row).execute())
        await target.insertInto('things').values({ id: 'd', name: 'd', at_ms: 1 }).execute()
        const [added] = await target.selectFrom('things').selectAll().where('id', '=', 'd').execute()
        assert.deepEqual([added?.['count'], added?.['label']], [0, 'it’s "new"'])
        const things = (await describeTables(target, to)).find(({ name }) => name === 'things')
        assert.ok(things?.after.some((statement) => /things_at/.test(statement)))
        // The hub finds its tables as it made them: nothing is migrated again.
        await store.migrate('test', MIGRATIONS)
      })

  test('a dump is of one moment, whoever writes meanwhile', async (t) => {
    const source = await filled(t, 'postgres')
    let rows = 0
    for await (const line of dumpTables(source, 'postgres')) {
      if (rows === 0) await source.deleteFrom('pairs').execute()
      rows += line.toString().startsWith('[') ? 1 : 0
    }
    assert.ok(rows >= 1234, 'what was deleted meanwhile is in it')
  })

  test('tables that are there are in the way, or go aside, all or none', async (t) => {
    const source = await filled(t, 'postgres')
    const target = await filled(t, 'postgres')
    await target.deleteFrom('things').execute()
    await assert.rejects(loadTables(target, dumpTables(source, 'postgres'), { dialect: 'postgres' }), {
      code: 'conflict',
      hint: /--replace/,
    })
    assert.deepEqual((await content(target)).things, [])
    const cut = async function* () {
      for await (const line of dumpTables(source, 'postgres')) {
        yield line
        if (line.toString().startsWith('["c"')) throw new Error('the file ends here')
      }
    }
    await assert.rejects(loadTables(target, cut(), { dialect: 'postgres', aside: 'before' }), /ends here/)
    assert.deepEqual((await content(target)).things, [])
    await loadTables(target, dumpTables(source, 'postgres'), { dialect: 'postgres', aside: 'before' })
    assert.deepEqual(await content(target), await content(source))
    const { rows } = await sql<{ count: number }>`select count(*)::int as count from before.things`.execute(target)
    assert.deepEqual(rows, [{ count: 0 }])
  })

  const unknown: [what: string, statement: string][] = [
    ['a column type', 'create table odd (at timestamptz)'],
    ['a default', 'create table odd (at text default now()::text)'],
    ['a reference', 'create table odd (a text references things(id))'],
    ['an index', 'create table odd (a text); create index odd_a on odd using hash (a)'],
  ]
  for (const [what, statement] of unknown)
    test(`${what} that SQLite does not know: said so, and nothing is left`, async (t) => {
      const source = await filled(t, 'postgres')
      for (const part of statement.split('; ')) await sql.raw(part).execute(source)
      const target = (await open(t, 'sqlite')).as()
      await assert.rejects(loadTables(target as AnyDb, dumpTables(source, 'postgres'), { dialect: 'sqlite' }), {
        code: 'conflict',
      })
      assert.deepEqual(await describeTables(target as AnyDb, 'sqlite'), [])
      const same: Kysely<Record<string, Record<string, unknown>>> = (await open(t, 'postgres')).as()
      await loadTables(same, dumpTables(source, 'postgres'), { dialect: 'postgres' })
    })
})
