import assert from 'node:assert/strict'
import { suite, test, type TestContext } from 'node:test'
import { openAuditLog } from '../../engines/audit/audit-log.ts'
import { newKey } from '../../engines/audit/chain-keys.ts'
import { trailOf } from '../../engines/audit/trail.ts'
import { openSqlite } from '../../engines/store/sqlite.ts'
import type { Caller } from '../../kernel/caller.ts'
import { heldClock } from '../../kernel/clock.ts'
import { silentLog } from '../../kernel/log.ts'
import type { PeopleKeeper } from '../../kernel/people.ts'
import type { Progress } from '../../kernel/tool.ts'
import { callerWith, owner, testDoor } from '../../testing/hub.ts'
import { audit } from './index.ts'

const people = Object.assign(Object.create(null) as PeopleKeeper, {
  named: (name: string) => (name === 'kim' ? { id: 'person-kim' } : undefined),
})

/** The service in a door whose calls it reads. */
async function startDoor(t: TestContext) {
  const clock = heldClock()
  const store = openSqlite({ file: ':memory:', log: silentLog })
  const key = newKey()
  const log = await openAuditLog({ store, clock, log: silentLog, keys: () => [key], retentionDays: 30 })
  const door = testDoor([], { clock, audit: log })
  const { registry, events } = door
  const part = audit.join({ clock, events, log: silentLog }, registry, () => ({ status: 'available', sinceMs: 0 }))
  await part.start({ trail: trailOf(log), people }, new AbortController().signal)
  t.after(async () => {
    await log.close()
    await store.close()
  })
  const call = async (operation: string, input: object = {}, caller: Caller = owner) =>
    (await door.invoke({ operation, input, caller })) as Record<string, unknown>
  const write = (operation: string, at: number) =>
    log.record({
      requestId: `call-${at}`,
      atMs: clock.now() + at,
      callerId: 'person-ada',
      callerName: 'Ada',
      via: 'mcp',
      operation,
      provider: 'lamps',
      effect: 'write',
      outcome: 'ok',
      durationMs: 1,
      details: { approvedBy: 'owner', arguments: { level: at } },
    })
  return { clock, door, call, write, log }
}

suite('audit service', () => {
  test('an entry as callers see it; reading is on record too', async (t) => {
    const { call, write, clock, log } = await startDoor(t)
    await write('lamps.set_level', 1)
    const { entries } = (await call('search_audit', { caller: 'Ada' })) as { entries: object[] }
    assert.deepEqual(entries, [
      {
        at: new Date(clock.now() + 1).toISOString(),
        operation: 'lamps.set_level',
        outcome: 'ok',
        effect: 'write',
        caller: 'person-ada',
        caller_name: 'Ada',
        via: 'mcp',
        provider: 'lamps',
        ms: 1,
        request_id: 'call-1',
        approved_by: 'owner',
        arguments: { level: 1 },
        seq: 1,
        chain: log.heads()[0]?.chain,
      },
    ])
    clock.advance(100)
    await write('lamps.set_level', 2)
    assert.partialDeepStrictEqual(await call('search_audit', { operation: 'audit.*' }), {
      entries: [{ operation: 'audit.search_audit', caller: 'owner' }],
    })
  })

  test('what somebody did is found by their name, whatever token they came by', async (t) => {
    const { call, log, clock } = await startDoor(t)
    await log.record({
      requestId: 'call-1',
      atMs: clock.now(),
      callerId: 'token-1',
      callerName: 'the tablet',
      person: 'person-kim',
      via: 'mcp',
      operation: 'lamps.set_level',
      provider: 'lamps',
      effect: 'write',
      outcome: 'ok',
      durationMs: 1,
    })
    for (const [person, count] of [
      ['kim', 1],
      ['person-kim', 1],
      ['mia', 0],
    ])
      assert.partialDeepStrictEqual(await call('count_audit', { person }), { count })
    const { entries } = (await call('search_audit', { person: 'kim' })) as { entries: object[] }
    assert.partialDeepStrictEqual(entries, [{ request_id: 'call-1', caller_name: 'the tablet' }])
  })

  test('pages, counts and times', async (t) => {
    const { call, write, clock } = await startDoor(t)
    for (let at = 1; at <= 5; at++) await write(at < 4 ? 'lamps.set_level' : 'lamps.off', at)
    const first = (await call('search_audit', { limit: 3 })) as { entries: { request_id: string }[]; cursor: string }
    const second = (await call('search_audit', { limit: 3, cursor: first.cursor })) as typeof first
    const ids = [...first.entries, ...second.entries].map(({ request_id: id }) => id)
    assert.deepEqual(ids.slice(0, 5), ['call-5', 'call-4', 'call-3', 'call-2', 'call-1'])
    assert.deepEqual(await call('count_audit', { by: 'operation', operation: 'lamps.*' }), {
      count: 5,
      groups: [
        { of: 'lamps.set_level', count: 3, failed: 0 },
        { of: 'lamps.off', count: 2, failed: 0 },
      ],
    })
    const from = new Date(clock.now() + 2).toISOString()
    const to = new Date(clock.now() + 4).toISOString()
    assert.partialDeepStrictEqual(await call('count_audit', { from, to }), { count: 2 })
  })

  test('verification and export', async (t) => {
    const { call, write } = await startDoor(t)
    for (let at = 1; at <= 5; at++) await write('lamps.set_level', at)
    assert.partialDeepStrictEqual(await call('verify_audit'), {
      is_sound: true,
      chains: [{ is_own: true, entries: 5, last_seq: 5, problems: [] }],
    })
    const page = (await call('export_audit', { limit: 3 })) as { lines: { line: string }[]; next: string }
    assert.deepEqual(
      page.lines.map(({ line }) => line),
      ['chain', 'entry', 'entry', 'entry'],
    )
    const rest = (await call('export_audit', { limit: 3, place: page.next })) as typeof page
    assert.deepEqual(
      rest.lines.map(({ line }) => line),
      ['entry', 'entry', 'end'],
    )
  })

  test('entries are told as they are written, until the time is over or nobody listens', async (t) => {
    const { door, write, clock } = await startDoor(t)
    const heard: unknown[] = []
    const emit = ({ data }: Progress) => heard.push(...(data as { entries: { request_id: string }[] }).entries)
    const following = door.invoke({ operation: 'follow_audit', input: { seconds: 10 }, caller: owner, emit })
    await new Promise(setImmediate)
    await write('lamps.set_level', 1)
    clock.advance(10_000)
    assert.deepEqual(await following, { told: 1 })
    assert.equal(heard.length, 1)
    const gone = new AbortController()
    const left = door.invoke({ operation: 'follow_audit', input: {}, caller: owner, signal: gone.signal })
    await new Promise(setImmediate)
    gone.abort()
    await assert.rejects(left, { code: 'cancelled' })
  })

  test('not for those who may not', async (t) => {
    const { call } = await startDoor(t)
    for (const operation of ['search_audit', 'count_audit', 'verify_audit', 'export_audit', 'follow_audit'])
      await assert.rejects(call(operation, {}, callerWith('mqtt:*', 'health:read')), { code: 'forbidden' })
  })
})
