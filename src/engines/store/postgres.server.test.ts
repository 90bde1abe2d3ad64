import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { after, before, suite, test, type TestContext } from 'node:test'
import { sql } from 'kysely'
import type { Fault } from '../../kernel/fault.ts'
import { createLog, silentLog } from '../../kernel/log.ts'
import type { Migration } from '../../kernel/ports.ts'
import { startPostgres, type PostgresServer } from '../../testing/postgres.ts'
import { crashTest } from './crash.suite.ts'
import { openPostgres } from './postgres.ts'
import { storeSuite } from './store.suite.ts'

suite('PostgreSQL', () => {
  let server: PostgresServer
  let url: string
  before(async () => {
    server = await startPostgres()
    url = server.createDatabase('suite')
  })
  after(() => server.stop())

  storeSuite('PostgreSQL', () => openPostgres({ url, log: silentLog }))

  crashTest('PostgreSQL', () => ({ module: './postgres.ts', open: 'openPostgres', options: { url } }))

  test('two hubs that start on one database at once change its tables once', async () => {
    const shared = server.createDatabase('shared')
    const hubs = await Promise.all([1, 2, 3].map(() => openPostgres({ url: shared, log: silentLog })))
    let runs = 0
    const steps: Migration[] = ['001-first', '002-second', '003-third'].map((name, index) => ({
      name,
      up: async (db) => {
        runs += 1
        await db.schema.createTable(`step_${index}`).addColumn('id', 'text').execute()
      },
    }))
    await Promise.all(hubs.map((hub) => hub.migrate('hub', steps)))
    await Promise.all(hubs.map((hub) => hub.close()))
    assert.equal(runs, 3)
  })

  const refused: [why: string, url: () => string, code: string, says: RegExp][] = [
    [
      'a wrong password',
      () => server.url().replace(server.password, 'wr0ng-pass'),
      'storage_failed',
      /user or the password/,
    ],
    ['no password', () => server.url().replace(`:${server.password}`, ''), 'storage_failed', /user or the password/],
    ['no such database', () => server.url('nowhere'), 'storage_failed', /no such database.*createdb/],
    ['nobody listening', () => server.url().replace(`:${server.port}/`, ':1/'), 'unavailable', /cannot be reached/],
    ['no such host', () => server.url().replace('127.0.0.1', 'nowhere.invalid'), 'unavailable', /cannot be reached/],
    ['no TLS there', () => `${server.url()}?sslmode=verify-full`, 'storage_failed', /offers no TLS/],
    ['another protocol', () => 'mysql://alicia:wr0ng-pass@127.0.0.1/x', 'invalid_input', /no PostgreSQL URL/],
    ['a broken URL', () => 'postgres://alicia:wr0ng-pass@[/x', 'invalid_input', /percent-encode/],
  ]
  for (const [why, from, code, says] of refused)
    test(`refuses to open: ${why}`, () =>
      assert.rejects(openPostgres({ url: from(), log: silentLog }), (fault: Fault) => {
        assert.equal(fault.code, code, fault.message)
        const text = `${fault.message} ${fault.hint}`
        assert.match(text, says)
        assert.ok(!text.includes('wr0ng-pass') && !text.includes(server.password))
        return true
      }))

  test('a read-only server and a slow statement are faults that say so', async () => {
    const store = await openPostgres({ url, log: silentLog })
    const db = store.as<{ accounts: { name: string; cents: number } }>()
    await assert.rejects(
      db
        .transaction()
        .setAccessMode('read only')
        .execute((bank) => bank.deleteFrom('accounts').execute()),
      { code: 'storage_failed', message: /takes no writes/ },
    )
    await assert.rejects(
      db.transaction().execute(async (bank) => {
        await sql`set local statement_timeout = 20`.execute(bank)
        await sql`select pg_sleep(10)`.execute(bank)
      }),
      { code: 'timeout', message: /took too long/ },
    )
    await store.close()
  })

  test('a server that goes silent is unavailable too', async (t) => {
    const wire = await cuttableWire(t, server.port)
    const through = url.replace(`:${server.port}/`, `:${wire.port}/`)
    const store = await openPostgres({ url: through, log: silentLog, stallTimeoutMs: 300 })
    await sql`select 1`.execute(store.as())
    wire.cut()
    await assert.rejects(sql`select 2`.execute(store.as()), { code: 'unavailable', message: /cannot be reached/ })
    await store.close()
  })

  test('a server that dies is unavailable, harms nobody else, and is found again when it is back', async () => {
    const lines: string[] = []
    const log = createLog({ level: 'info', write: (line) => lines.push(line) })
    const store = await openPostgres({ url, log })
    const db = store.as<{ accounts: { name: string; cents: number } }>()
    const inside = db.transaction().execute(async (bank) => {
      await bank.insertInto('accounts').values({ name: 'lost', cents: 1 }).execute()
      await server.kill()
      await bank.insertInto('accounts').values({ name: 'lost too', cents: 1 }).execute()
    })
    await assert.rejects(inside, { code: 'unavailable', message: /cannot be reached/ })
    await assert.rejects(db.selectFrom('accounts').selectAll().execute(), { code: 'unavailable' })
    assert.equal(store.report().status, 'unavailable')
    await server.start()
    const lost = await db.selectFrom('accounts').select('name').where('name', 'like', 'lost%').execute()
    assert.deepEqual(lost, [])
    assert.equal(store.report().status, 'available')
    await store.close()
    assert.ok(!lines.join('').includes(server.password))
    assert.match(lines.join(''), /the database fails.*the database works again/s)
  })
})

/** A loopback port in front of another, until it is cut: then it takes bytes and passes nothing on. */
async function cuttableWire(t: TestContext, port: number) {
  const sockets = new Set<Socket>()
  const wire = createServer((near) => {
    const far = connect(port, '127.0.0.1')
    for (const socket of [near, far]) sockets.add(socket.on('error', () => undefined))
    near.pipe(far)
    far.pipe(near)
  }).listen(0, '127.0.0.1')
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    wire.close()
  })
  await once(wire, 'listening')
  return {
    port: (wire.address() as AddressInfo).port,
    cut() {
      for (const socket of sockets) socket.unpipe().pause()
    },
  }
}
