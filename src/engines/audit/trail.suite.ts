import assert from 'node:assert/strict'
import { join } from 'node:path'
import { suite, test, type TestContext } from 'node:test'
import { sql, type KyselyPlugin } from 'kysely'
import type { AuditEntry } from '../../kernel/audit.ts'
import { heldClock } from '../../kernel/clock.ts'
import { Fault } from '../../kernel/fault.ts'
import { silentLog } from '../../kernel/log.ts'
import type { Store } from '../../kernel/ports.ts'
import type { Trail, TrailFilter } from '../../kernel/trail.ts'
import { temporaryFolder } from '../../testing/folder.ts'
import { openAuditLog, type AuditLog } from './audit-log.ts'
import type { AuditTables } from './audit-table.ts'
import { newKey } from './chain-keys.ts'
import type { Head } from './chain.ts'
import { COLUMNS } from './columns.ts'
import { verifyLines } from './lines.ts'
import { trailOf } from './trail.ts'

type OpenStore = Store & { close(): Promise<void> }

/** A database of its own for each test. */
export type OpenEmpty = (t: TestContext) => Promise<OpenStore>

const ENTRIES = 12
const key = newKey()
const DAY_MS = 86_400_000

const turn = () => new Promise(setImmediate)
const never = () => new AbortController().signal

async function openAudit(t: TestContext, openStore: OpenEmpty, kept: { text?: string } = {}) {
  const store = await openStore(t)
  const clock = heldClock()
  // The end of the chain is what the test says, not what was written.
  const headFile = { path: join(temporaryFolder(t), 'head.json'), read: () => kept.text }
  const open = () => openAuditLog({ store, clock, log: silentLog, keys: () => [key], headFile, retentionDays: 30 })
  const db = store.as<AuditTables>()
  return { store, clock, open, db }
}

const entry = (at: number, more: Partial<AuditEntry> = {}): AuditEntry => ({
  requestId: `call-${at}`,
  atMs: Date.UTC(2026, 0, 1) + at,
  callerId: at % 2 === 0 ? 'person-ada' : 'person-bob',
  callerName: at % 2 === 0 ? 'Ada' : 'Bob',
  person: at % 2 === 0 ? 'person-ada' : 'person-bob',
  credential: 'token-1',
  role: 'adult',
  via: 'rest',
  address: '192.0.2.7',
  operation: 'lamps.set_level',
  provider: 'lamps',
  effect: 'write',
  outcome: 'ok',
  durationMs: 1.25,
  traceId: 'f'.repeat(32),
  details: { arguments: { level: at } },
  ...more,
})

async function write(audit: AuditLog, from: number, to: number): Promise<void> {
  for (let at = from; at <= to; at++) await audit.record(entry(at))
}

/** What a verification finds: `changed 5`, `removed 3-4`. */
async function found(trail: Trail, range: Pick<TrailFilter, 'fromMs' | 'toMs'> = {}): Promise<string[]> {
  const report = await trail.verify(range, never())
  const told = report.chains.flatMap(({ problems }) =>
    problems.map(({ is, seq, toSeq }) => `${is} ${seq}${toSeq === undefined ? '' : `-${toSeq}`}`),
  )
  if (report.strays > 0) told.push(`strays ${report.strays}`)
  assert.equal(report.isSound, told.length === 0)
  return told
}

