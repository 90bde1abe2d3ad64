import assert from 'node:assert/strict'
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { DatabaseSync } from 'node:sqlite'
import { suite, test, type TestContext } from 'node:test'
import type { Worker } from 'node:worker_threads'
import { sql } from 'kysely'
import type { AuditEntry } from '../../kernel/audit.ts'
import { heldClock } from '../../kernel/clock.ts'
import { createLog } from '../../kernel/log.ts'
import { temporaryFolder } from '../../testing/folder.ts'
import { openSqlite } from '../store/sqlite.ts'
import { openAuditLog, type AuditLog } from './audit-log.ts'
import type { AuditTables } from './audit-table.ts'
import { newKey } from './chain-keys.ts'
import { trailOf } from './trail.ts'
import { createWriterThread, type WriterThread } from './writer-thread.ts'

/** Enough for the thread. */
const MANY = 150

type Change = (thread: WriterThread) => WriterThread

/** An audit on a database in a file, with a thread that says how often it wrote. */
async function openAudit(t: TestContext, change: Change = (thread) => thread) {
  const clock = heldClock()
  const lines: string[] = []
  const log = createLog({ level: 'info', write: (line) => lines.push(line) })
  const file = join(temporaryFolder(t), 'alicia.db')
  const store = openSqlite({ file, log })
  const key = newKey()
  const real = createWriterThread({ file, clock })
  let written = 0
  const counting: WriterThread = {
    get isResting() {
      return real.isResting
    },
    async write(job) {
      const head = await real.write(job)
      written++
      return head
    },
    close: () => real.close(),
  }
  const thread = change(counting)
  const audit = await openAuditLog({ store, clock, log, keys: () => [key], thread, retentionDays: 30 })
  t.after(async () => {
    await audit.close()
    await store.close()
  })
  return { audit, clock, lines, file, store, written: () => written }
}

let count = 0
const entry = (more: Partial<AuditEntry> = {}): AuditEntry => ({
  requestId: `call-${++count}`,
  atMs: count,
  callerId: 'owner',
  callerName: 'Zoë 💡',
  via: 'rest',
  operation: 'lamps.get_level',
  provider: 'lamps',
  effect: 'read',
  outcome: 'ok',
  durationMs: 1.5,
  ...more,
})

const record = (audit: AuditLog, entries = MANY) => Array.from({ length: entries }, () => audit.record(entry()))

/** How many entries the chain has; it must be whole. */
async function counted(audit: AuditLog): Promise<number> {
  const { chains } = await trailOf(audit).verify({}, new AbortController().signal)
  const [chain] = chains
  assert.deepEqual(chain?.problems, [])
  return chain?.entries ?? 0
}

