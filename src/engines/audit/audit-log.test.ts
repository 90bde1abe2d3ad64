import assert from 'node:assert/strict'
import { suite, test, type TestContext } from 'node:test'
import { sql } from 'kysely'
import type { AuditEntry } from '../../kernel/audit.ts'
import { heldClock } from '../../kernel/clock.ts'
import { createLog } from '../../kernel/log.ts'
import type { Effect } from '../../kernel/tool.ts'
import { openAuditLog } from './audit-log.ts'
import type { AuditTables } from './audit-table.ts'
import { newKey } from './chain-keys.ts'
import { openSqlite } from '../store/sqlite.ts'

const DAY_MS = 86_400_000

async function openAudit(t: TestContext, more: { mostBytes?: number } = {}) {
  const clock = heldClock()
  const lines: string[] = []
  const log = createLog({ level: 'info', write: (line) => lines.push(line) })
  const store = openSqlite({ file: ':memory:', log })
  const key = newKey()
  const audit = await openAuditLog({ store, clock, log, keys: () => [key], retentionDays: 30, ...more })
  const db = store.as<AuditTables>()
  t.after(async () => {
    await audit.close()
    await store.close()
  })
  let count = 0
  const entry = (effect: Effect, more: Partial<AuditEntry> = {}): AuditEntry => ({
    requestId: `${effect}-${++count}`,
    atMs: clock.now(),
    callerId: 'owner',
    via: 'rest',
    operation: 'lamps.set_level',
    provider: 'lamps',
    effect,
    outcome: 'ok',
    durationMs: 1.5,
    ...more,
  })
  return {
    audit,
    clock,
    lines,
    db,
    entry,
    stored: async () =>
      (await db.selectFrom('audit').select('request_id').orderBy('request_id').execute()).map((row) => row.request_id),
    count: async () =>
      (
        await db
          .selectFrom('audit')
          .select(({ fn }) => fn.countAll<number>().as('n'))
          .executeTakeFirstOrThrow()
      ).n,
    /** The database refuses to write, as it does on a read-only disk; reading goes on. */
    breakDown: () => sql`pragma query_only = on`.execute(db),
    repair: () => sql`pragma query_only = off`.execute(db),
  }
}

const turn = () => new Promise(setImmediate)

