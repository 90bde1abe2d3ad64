import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import type { AuditEntry } from '../../kernel/audit.ts'
import { heldClock } from '../../kernel/clock.ts'
import { silentLog } from '../../kernel/log.ts'
import { startPostgres, type PostgresServer } from '../../testing/postgres.ts'
import { openAuditLog } from './audit-log.ts'
import { newKey } from './chain-keys.ts'
import { openPostgres } from '../store/postgres.ts'

const entry = (requestId: string, atMs: number): AuditEntry => ({
  requestId,
  atMs,
  callerId: 'owner',
  via: 'mqtt',
  operation: 'lamps.set_level',
  provider: 'lamps',
  effect: 'write',
  outcome: 'upstream_failed',
  durationMs: 0.125,
})

suite('audit on PostgreSQL', () => {
  let server: PostgresServer
  before(async () => {
    server = await startPostgres()
  })
  after(() => server.stop())

  test('is kept, outlasts the server going away, and is pruned', async () => {
    const store = await openPostgres({ url: server.url(), log: silentLog })
    const clock = heldClock()
    const key = newKey()
    const audit = await openAuditLog({ store, clock, log: silentLog, keys: () => [key], retentionDays: 1 })
    const stored = async () => {
      const db = store.as<{ audit: { request_id: string; duration_ms: number } }>()
      return db.selectFrom('audit').select(['request_id', 'duration_ms']).orderBy('request_id').execute()
    }
    await Promise.all(Array.from({ length: 1200 }, () => audit.record(entry('a\0', clock.now()))))
    assert.equal((await stored()).length, 1200)
    await server.kill()
    await assert.rejects(audit.record(entry('b', clock.now())), { code: 'unavailable' })
    await server.start()
    clock.advance(1000)
    await audit.record(entry('c', clock.now())).catch(() => undefined)
    await audit.close()
    assert.deepEqual((await stored()).slice(1199), [
      { request_id: 'a\\u{0}', duration_ms: 0.125 },
      { request_id: 'b', duration_ms: 0.125 },
      { request_id: 'c', duration_ms: 0.125 },
    ])
    clock.advance(2 * 86_400_000)
    const next = await openAuditLog({ store, clock, log: silentLog, keys: () => [key], retentionDays: 1 })
    while ((await stored()).length > 0) await new Promise(setImmediate)
    await next.close()
    await store.close()
  })
})