/** What every database that the audit lies in does. */
export function trailSuite(name: string, openStore: OpenEmpty): void {
  const start = async (t: TestContext) => {
    const { open, ...rest } = await openAudit(t, openStore)
    const audit = await open()
    t.after(() => audit.close())
    await write(audit, 1, ENTRIES)
    return { ...rest, audit, trail: trailOf(audit) }
  }

  suite(`audit that shows tampering, on ${name}`, () => {
    test('what nobody touched is sound', async (t) => {
      const { trail, audit } = await start(t)
      const report = await trail.verify({}, never())
      const [head] = audit.heads()
      assert.deepEqual(report, {
        isSound: true,
        beforeChain: 0,
        strays: 0,
        chains: [
          {
            chain: head?.chain,
            isOwn: true,
            entries: ENTRIES,
            firstSeq: 1,
            lastSeq: ENTRIES,
            lastMac: head?.mac,
            prunedSeq: 0,
            unnoted: 0,
            isForeign: false,
            problems: [],
            problemCount: 0,
          },
        ],
      })
    })

    for (const column of COLUMNS)
      test(`a changed ${column} shows`, async (t) => {
        const { trail, db } = await start(t)
        const numbers: readonly string[] = ['at_ms', 'duration_ms', 'seq', 'bytes']
        const value = numbers.includes(column) ? sql`${sql.ref(column)} + 1000` : sql`${sql.ref(column)} || 'x'`
        await sql`update audit set ${sql.ref(column)} = ${value} where seq = 5`.execute(db)
        const expected: Record<string, string[]> = {
          chain: ['removed 5', 'strays 1'],
          seq: ['removed 5', 'cut_off 1005'],
        }
        const shown = await found(trail)
        if (column === 'seq') assert.deepEqual(shown.slice(0, 2), ['removed 5', 'removed 13-1004'])
        else assert.deepEqual(shown, expected[column] ?? ['changed 5'])
      })

    test('a column that is emptied, or filled where it was empty, shows', async (t) => {
      const { trail, db, audit } = await start(t)
      const { address: _, details: __, ...bare } = entry(13)
      await audit.record(bare)
      await sql`update audit set address = null where seq = 2`.execute(db)
      await sql`update audit set address = '' where seq = 13`.execute(db)
      assert.deepEqual(await found(trail), ['changed 2', 'changed 13'])
    })

    type Tampering = readonly [
      what: string,
      how: (run: (text: string) => Promise<unknown>) => Promise<unknown>,
      found: string[],
    ]
    const swap = async (run: (text: string) => Promise<unknown>) => {
      await run('update audit set seq = -1 where seq = 5')
      await run('update audit set seq = 5 where seq = 6')
      return await run('update audit set seq = 6 where seq = -1')
    }
    const columns = COLUMNS.filter((column) => column !== 'seq').join(',')
    const shiftUp = async (run: (text: string) => Promise<unknown>) => {
      for (let seq = ENTRIES; seq >= 5; seq--) await run(`update audit set seq = ${seq + 1} where seq = ${seq}`)
    }
    const tamperings: readonly Tampering[] = [
      ['one is deleted', (run) => run('delete from audit where seq = 5'), ['removed 5']],
      ['several are deleted', (run) => run('delete from audit where seq in (5, 6, 7)'), ['removed 5-7']],
      ['the first ones are deleted', (run) => run('delete from audit where seq < 4'), ['removed 1-3']],
      ['the end is cut off', (run) => run('delete from audit where seq > 9'), ['cut_off 10-12']],
      ['all are deleted', (run) => run('delete from audit'), ['cut_off 1-12']],
      ['two change places', swap, ['reordered 5-6']],
      [
        'one is deleted and the rest moves up',
        async (run) => {
          await run('delete from audit where seq = 5')
          for (let seq = 6; seq <= ENTRIES; seq++) await run(`update audit set seq = ${seq - 1} where seq = ${seq}`)
        },
        ['removed 5', 'cut_off 12'],
      ],
      [
        'a copy is put in between',
        async (run) => {
          await shiftUp(run)
          await run(`insert into audit (${columns}, seq) select ${columns}, 5 from audit where seq = 9`)
        },
        ['inserted 5', 'replaced 12'],
      ],
      [
        'one is put at a place that is taken',
        async (run) => {
          await run('drop index audit_chain')
          await run(`insert into audit (${columns}, seq) select ${columns}, 5 from audit where seq = 9`)
        },
        ['inserted 5'],
      ],
      [
        'one is put before the beginning',
        (run) => run(`insert into audit (${columns}, seq) select ${columns}, 0 from audit where seq = 9`),
        ['inserted 0'],
      ],
      [
        'one is put outside of every chain',
        (run) => run(`update audit set chain = null where seq = 5`),
        ['removed 5', 'strays 1'],
      ],
      [
        'the beginning is deleted, and the note of where pruning ended changed to fit',
        async (run) => {
          await run(
            'update audit_chains set pruned_seq = 4, pruned_mac = (select mac from audit where seq = 4), pruned_bytes = (select bytes from audit where seq = 4)',
          )
          await run('delete from audit where seq <= 4')
        },
        ['anchor 4'],
      ],
      ['the chain is forgotten', (run) => run('delete from audit_chains'), ['cut_off 1-12', 'strays 12']],
    ]
    for (const [what, how, shown] of tamperings)
      test(what, async (t) => {
        const { trail, db } = await start(t)
        await how((text) => sql.raw(text).execute(db))
        assert.deepEqual(await found(trail), shown)
      })

    test('what somebody signs with a key of their own shows', async (t) => {
      const { trail, db } = await start(t)
      await sql`update audit set mac = ${`deadbeef.${'A'.repeat(43)}`} where seq = 5`.execute(db)
      assert.deepEqual(await found(trail), ['changed 5'])
      await sql`update audit set mac = ${`deadbeef.${'A'.repeat(43)}`} where seq > 7`.execute(db)
      assert.deepEqual(await found(trail), ['changed 5', 'unknown_key 8', 'replaced 12'])
    })

    test('a chain of before that is signed anew as a whole shows, where no other hub can be', async (t) => {
      const { trail, db, audit } = await start(t)
      const resign = sql`'deadbeef' || substr(mac, 9)`
      await sql`update audit set chain = 'abcdef', mac = ${resign}`.execute(db)
      await sql`update audit_chains set chain = 'abcdef', signature = ${sql`'deadbeef' || substr(signature, 9)`}`.execute(
        db,
      )
      const gone = 'cut_off 1-12'
      assert.deepEqual(await found(trail), audit.table.isShared ? [gone] : ['unknown_key 1', gone])
    })

    test('a stretch of time is verified alone', async (t) => {
      const { trail, db } = await start(t)
      await sql`update audit set operation = 'x' where seq = 5`.execute(db)
      const base = Date.UTC(2026, 0, 1)
      assert.deepEqual(await found(trail, { fromMs: base + 7 }), [])
      assert.deepEqual(await found(trail, { toMs: base + 5 }), [])
      assert.deepEqual(await found(trail, { fromMs: base + 4, toMs: base + 7 }), ['changed 5'])
    })

    test('after pruning it is sound; what was pruned is not missed', async (t) => {
      const { open, clock } = await openAudit(t, openStore)
      const first = await open()
      await write(first, 1, 5)
      clock.advance(20 * DAY_MS)
      await first.record(entry(6, { atMs: clock.now() }))
      clock.advance(11 * DAY_MS)
      while ((await first.table.chains())[0]?.pruned_seq !== 5) await turn()
      const report = await trailOf(first).verify({}, never())
      assert.partialDeepStrictEqual(report, { isSound: true, chains: [{ entries: 1, firstSeq: 6, prunedSeq: 5 }] })
      await first.close()
    })

    test('an older database is missed by what is known outside of it, and the chain goes on after the gap', async (t) => {
      const kept: { text?: string } = {}
      const { open, db } = await openAudit(t, openStore, kept)
      const first = await open()
      await write(first, 1, 8)
      const [head] = first.heads()
      kept.text = JSON.stringify({ heads: [head] })
      await first.close()
      await sql`delete from audit where seq > 5`.execute(db)
      const second = await open()
      await second.record(entry(9))
      assert.deepEqual(await found(trailOf(second)), ['removed 6-8'])
      const { entries } = await trailOf(second).search({ operation: 'audit.*' }, { most: 5 }, never())
      assert.deepEqual(
        entries.map(({ operation, details, seq }) => [operation, details, seq]),
        [['audit.gap', { count: 3, arguments: { from: 6, to: 8 } }, 9]],
      )
      await second.close()
    })

    test('an entry that was signed at that place in another history shows', async (t) => {
      const kept: { text?: string } = {}
      const { open, db } = await openAudit(t, openStore, kept)
      const first = await open()
      await write(first, 1, 5)
      kept.text = JSON.stringify({ heads: first.heads() })
      await write(first, 6, 8)
      const other = await db.selectFrom('audit').selectAll().where('seq', '=', 7).executeTakeFirstOrThrow()
      await first.close()
      // Database and note are put back together: the hub signs the same places once more.
      await sql`delete from audit where seq > 5`.execute(db)
      const second = await open()
      await write(second, 9, 11)
      assert.deepEqual(await found(trailOf(second)), [])
      await db.updateTable('audit').set(other).where('seq', '=', 7).execute()
      assert.equal((await found(trailOf(second)))[0], 'changed 7')
      await second.close()
    })

    test('killed before it noted the end, it goes on after what it wrote', async (t) => {
      const kept: { text?: string } = {}
      const { open } = await openAudit(t, openStore, kept)
      const first = await open()
      await write(first, 1, 4)
      kept.text = JSON.stringify({ heads: first.heads() })
      await write(first, 5, 7)
      const [noted] = (JSON.parse(kept.text) as { heads: Head[] }).heads
      const second = await open()
      await second.record(entry(8))
      assert.deepEqual([noted?.seq, second.heads()[0]?.seq, await found(trailOf(second))], [4, 8, []])
      await Promise.all([first.close(), second.close()])
    })

    test('a commit that was not heard of is not written twice', async (t) => {
      const { store, clock } = await openAudit(t, openStore)
      let isSilent = false
      // The connection breaks between the commit and the answer, once.
      const breaking: KyselyPlugin = {
        transformQuery: ({ node }) => node,
        async transformResult({ result }) {
          if (isSilent) throw new Fault('unavailable', 'the connection broke')
          return result
        },
      }
      const deaf: Store = { ...store, as: <Tables>() => store.as<Tables>().withPlugin(breaking) }
      const audit = await openAuditLog({ store: deaf, clock, log: silentLog, keys: () => [key], retentionDays: 30 })
      await turn()
      isSilent = true
      await assert.rejects(audit.record(entry(1)), { code: 'unavailable' })
      isSilent = false
      clock.advance(1000)
      await audit.record(entry(2)).catch(() => undefined)
      await audit.close()
      assert.equal((await audit.table.tail(audit.heads()[0]?.chain ?? ''))?.seq, 2)
      assert.deepEqual(await found(trailOf(audit)), [])
    })

    test('where another hub writes to its chain, a copy of its folder, it begins a new one', async (t) => {
      const { open, db } = await openAudit(t, openStore)
      const audit = await open()
      await write(audit, 1, 2)
      const taken = await db.selectFrom('audit').selectAll().where('seq', '=', 2).executeTakeFirstOrThrow()
      await db
        .insertInto('audit')
        .values({ ...taken, seq: 3, mac: 'deadbeef.x' })
        .execute()
      await audit.record(entry(3))
      const chains = await audit.table.chains()
      assert.equal(chains.length, 2)
      assert.equal((await audit.table.tail(audit.heads()[0]?.chain ?? ''))?.seq, 1)
      await audit.close()
    })

    test('two hubs on one database have a chain each, and prune both', async (t) => {
      const { open, clock } = await openAudit(t, openStore)
      const [one, two] = [await open(), await open()]
      await Promise.all([write(one, 1, 20), write(two, 21, 40)])
      assert.deepEqual([await found(trailOf(one)), await found(trailOf(two))], [[], []])
      clock.advance(40 * DAY_MS)
      while ((await trailOf(one).search({}, { most: 1 }, never())).entries.length > 0) await turn()
      assert.deepEqual([await found(trailOf(one)), await found(trailOf(two))], [[], []])
      await Promise.all([one.close(), two.close()])
    })

    test('entries from before there was a chain are counted as such', async (t) => {
      const { open, store, db } = await openAudit(t, openStore)
      const { MIGRATIONS } = await import('./migrations.ts')
      await store.migrate('audit', MIGRATIONS.slice(0, 1))
      await sql`insert into audit (at_ms, request_id, caller_id, via, operation, provider, effect, outcome, duration_ms)
        values (1000, 'old', 'owner', 'rest', 'lamps.set_level', 'lamps', 'write', 'ok', 0.5)`.execute(db)
      const audit = await open()
      // It is too old, and would be pruned: it counts before.
      const report = trailOf(audit).verify({}, never())
      assert.partialDeepStrictEqual(await report, { isSound: true, strays: 0 })
      await audit.close()
    })

    test('a new key continues the chain; without the old one nothing of its time can be verified', async (t) => {
      const store = await openStore(t)
      const keys = [newKey()]
      const clock = heldClock()
      const audit = await openAuditLog({ store, clock, log: silentLog, keys: () => keys, retentionDays: 30 })
      await write(audit, 1, 3)
      keys.unshift(newKey())
      await write(audit, 4, 6)
      assert.deepEqual(await found(trailOf(audit)), [])
      keys.pop()
      assert.deepEqual(await found(trailOf(audit)), ['anchor 0', 'unknown_key 1'])
      await audit.close()
    })
  })

  suite(`search in the audit on ${name}`, () => {
    const start = async (t: TestContext) => {
      const { open } = await openAudit(t, openStore)
      const audit = await open()
      t.after(() => audit.close())
      await write(audit, 1, 6)
      await audit.record(entry(7, { operation: 'mqtt.publish_message', provider: 'mqtt', outcome: 'forbidden' }))
      await audit.record(entry(8, { details: { within: 'call-7', arguments: { note: '100%_done\\' } } }))
      const { person: _, ...event } = entry(9, {
        effect: 'event',
        operation: 'login.failed',
        outcome: 'unauthenticated',
      })
      await audit.record({ ...event, details: { count: 40 } })
      return trailOf(audit)
    }
    const at = (ms: number) => Date.UTC(2026, 0, 1) + ms
    const table: readonly [what: string, filter: TrailFilter, calls: number[]][] = [
      ['everything, newest first', {}, [9, 8, 7, 6, 5, 4, 3, 2, 1]],
      ['by caller', { caller: 'person-ada' }, [8, 6, 4, 2]],
      ['by the name of the caller', { caller: 'Bob' }, [9, 7, 5, 3, 1]],
      ['by person', { person: 'person-ada' }, [8, 6, 4, 2]],
      ['by person, with what is no call of theirs', { person: 'person-bob' }, [9, 7, 5, 3, 1]],
      ['by operation', { operation: 'mqtt.publish_message' }, [7]],
      ['by the beginning of an operation', { operation: 'mqtt.*' }, [7]],
      ['a pattern of SQL is none', { operation: 'mqtt_publish*' }, []],
      ['by provider', { provider: 'lamps', outcome: 'ok', fromMs: at(5) }, [8, 6, 5]],
      ['by effect', { effect: 'event' }, [9]],
      ['what failed', { outcome: 'failed' }, [9, 7]],
      ['by outcome', { outcome: 'forbidden' }, [7]],
      ['by address', { address: '192.0.2.8' }, []],
      ['a call and those for its sake', { requestId: 'call-7' }, [8, 7]],
      ['by time', { fromMs: at(3), toMs: at(5) }, [4, 3]],
      ['by text', { text: '100%_DONE' }, [8]],
      ['by text that is a pattern elsewhere', { text: '1%d' }, []],
    ]
    for (const [what, filter, calls] of table)
      test(what, async (t) => {
        const { entries } = await (await start(t)).search(filter, { most: 100 }, never())
        assert.deepEqual(
          entries.map(({ requestId }) => Number(requestId.split('-')[1])),
          calls,
        )
      })

    test('page by page, also through entries of one moment', async (t) => {
      const { open } = await openAudit(t, openStore)
      const audit = await open()
      const all = Array.from({ length: 25 }, (_, number) =>
        entry(Math.floor(number / 10), { requestId: `n-${number}` }),
      )
      for (const one of all) await audit.record(one)
      const seen: string[] = []
      let cursor: string | undefined
      do {
        const page = await trailOf(audit).search({}, { most: 4, ...(cursor !== undefined && { cursor }) }, never())
        assert.ok(page.entries.length <= 4)
        seen.push(...page.entries.map(({ requestId }) => requestId))
        cursor = page.cursor
      } while (cursor !== undefined)
      assert.deepEqual(seen, all.map(({ requestId }) => requestId).reverse())
      await assert.rejects(trailOf(audit).search({}, { most: 4, cursor: "1' or 1=1" }, never()), {
        code: 'invalid_input',
      })
      await audit.close()
    })

    test('counted, by what', async (t) => {
      const trail = await start(t)
      assert.deepEqual(await trail.count({ outcome: 'failed' }, undefined, never()), { count: 41, groups: [] })
      assert.deepEqual(await trail.count({}, 'operation', never()), {
        count: 48,
        groups: [
          { of: 'login.failed', count: 40, failed: 40 },
          { of: 'lamps.set_level', count: 7, failed: 0 },
          { of: 'mqtt.publish_message', count: 1, failed: 1 },
        ],
      })
    })

    test('more entries than are looked at at once', async (t) => {
      const { open } = await openAudit(t, openStore)
      const audit = await open()
      await Promise.all(Array.from({ length: 9000 }, (_, number) => audit.record(entry(number % 3000))))
      await audit.record(entry(1, { operation: 'needle.find' }))
      const trail = trailOf(audit)
      const { entries } = await trail.search({ operation: 'needle.find' }, { most: 5 }, never())
      assert.equal(entries.length, 1)
      assert.equal((await trail.count({}, undefined, never())).count, 9001)
      assert.deepEqual(await found(trail), [])
      const gone = new AbortController()
      gone.abort(new Error('gone'))
      await assert.rejects(trail.search({ text: 'x' }, { most: 1 }, gone.signal), /gone/)
      await assert.rejects(trail.verify({}, gone.signal), /gone/)
      await audit.close()
    })

    test('followed as it is written', async (t) => {
      const { open } = await openAudit(t, openStore)
      const audit = await open()
      const heard: unknown[] = []
      const end = trailOf(audit).follow((entries) =>
        heard.push(...entries.map(({ requestId, seq }) => [requestId, seq])),
      )
      await write(audit, 1, 2)
      end()
      await write(audit, 3, 3)
      assert.deepEqual(heard, [
        ['call-1', 1],
        ['call-2', 2],
      ])
      await audit.close()
    })
  })

  suite(`export of the audit on ${name}`, () => {
    const exported = async (trail: Trail): Promise<string[]> => {
      const made: string[] = []
      let from: string | undefined
      do {
        const { lines, next } = await trail.lines(from, 5)
        made.push(...lines.map((line) => JSON.stringify(line)))
        from = next
      } while (from !== undefined)
      return made
    }
    const verified = async (audit: AuditLog, lines: readonly string[]) => {
      const { chains, strays } = await verifyLines(
        audit.signer,
        (async function* () {
          yield* lines
        })(),
      )
      return [
        ...chains.flatMap(({ problems }) => problems.map(({ is, seq }) => `${is} ${seq}`)),
        ...(strays > 0 ? [`strays ${strays}`] : []),
      ]
    }

    test('can be verified elsewhere, and shows what was changed in it', async (t) => {
      const { audit, trail } = await start(t)
      const lines = await exported(trail)
      assert.equal(lines.length, ENTRIES + 2)
      assert.deepEqual(await verified(audit, lines), [])
      assert.deepEqual(
        await verified(audit, lines.with(3, (lines[3] ?? '').replace('Ada', 'Eve').replace('Bob', 'Eve'))),
        ['changed 3'],
      )
      assert.deepEqual(await verified(audit, lines.toSpliced(4, 1)), ['removed 4'])
      assert.deepEqual(await verified(audit, lines.toSpliced(-2, 1)), ['cut_off 12'])
      assert.deepEqual(await verified(audit, lines.slice(1)), ['strays 13'])
      const shorter = [...lines.slice(0, -2), (lines.at(-1) ?? '').replace('"seq":12', '"seq":11')]
      assert.deepEqual(await verified(audit, shorter), ['replaced 11'])
      const resigned = lines.map((line) => line.replaceAll(/"[0-9a-f]{8}\./g, '"deadbeef.')).slice(0, -1)
      assert.deepEqual(await verified(audit, resigned), ['unknown_key 1'])
      for (const none of ['{"a":1}', '{"line":"chain"}', '{"line":"entry"}', '{"line":"end","chain":[]}', '[]', '{'])
        await assert.rejects(verified(audit, [...lines, none]), { code: 'invalid_input', message: /Line 15/ })
      await assert.rejects(trail.lines('x;y', 5), { code: 'invalid_input' })
    })
  })
}