suite('large batches of the audit', () => {
  test('are written by the thread, small ones without it, and all are one chain', async (t) => {
    const { audit, clock, written } = await openAudit(t)
    for (const size of [MANY, 3, MANY]) {
      const kept = record(audit, size)
      clock.advance(100)
      await Promise.all(kept)
    }
    await audit.record(entry({ effect: 'write' }))
    assert.equal(written(), 2)
    assert.equal(await counted(audit), 2 * MANY + 4)
  })

  test('what changed something is on record when its promise says so', async (t) => {
    const { audit, written, file } = await openAudit(t)
    const reads = record(audit)
    await audit.record(entry({ effect: 'write', requestId: 'the-write' }))
    const reader = new DatabaseSync(file, { readOnly: true })
    t.after(() => reader.close())
    assert.ok(reader.prepare(`select 1 from audit where request_id = 'the-write'`).get())
    await Promise.all(reads)
    assert.equal(written(), 1)
  })

  test('a thread that fails: they are written without it, which is said', async (t) => {
    const { audit, clock, lines } = await openAudit(t, (thread) => ({
      ...thread,
      isResting: false,
      write: () => Promise.reject(new Error('It broke.')),
    }))
    const kept = record(audit)
    clock.advance(100)
    await Promise.all(kept)
    assert.equal(await counted(audit), MANY)
    assert.equal(lines.filter((line) => line.includes('the thread that writes the audit failed')).length, 1)
  })

  test('a thread that wrote them and could not say so: they are not written twice', async (t) => {
    const { audit, clock } = await openAudit(t, (thread) => ({
      ...thread,
      isResting: false,
      async write(job) {
        await thread.write(job)
        throw new Error('The answer was lost.')
      },
    }))
    const kept = record(audit)
    clock.advance(100)
    await Promise.all(kept)
    assert.equal(await counted(audit), MANY)
  })

  test('closing waits for what is being written', async (t) => {
    const { audit, clock, file } = await openAudit(t)
    record(audit)
    clock.advance(100)
    record(audit)
    await audit.close()
    const reader = new DatabaseSync(file, { readOnly: true })
    t.after(() => reader.close())
    assert.equal(reader.prepare('select count(*) as n from audit').get()?.['n'], 2 * MANY)
  })

  test('who follows the audit sees all of them', async (t) => {
    const { audit, clock, written } = await openAudit(t)
    let seen = 0
    audit.onCommit((links) => (seen += links.length))
    const kept = record(audit)
    clock.advance(100)
    await Promise.all(kept)
    assert.deepEqual([seen, written()], [MANY, 0])
  })

  test('who begins to follow while they are written sees them', async (t) => {
    const { audit, clock, written } = await openAudit(t)
    const kept = record(audit)
    clock.advance(100)
    let seen = 0
    audit.onCommit((links) => (seen += links.length))
    await Promise.all(kept)
    assert.deepEqual([seen, written()], [MANY, 1])
  })

  test('what is lost while the thread works and then fails is told in full', async (t) => {
    const failing = Promise.withResolvers<never>()
    const { audit, clock, store } = await openAudit(t, (thread) => ({
      ...thread,
      isResting: false,
      write: () => failing.promise,
    }))
    const db = store.as<AuditTables>()
    await sql`pragma query_only = on`.execute(db)
    record(audit)
    clock.advance(100)
    record(audit, 12_000)
    failing.reject(new Error('It broke.'))
    await new Promise(setImmediate)
    await sql`pragma query_only = off`.execute(db)
    await audit.close()
    const told = await db.selectFrom('audit').select('details').where('operation', '=', 'audit.lost').execute()
    const counts = told.map(({ details }) => (JSON.parse(details ?? '{}') as { count: number }).count)
    assert.ok(audit.lost() > 1000)
    assert.equal(
      counts.reduce((sum, each) => sum + each, 0),
      audit.lost(),
    )
  })

  test('the file was removed, or is another one: nothing is written there', async (t) => {
    const { audit, clock, file, written } = await openAudit(t)
    rmSync(file)
    const kept = record(audit)
    clock.advance(100)
    await Promise.all(kept)
    assert.equal(existsSync(file), false)
    assert.deepEqual([written(), await counted(audit)], [0, MANY])
  })
})

suite('the thread that writes the audit', () => {
  test('ends when it has nothing to do, and begins again', async (t) => {
    const { audit, clock, written } = await openAudit(t)
    for (let turn = 0; turn < 2; turn++) {
      const kept = record(audit)
      clock.advance(100)
      await Promise.all(kept)
      clock.advance(30_000)
    }
    assert.equal(written(), 2)
    assert.equal(await counted(audit), 2 * MANY)
  })

  test('that died while it had nothing to do is replaced', async (t) => {
    const workers: Worker[] = []
    const note = (worker: Worker) => void workers.push(worker)
    process.on('worker', note)
    t.after(() => process.off('worker', note))
    const { audit, clock, written } = await openAudit(t)
    for (let turn = 0; turn < 2; turn++) {
      const kept = record(audit)
      clock.advance(100)
      await Promise.all(kept)
      await workers[turn]?.terminate()
    }
    assert.deepEqual([workers.length, written(), await counted(audit)], [2, 2, 2 * MANY])
  })

  test('rests for a minute where it fails', async (t) => {
    const clock = heldClock()
    const thread = createWriterThread({ file: join(temporaryFolder(t), 'missing', 'alicia.db'), clock })
    const job = { head: { chain: 'a', seq: 0, bytes: 0, mac: '' }, key: newKey(), gathered: [] }
    assert.equal(thread.isResting, false)
    await assert.rejects(thread.write(job), /unable to open/)
    assert.equal(thread.isResting, true)
    clock.advance(60_000)
    assert.equal(thread.isResting, false)
    await thread.close()
  })
})
