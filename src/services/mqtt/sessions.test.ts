import assert from 'node:assert/strict'
import { join } from 'node:path'
import { suite, test, type TestContext } from 'node:test'
import { loadSecrets } from '../../engines/secrets.ts'
import { openSqlite } from '../../engines/store/sqlite.ts'
import type { Caller } from '../../kernel/caller.ts'
import { heldClock } from '../../kernel/clock.ts'
import { silentLog } from '../../kernel/log.ts'
import { temporaryFolder } from '../../testing/folder.ts'
import { owner } from '../../testing/hub.ts'
import { fakeConnection, type FakeConnection } from '../../testing/mqtt-connection.ts'
import type { ConnectionSpec } from './dial.ts'
import { DEFAULT_LIMITS, type MqttLimits } from './limits.ts'
import { openSessionRows } from './session-rows.ts'
import { createSessions } from './sessions.ts'

const HOUR_MS = 3_600_000
const MINUTE_MS = 60_000
const never = new AbortController().signal
const guest: Caller = { ...owner, id: 'guest', name: 'guest' }

const spec: ConnectionSpec = {
  broker: { protocol: 'mqtt', host: 'broker', port: 1883, username: 'ann', password: 'hunter22' },
  protocol: 'auto',
  clientId: 'tester',
  keepAliveSeconds: 60,
  connectTimeoutMs: 10_000,
  tls: { rejectUnauthorized: true },
}

async function setUp(context: TestContext, limits: Partial<MqttLimits> = {}) {
  const folder = temporaryFolder(context)
  const clock = heldClock()
  const store = openSqlite({ file: join(folder, 'test.db'), log: silentLog, clock })
  context.after(() => store.close())
  const secrets = loadSecrets({ file: join(folder, 'secret.key'), log: silentLog })
  const rows = await openSessionRows(store)
  const dialed: { spec: ConnectionSpec; connection: FakeConnection }[] = []
  const dial = async (given: ConnectionSpec) => {
    const connection = fakeConnection()
    dialed.push({ spec: given, connection })
    return connection
  }
  const start = () =>
    createSessions({ rows, secrets, dial, clock, log: silentLog, limits: { ...DEFAULT_LIMITS, ...limits } })
  const sessions = start()
  context.after(() => sessions.stop())
  /** Lets the time pass minute by minute, and what it started finish. */
  const pass = async (ms: number) => {
    for (let passed = 0; passed < ms; passed += MINUTE_MS) {
      clock.advance(MINUTE_MS)
      await new Promise((resolve) => setImmediate(resolve))
      await rows.count('nobody', 0)
    }
  }
  const establish = async (caller = owner) =>
    (await sessions.establish(caller, { spec, name: 'attic' }, never)).session.id
  return { sessions, start, rows, secrets, dialed, clock, pass, establish }
}

suite('sessions', () => {
  test('a session ends an hour after its last use, and its connection with it', async (context) => {
    const { sessions, rows, dialed, pass, establish } = await setUp(context, { idleMs: 100 * HOUR_MS })
    const id = await establish()
    await pass(HOUR_MS - MINUTE_MS)
    await sessions.find(owner, id)
    await pass(HOUR_MS)
    assert.equal((await sessions.find(owner, id)).name, 'attic')
    await pass(HOUR_MS + 2 * MINUTE_MS)
    await assert.rejects(sessions.find(owner, id), { code: 'not_found' })
    assert.deepEqual(await sessions.list(owner), [])
    assert.deepEqual(await rows.count(owner.id, 0), { all: 0, own: 0 })
    assert.equal(dialed[0]?.connection.state().is, 'closed')
  })

  test('what runs keeps its session', async (context) => {
    const { sessions, pass, establish } = await setUp(context)
    const id = await establish()
    const { links } = await sessions.find(owner, id)
    const { promise, resolve } = Promise.withResolvers<void>()
    const running = links.use(never, () => promise)
    await pass(2 * HOUR_MS)
    assert.ok(await sessions.find(owner, id))
    resolve()
    await running
  })

  test('callers see and use their own sessions only', async (context) => {
    const { sessions, establish } = await setUp(context)
    const id = await establish()
    assert.deepEqual(await sessions.list(guest), [])
    await assert.rejects(sessions.find(guest, id), { code: 'not_found' })
    await assert.rejects(sessions.close(guest, id), { code: 'not_found' })
    assert.equal((await sessions.list(owner)).length, 1)
    await sessions.close(owner, id)
    await assert.rejects(sessions.close(owner, id), { code: 'not_found' })
  })

  test('so many for one caller, so many for all, counting those that are connecting', async (context) => {
    const { sessions, establish } = await setUp(context, { sessionsPerCaller: 2, sessions: 3 })
    const [first] = await Promise.all([establish(), establish()])
    await assert.rejects(establish(), { code: 'conflict', message: /You have 2/ })
    await establish(guest)
    await assert.rejects(establish(guest), { code: 'conflict', message: /There are 3/ })
    await sessions.close(owner, first)
    const results = await Promise.allSettled([establish(), establish()])
    assert.ok(results.some(({ status }) => status === 'rejected'))
  })

  test('after a restart the first use connects with what was sealed', async (context) => {
    const { sessions, start, dialed, establish, rows } = await setUp(context)
    const id = await establish()
    await sessions.stop()
    assert.equal(dialed[0]?.connection.state().is, 'closed')
    const again = start()
    context.after(() => again.stop())
    const { links } = await again.find(owner, id)
    await links.use(never, async () => undefined)
    assert.deepEqual(dialed[1]?.spec, spec)
    const row = await rows.find(id, owner.id, 0)
    assert.doesNotMatch(JSON.stringify(row), /hunter22/)
    assert.equal(row?.address, 'mqtt://broker:1883')
  })

  test('a secret sealed with an old key is sealed anew when it is used', async (context) => {
    const { sessions, start, secrets, rows, establish } = await setUp(context)
    const id = await establish()
    await sessions.stop()
    secrets.rotate('hub')
    const sealedNow = async () => (await rows.find(id, owner.id, 0))?.sealed ?? ''
    assert.equal(secrets.isStale(await sealedNow()), true)
    const again = start()
    context.after(() => again.stop())
    await (await again.find(owner, id)).links.use(never, async () => undefined)
    assert.equal(secrets.isStale(await sealedNow()), false)
  })

  test('a secret sealed for one session does not open in another', async (context) => {
    const { sessions, start, rows, establish } = await setUp(context)
    const [one, other] = [await establish(), await establish()]
    await sessions.stop()
    await rows.reseal(one, (await rows.find(other, owner.id, 0))?.sealed ?? '')
    const again = start()
    context.after(() => again.stop())
    await assert.rejects(again.find(owner, one), { code: 'storage_failed' })
    const listed = await again.list(owner)
    const accessOf = (id: string) => listed.find((session) => session.id === id)?.rules?.access
    assert.deepEqual([accessOf(one), accessOf(other)], [undefined, 'safe'])
  })
})
