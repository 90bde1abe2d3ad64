import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test, type TestContext } from 'node:test'
import { openAuditLog } from '../../engines/audit/audit-log.ts'
import { newKey } from '../../engines/audit/chain-keys.ts'
import { verifyLines } from '../../engines/audit/lines.ts'
import { trailOf } from '../../engines/audit/trail.ts'
import { openSqlite } from '../../engines/store/sqlite.ts'
import { heldClock, systemClock } from '../../kernel/clock.ts'
import { silentLog } from '../../kernel/log.ts'
import { countAudit, exportAudit, followAudit, searchAudit, verifyAudit } from '../../services/audit/operations.ts'
import { temporaryFolder } from '../../testing/folder.ts'
import { OWNER_TOKEN, restServer } from '../../testing/rest-server.ts'
import { NO_SERVERS } from '../../testing/server-files.ts'
import { testTerminal } from '../../testing/terminal.ts'
import { entryLine } from './audit-lines.ts'
import { createCli } from './cli.ts'
import type { Composition, HubConfig } from './hub.ts'
import { PLAIN } from './style.ts'
import { timeOf } from './time.ts'

const CONFIG: HubConfig = {
  data: '/data',
  mcpFiles: ['/data/mcp.json'],
  host: '127.0.0.1',
  port: 0,
  demo: false,
  log: { level: 'info' },
  database: {},
  broker: { kind: 'embedded' },
}

/** The command line at the real operations, on an audit with three entries. */
async function home(t: TestContext) {
  const clock = heldClock()
  const store = openSqlite({ file: ':memory:', log: silentLog })
  const key = newKey()
  const log = await openAuditLog({ store, clock, log: silentLog, keys: () => [key], retentionDays: 30 })
  t.after(async () => {
    await log.close()
    await store.close()
  })
  const record = (at: number, operation: string, callerName: string) =>
    log.record({
      requestId: `call-${at}`,
      atMs: clock.now() + at,
      callerId: `person-${at}`,
      callerName,
      via: 'mcp',
      address: '192.0.2.1',
      operation,
      provider: 'lamps',
      effect: 'write',
      outcome: at === 3 ? 'forbidden' : 'ok',
      durationMs: at,
      ...(at === 2 && { details: { arguments: { level: 7 }, approvedBy: 'owner' } }),
    })
  await record(1, 'lamps.off', 'Ada')
  await record(2, 'lamps.dim', 'Bob')
  await record(3, 'lamps.on', 'Eve\u001b[2J\nroot')
  const trail = trailOf(log)
  const tools = [searchAudit, countAudit, verifyAudit, exportAudit, followAudit]
  const { url } = await restServer(
    t,
    tools.map((operation) => operation.bind({ trail, people: { named: () => undefined }, clock: systemClock })),
  )
  const audit: Composition<HubConfig>['audit'] = {
    verify: (_, __, signal) => trail.verify({}, signal),
    verifyLines: (_, lines) => verifyLines(log.signer, lines),
  }
  const run = async (args: readonly string[], isRunning = true) => {
    const terminal = testTerminal()
    const cli = createCli(
      {
        version: '1.2.3',
        flags: [],
        loadConfig: () => CONFIG,
        startHub: () => assert.fail(),
        findHub: () => (isRunning ? { pid: 1, url, version: '1.2.3' } : undefined),
        readToken: () => OWNER_TOKEN,
        rotateToken: () => assert.fail(),
        checkDatabase: () => assert.fail(),
        servers: () => NO_SERVERS,
        audit,
      },
      terminal,
    )
    return { terminal, done: cli.run(args) }
  }
  const ran = async (args: readonly string[], isRunning = true) => {
    const { terminal, done } = await run(args, isRunning)
    return { code: await done, out: terminal.out(), err: terminal.err() }
  }
  return { run, ran, record, store, folder: temporaryFolder(t) }
}