suite('audit', () => {
  test('an entry is kept whole', async (t) => {
    const { audit, db, entry, clock } = await openAudit(t)
    await audit.record(
      entry('write', {
        address: '::1',
        callerName: 'Ada',
        person: 'person-1',
        credential: 'token-1',
        role: 'adult',
        traceId: 'a'.repeat(32),
        details: { approvedBy: 'owner', arguments: { level: 1 } },
      }),
    )
    const { mac, chain, bytes, ...row } = await db.selectFrom('audit').selectAll().executeTakeFirstOrThrow()
    assert.match(`${mac} ${chain} ${bytes}`, /^[0-9a-f]{8}\.[\w-]{43} [0-9a-f]{12} \d{3}$/)
    assert.deepEqual(row, {
      at_ms: clock.now(),
      request_id: 'write-1',
      caller_id: 'owner',
      via: 'rest',
      address: '::1',
      operation: 'lamps.set_level',
      provider: 'lamps',
      effect: 'write',
      outcome: 'ok',
      duration_ms: 1.5,
      caller_name: 'Ada',
      person: 'person-1',
      credential: 'token-1',
      role: 'adult',
      trace_id: 'a'.repeat(32),
      details: '{"approvedBy":"owner","arguments":{"level":1}}',
      seq: 1,
    })
  })

  test('reads wait for each other for 100 ms at most', async (t) => {
    const { audit, clock, entry, stored } = await openAudit(t)
    const first = audit.record(entry('read'))
    clock.advance(99)
    const second = audit.record(entry('read'))
    await turn()
    assert.deepEqual(await stored(), [])
    clock.advance(1)
    await Promise.all([first, second])
    assert.deepEqual(await stored(), ['read-1', 'read-2'])
  })

  test('a write is committed on the next turn, and takes along what waits', async (t) => {
    const { audit, entry, stored } = await openAudit(t)
    const read = audit.record(entry('read'))
    const writes = [audit.record(entry('write')), audit.record(entry('destructive'))]
    assert.deepEqual(await stored(), [])
    await Promise.all([read, ...writes])
    assert.deepEqual(await stored(), ['destructive-3', 'read-1', 'write-2'])
  })

  test('entries that come while a commit runs are in the next one', async (t) => {
    const { audit, entry, stored, clock } = await openAudit(t)
    const all: Promise<void>[] = []
    for (let index = 0; index < 50; index++) {
      all.push(audit.record(entry(index % 3 === 0 ? 'write' : 'read')))
      await (index % 2 === 0 ? Promise.resolve() : turn())
    }
    await turn()
    clock.advance(100)
    await Promise.all(all)
    assert.equal((await stored()).length, 50)
  })

  test('closing writes what is left, then takes no more', async (t) => {
    const { audit, entry, stored } = await openAudit(t)
    const read = audit.record(entry('read'))
    await audit.close()
    await read
    assert.deepEqual(await stored(), ['read-1'])
    await assert.rejects(audit.record(entry('write')), { code: 'stopping' })
  })

  test('text that the database would refuse does not keep its entry out', async (t) => {
    const { audit, entry, db } = await openAudit(t)
    await audit.record(entry('write', { requestId: `a\0b\uD800${'x'.repeat(1000)}` }))
    const { request_id: id } = await db.selectFrom('audit').select('request_id').executeTakeFirstOrThrow()
    assert.match(id, /^a\\u\{0\}b\\u\{d800\}x+$/)
    assert.ok(id.length <= 200)
  })

  test('while the database is away a write is told at once, and all is written when it is back', async (t) => {
    const { audit, clock, entry, lines, stored, breakDown, repair } = await openAudit(t)
    await breakDown()
    const read = audit.record(entry('read'))
    await assert.rejects(audit.record(entry('write')), { code: 'storage_failed', message: /read-only/ })
    await assert.rejects(audit.record(entry('write')), { code: 'storage_failed' })
    assert.partialDeepStrictEqual(audit.report(), {
      status: 'degraded',
      reason: 'The database :memory: cannot be written: it is read-only.',
    })
    // Retries after 1 s and 2 s more; the second finds it back.
    clock.advance(1000)
    await turn()
    await repair()
    clock.advance(1999)
    await turn()
    assert.deepEqual(await stored(), [])
    clock.advance(1)
    await read
    assert.deepEqual(await stored(), ['read-1', 'write-2', 'write-3'])
    assert.equal(audit.report().status, 'available')
    assert.match(lines.join(''), /kept in memory.*written again/s)
    await audit.record(entry('write'))
  })

  test('a write that comes while a commit is failing is told too', async (t) => {
    const { audit, clock, entry, db, stored } = await openAudit(t)
    const other = await db.startTransaction().execute()
    await sql`pragma query_only = on`.execute(other)
    const early = audit.record(entry('write'))
    await turn()
    const late = audit.record(entry('write'))
    await other.rollback().execute()
    await assert.rejects(early, { code: 'storage_failed' })
    await assert.rejects(late, { code: 'storage_failed' })
    const slow = await db.startTransaction().setAccessMode('read only').execute()
    await sql`pragma query_only = off`.execute(slow)
    clock.advance(1000)
    await assert.rejects(audit.record(entry('write')), { code: 'storage_failed' }, 'the retry has begun and waits')
    await slow.commit().execute()
    while ((await stored()).length < 3) await turn()
    assert.deepEqual(await stored(), ['write-1', 'write-2', 'write-3'])
  })

  test('when memory runs out, the oldest reads go first, and are counted', async (t) => {
    const { audit, clock, entry, lines, db, count, breakDown, repair } = await openAudit(t)
    await breakDown()
    await assert.rejects(audit.record(entry('write')))
    for (let index = 0; index < 11_000; index++) void audit.record(entry('read'))
    assert.equal(audit.lost(), 2000)
    const last = audit.record(entry('read'))
    await repair()
    clock.advance(1000)
    await last
    // One entry more says how many are lost.
    assert.equal(await count(), 9003)
    const oldest = await db.selectFrom('audit').select(['request_id', 'operation', 'details']).limit(3).execute()
    assert.deepEqual(oldest, [
      { request_id: 'write-1', operation: 'lamps.set_level', details: null },
      { request_id: '', operation: 'audit.lost', details: '{"count":2000}' },
      { request_id: 'read-2002', operation: 'lamps.set_level', details: null },
    ])
    assert.match(lines.join(''), /the audit loses entries.*"lost":2000,"msg":"the audit is written again"/s)
  })

  test('closing while the database is away ends, and says what is lost', async (t) => {
    const { audit, entry, lines, breakDown } = await openAudit(t)
    await breakDown()
    const read = audit.record(entry('read'))
    await assert.rejects(audit.record(entry('write')))
    await audit.close()
    await assert.rejects(read, { code: 'storage_failed' })
    assert.equal(audit.lost(), 2)
    assert.match(lines.join(''), /could not be written/)
  })

  test('entries that the database will never take do not hold up the others', async (t) => {
    const { audit, entry, db, stored } = await openAudit(t)
    await sql`create trigger refuse before insert on audit when new.request_id = 'write-1'
      begin select raise(abort, 'no'); end`.execute(db)
    await assert.rejects(audit.record(entry('write')), /no/)
    await audit.record(entry('write'))
    // Without a name: that one is lost.
    assert.deepEqual([audit.lost(), await stored()], [1, ['', 'write-2']])
  })

  test('what is too old goes, every hour and a slice at a time, up to the first of the chain that is not', async (t) => {
    const { audit, clock, entry, count, db } = await openAudit(t)
    await Promise.all(Array.from({ length: 5000 }, () => audit.record(entry('write'))))
    clock.advance(20 * DAY_MS)
    await audit.record(entry('write'))
    assert.equal(await count(), 5001)
    clock.advance(11 * DAY_MS)
    while ((await count()) > 1) await turn()
    const anchor = () => db.selectFrom('audit_chains').select('pruned_seq').executeTakeFirstOrThrow()
    assert.deepEqual(await anchor(), { pruned_seq: 5000 })
    clock.advance(20 * DAY_MS)
    while ((await count()) > 0) await turn()
    assert.deepEqual(await anchor(), { pruned_seq: 5001 })
    assert.equal((await audit.table.tail(audit.heads()[0]?.chain ?? '')) ?? 'none', 'none')
  })

  test('the oldest goes when there is too much', async (t) => {
    const { audit, clock, entry, count } = await openAudit(t, { mostBytes: 100_000 })
    await Promise.all(Array.from({ length: 5000 }, () => audit.record(entry('write'))))
    clock.advance(DAY_MS)
    while ((await count()) > 500) await turn()
    const [head] = audit.heads()
    const anchor = (await audit.table.chains())[0]
    const left = (head?.bytes ?? 0) - (anchor?.pruned_bytes ?? 0)
    assert.ok(left <= 100_000 && left > 90_000, `${left} bytes`)
  })

  test('a flood of refusals: the first of each in full, the rest counted, and of many addresses not one each', async (t) => {
    const { audit, clock, entry, db } = await openAudit(t)
    const refusal = (address: string) =>
      audit.record(entry('write', { outcome: 'unauthenticated', address, callerId: 'anonymous' }))
    for (let round = 0; round < 100; round++) await refusal('192.0.2.1')
    for (let host = 0; host < 1000; host++) void refusal(`2001:db8::${host.toString(16)}`)
    clock.advance(60_000)
    await audit.record(entry('write'))
    const rows = await db.selectFrom('audit').select(['operation', 'address', 'details']).orderBy('seq').execute()
    const together = rows.filter(({ operation }) => operation === 'calls.refused')
    assert.deepEqual(together, [
      { operation: 'calls.refused', address: '192.0.2.1', details: '{"count":95}' },
      ...Array.from({ length: 4 }, (_, at) => ({
        operation: 'calls.refused',
        address: together[at + 1]?.address,
        details: '{"count":1}',
      })),
      { operation: 'calls.refused', address: null, details: '{"count":971}' },
    ])
    assert.equal(rows.length - together.length, 31)
  })
})