suite('audit on the command line', () => {
  test('the newest last, a line each, whatever stands in it', async (t) => {
    const { ran } = await home(t)
    const { code, out } = await ran(['audit'])
    assert.equal(code, 0)
    assert.deepEqual(out.split('\n'), [
      '2026-01-01T00:00:00.001Z  Ada  lamps.off  ok  1.0 ms  (mcp 192.0.2.1)',
      '2026-01-01T00:00:00.002Z  Bob  lamps.dim  ok  2.0 ms  (mcp 192.0.2.1)  allowed by owner  {"level":7}',
      String.raw`2026-01-01T00:00:00.003Z  Eve\u{1b}[2J\u{a}root  lamps.on  forbidden  3.0 ms  (mcp 192.0.2.1)`,
      '',
    ])
  })

  test('filters, limits, JSON lines', async (t) => {
    const { ran } = await home(t)
    const callers = async (...args: string[]) =>
      (await ran(['audit', '--json', ...args])).out
        .split('\n')
        .filter(Boolean)
        .map((line) => (JSON.parse(line) as { caller: string }).caller)
    assert.deepEqual(await callers('--outcome', 'failed'), ['person-3'])
    assert.deepEqual(await callers('--limit', '2'), ['person-2', 'person-3'])
    assert.deepEqual(await callers('--caller', 'Ada', '--from', '2025-12-31'), ['person-1'])
    assert.deepEqual(await callers('--request-id', 'call-2'), ['person-2'])
    assert.equal((await ran(['audit', '--limit', '0'])).code, 2)
    assert.equal((await ran(['audit', '--from', 'yesterday'])).code, 2)
    assert.equal((await ran(['audit', '--effect', 'x'])).code, 2)
    assert.equal((await ran(['audit'], false)).code, 4)
  })

  test('verify: by the hub or without one, and with an exit code of its own when something is wrong', async (t) => {
    const { ran, store } = await home(t)
    for (const isRunning of [true, false]) {
      const { code, out } = await ran(['audit', 'verify'], isRunning)
      assert.match(out, /^[0-9a-f]{12} {2}entries 1 to 3 {2}\S+\nThe audit is sound\.\n$/)
      assert.equal(code, 0)
    }
    await store.as<{ audit: { seq: number } }>().deleteFrom('audit').where('seq', '=', 2).execute()
    for (const isRunning of [true, false]) {
      const { code, out } = await ran(['audit', 'verify'], isRunning)
      assert.match(out, /\n {2}entry 2: is missing\nThe audit was tampered with\.\n$/)
      assert.equal(code, 1)
    }
    const { code, out } = await ran(['audit', 'verify', '--json'])
    assert.deepEqual([code, (JSON.parse(out) as { is_sound: boolean }).is_sound], [1, false])
  })

  test('export, and the verification of it', async (t) => {
    const { ran, folder } = await home(t)
    const { out } = await ran(['audit', 'export'])
    assert.equal(out.trimEnd().split('\n').length, 5)
    const file = join(folder, 'audit.jsonl')
    const verified = async (text: string) => {
      writeFileSync(file, text)
      return await ran(['audit', 'verify', '--file', file], false)
    }
    assert.equal((await verified(out)).code, 0)
    assert.match((await verified(out.replace('Bob', 'Eve'))).out, /entry 2: was changed/)
    assert.match((await verified('no export\n')).err, /Line 1 is not one of an export/)
    assert.deepEqual(
      [(await ran(['audit', 'verify', '--file', join(folder, 'none')], false)).code, (await verified(out)).code],
      [2, 0],
    )
  })

  test('follow: as it is called, until Ctrl-C', async (t) => {
    const { run, record } = await home(t)
    const { terminal, done } = await run(['audit', '--follow'])
    // Nobody says when the hub listens: what came before that is not told.
    for (let at = 10; terminal.out() === ''; at++) {
      await record(at, 'lamps.off', 'Ada')
      await new Promise(setImmediate)
    }
    terminal.signal('SIGINT')
    assert.equal(await done, 130)
    assert.match(terminal.out(), /^2026-01-01T00:00:00\.\d{3}Z {2}Ada {2}lamps\.off {2}ok/)
  })

  test('a time as people type it', () => {
    const nowMs = Date.UTC(2026, 0, 31, 12)
    const table = [
      ['2h', '2026-01-31T10:00:00.000Z'],
      ['30m', '2026-01-31T11:30:00.000Z'],
      ['7d', '2026-01-24T12:00:00.000Z'],
      ['2026-01-02T03:04:05Z', '2026-01-02T03:04:05.000Z'],
    ] as const
    for (const [text, time] of table) assert.equal(timeOf('--from', text, nowMs), time)
    for (const text of ['', '2', 'h', '2026', '2026-13-01', '1e9d', '99999999d'])
      assert.throws(() => timeOf('--from', text, nowMs), { code: 'invalid_input', message: /--from/ })
  })

  test('what a hub says that is none cannot move the cursor', () => {
    const line = entryLine(
      {
        at: '2026',
        operation: 'a\u001b[2J',
        outcome: '\nok',
        caller: 'x\r',
        via: 'mcp',
        address: '\u0007',
        provider: 'p',
        ms: 1,
        arguments: { a: '\u009b' },
      },
      PLAIN,
    )
    assert.doesNotMatch(line, /\p{Cc}/u)
  })
})
