import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, watch, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { after, before, suite, test, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { startPostgres, type PostgresServer } from '../src/testing/postgres.ts'
import { ALICIA, emptyHome, runAlicia, startAlicia, startHub, type Home, type TestHub } from './support/hub.ts'
import { connectMqtt, ownerLogin } from './support/mqtt.ts'
import { runProgram, startProgram, type Ended } from './support/program.ts'

const PASSPHRASE = 'correct horse battery staple'
const SECRETS = { tablet: 'password of the tablet', 'echo-key': 'key of the echo server' }
const ECHO = fileURLToPath(new URL('../src/testing/echo-server.ts', import.meta.url))

type Env = Readonly<Record<string, string>>

/** A home whose configuration refers to secrets, one of them for another MCP server. */
async function furnished(t: TestContext, env: Env = {}): Promise<Home> {
  const home = emptyHome(t)
  mkdirSync(home.data, { mode: 0o700 })
  const users = [{ name: 'tablet', password: '${secret:tablet}', scopes: ['mqtt:read'] }]
  const echo = { command: process.execPath, args: [ECHO], env: { KEY: '${secret:echo-key}' } }
  writeFileSync(join(home.data, 'alicia.jsonc'), JSON.stringify({ broker: { users } }), { mode: 0o600 })
  writeFileSync(join(home.data, 'mcp.json'), JSON.stringify({ mcpServers: { echo } }), { mode: 0o600 })
  for (const [name, value] of Object.entries(SECRETS)) {
    const setting = startProgram(process.execPath, [ALICIA, 'secret', 'set', name, '--data', home.data], {
      env: { ...home.env, ...env },
    })
    setting.write(value)
    setting.closeInput()
    assert.equal((await setting.ended).code, 0)
  }
  return home
}

/** What somebody has who lives with a hub. */
interface Life {
  readonly token: string
  readonly personToken: string
  readonly session: string
  readonly ciphertext: string
}

/** Something of every kind that a hub keeps. */
async function live(hub: TestHub): Promise<Life> {
  const mqtt = await connectMqtt(hub.home, hub.urls.mqtt, { ...ownerLogin(hub) })
  await mqtt.publishAsync('home/door', 'open', { qos: 1, retain: true })
  await mqtt.endAsync()
  await hub.result('people.add_person', { name: 'ada', role: 'adult', password: 'Kx9!vTq2#pLm' })
  const made = await hub.result('tokens.create_token', { name: 'adas', scopes: ['mqtt:*', 'crypto:use'], for: 'ada' })
  const { session_id } = await hub.result('mqtt.establish_connection')
  await hub.result('security.create_key', { name: 'diary', for: 'everyone' })
  const sealed = { plaintext: 'dear diary', key: 'diary', associated_data: 'today' }
  const { ciphertext } = await hub.result('security.encrypt', sealed)
  for (const name of ['diary', 'hub', 'root']) await hub.result('security.rotate_key', { name })
  await hub.result('security.rewrap_secrets')
  return {
    token: hub.token,
    personToken: String(made['token']),
    session: String(session_id),
    ciphertext: String(ciphertext),
  }
}

/** All of it is there, and works. */
async function goesOn(hub: TestHub, { token, personToken, session, ciphertext }: Life, env: Env = {}): Promise<void> {
  assert.equal(hub.token, token)
  assert.equal((await hub.call('mqtt.establish_connection', {}, { token: personToken })).status, 200)
  assert.equal((await hub.result('mqtt.ping', { session_id: session }))['pong'], true)
  const decrypted = await hub.result('security.decrypt', { ciphertext, associated_data: 'today' })
  assert.deepEqual([decrypted['plaintext'], decrypted['version']], ['dear diary', 1])
  const listed = await hub.result('mqtt.list_topics', { session_id: session, pattern: 'home/#', duration: 0.3 })
  assert.deepEqual(
    (listed['topics'] as { topic: string }[]).map(({ topic }) => topic),
    ['home/door'],
  )
  const tablet = { username: 'tablet', password: SECRETS.tablet }
  await (await connectMqtt(hub.home, hub.urls.mqtt, tablet)).endAsync()
  const logged = await fetch(`${hub.urls.http}/auth/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'ada', password: 'Kx9!vTq2#pLm' }),
  })
  assert.equal(logged.status, 200, await logged.text())
  const { servers } = await hub.result('gateway.list_servers')
  assert.partialDeepStrictEqual(servers, [{ name: 'echo' }])
  assert.deepEqual((await hub.result('security.rewrap_secrets'))['unreadable'], {})
  const verified = await hub.cli(['audit', 'verify'], env)
  assert.equal(verified.code, 0, verified.stdout + verified.stderr)
}

/** `alicia backup` and `restore`, with the passphrase on standard input. */
async function withPassphrase(home: Home, args: readonly string[], env: Env = {}): Promise<Ended> {
  const [command = '', ...rest] = args
  const program = startProgram(process.execPath, [ALICIA, command, '--data', home.data, ...rest], {
    env: { ...home.env, ...env },
  })
  program.write(`${PASSPHRASE}\n`)
  program.closeInput()
  return await program.ended
}

suite('backup and restore', () => {
  let server: PostgresServer
  let databases = 0
  before(async () => {
    server = await startPostgres()
  })
  after(() => server.stop())

  const storeEnv = (store: string): Env =>
    store === 'PostgreSQL' ? { ALICIA_DATABASE_URL: server.createDatabase(`home${databases++}`) } : {}

  for (const [from, to] of [
    ['SQLite', 'SQLite'],
    ['SQLite', 'PostgreSQL'],
    ['PostgreSQL', 'PostgreSQL'],
    ['PostgreSQL', 'SQLite'],
  ] as const)
    test(`of a hub that runs, on another machine: everything works (${from} to ${to})`, async (t) => {
      const env = storeEnv(from)
      const home = await furnished(t, env)
      const hub = await startHub(t, { home, env })
      const life = await live(hub)
      const file = join(home.folder, 'home.backup')
      const made = await withPassphrase(home, ['backup', file], env)
      assert.equal(made.code, 0, made.stderr)
      assert.equal(statSync(file).mode & 0o777, 0o600)
      await hub.end('SIGKILL')

      const target = storeEnv(to)
      const other = emptyHome(t)
      const restored = await withPassphrase(other, ['restore', file], target)
      assert.equal(restored.code, 0, restored.stderr)
      assert.equal(existsSync(join(other.data, 'alicia.db')), to === 'SQLite')
      const again = await startHub(t, { home: other, env: target })
      await goesOn(again, life, target)
      assert.equal((await again.end()).code, 0)
      const bytes = readFileSync(file, 'latin1')
      for (const secret of [...Object.values(SECRETS), ...Object.values(life), PASSPHRASE, '-----BEGIN', 'home/door'])
        assert.ok(!bytes.includes(secret), secret)
    })

  test('into a database that has something: refused, or with --replace moved to a schema of its own', async (t) => {
    const env = storeEnv('PostgreSQL')
    const home = await furnished(t, env)
    const hub = await startHub(t, { home, env })
    const life = await live(hub)
    const file = join(home.folder, 'home.backup')
    assert.equal((await withPassphrase(home, ['backup', file], env)).code, 0)
    await hub.result('tokens.create_token', { name: 'later', scopes: ['*'] })
    await hub.end()
    const other = emptyHome(t)
    const refused = await withPassphrase(other, ['restore', file], env)
    assert.equal(refused.code, 1)
    assert.match(refused.stderr, /has a table called .* already\.\n.*--replace/)
    assert.ok(!existsSync(other.data))
    const restored = await withPassphrase(other, ['restore', file, '--replace'], env)
    assert.equal(restored.code, 0, restored.stderr)
    const again = await startHub(t, { home: other, env })
    await goesOn(again, life, env)
    const { tokens } = await again.result('tokens.list_tokens')
    assert.deepEqual(
      (tokens as { name: string }[]).map(({ name }) => name),
      ['adas'],
    )
  })

  for (const [what, next] of [
    ['the same key from the environment', 'same'],
    ['another one', 'another'],
    ['none: it is in a file from now on', 'none'],
  ] as const)
    test(`a root key from the environment is in the backup; restored with ${what}`, async (t) => {
      const env = { ALICIA_SECRET_KEY: randomBytes(32).toString('hex') }
      const home = await furnished(t, env)
      const hub = await startHub(t, { home, env })
      const { session_id } = await hub.result('mqtt.establish_connection')
      const file = join(home.folder, 'home.backup')
      assert.equal((await withPassphrase(home, ['backup', file], env)).code, 0)
      await hub.end()
      const other = emptyHome(t)
      const target: Env =
        next === 'none' ? {} : next === 'same' ? env : { ALICIA_SECRET_KEY: randomBytes(32).toString('hex') }
      const restored = await withPassphrase(other, ['restore', file], target)
      assert.equal(restored.code, 0, restored.stderr)
      assert.equal(existsSync(join(other.data, 'secret.key')), next === 'none')
      const again = await startHub(t, { home: other, env: target })
      assert.equal((await again.result('mqtt.ping', { session_id }))['pong'], true)
    })

  test('configuration from elsewhere comes along, with word of where it was', async (t) => {
    const home = emptyHome(t)
    const config = join(home.folder, 'mine.json')
    writeFileSync(config, JSON.stringify({ mcpFiles: ['servers.json'], limits: { mcpSessions: 7 } }))
    writeFileSync(join(home.folder, 'servers.json'), JSON.stringify({ mcpServers: { echo: { command: 'true' } } }))
    const hub = await startHub(t, { home, args: ['--config', config] })
    const file = join(home.folder, 'home.backup')
    assert.equal((await withPassphrase(home, ['backup', file, '--config', config])).code, 0)
    await hub.end()
    const other = emptyHome(t)
    const { code, stderr } = await withPassphrase(other, ['restore', file])
    assert.equal(code, 0, stderr)
    assert.match(stderr, /alicia\.jsonc was .*mine\.json\.\nservers\.json was .*servers\.json\./)
    const again = await startHub(t, { home: other })
    const { servers } = await again.result('gateway.list_servers')
    assert.partialDeepStrictEqual(servers, [{ name: 'echo' }])
  })

  test('a wrong passphrase, a hub that runs, no data: said so, with nothing changed', async (t) => {
    const home = await furnished(t)
    const hub = await startHub(t, { home })
    const file = join(home.folder, 'home.backup')
    assert.equal((await withPassphrase(home, ['backup', file])).code, 0)
    const running = await withPassphrase(home, ['restore', file, '--replace'])
    assert.equal(running.code, 1)
    assert.match(running.stderr, /A hub runs on the data folder/)
    const other = emptyHome(t)
    const passphrase = join(other.folder, 'passphrase')
    writeFileSync(passphrase, 'wrong horse battery staple')
    const wrong = await runAlicia(['restore', file, '--data', other.data, '--passphrase-file', passphrase], other.env)
    assert.equal(wrong.code, 2)
    assert.match(wrong.stderr, /passphrase is wrong/)
    assert.ok(!existsSync(other.data))
    assert.match(
      (await withPassphrase(other, ['backup', join(other.folder, 'x')])).stderr,
      /nothing in the data folder/,
    )
    assert.deepEqual(readdirSync(other.folder).sort(), ['home', 'passphrase'])
    await hub.result('mqtt.establish_connection')
  })

  test('a disk without room: said so, and nothing is left or changed', async (t) => {
    const home = await furnished(t)
    writeFileSync(join(home.data, 'large'), randomBytes(3_000_000))
    const file = join(home.folder, 'home.backup')
    const passphrase = join(home.folder, 'passphrase')
    writeFileSync(passphrase, PASSPHRASE)
    const limited = (args: readonly string[]) =>
      runProgram('prlimit', ['--fsize=1000000', process.execPath, ALICIA, ...args, '--passphrase-file', passphrase], {
        env: home.env,
      })
    const backup = ['backup', file, '--data', home.data]
    const failed = await limited(backup)
    assert.deepEqual([failed.code, failed.stdout], [1, ''])
    assert.match(failed.stderr, /The backup cannot be written: there is no room/)
    assert.ok(!readdirSync(home.folder).some((name) => name.startsWith('home.backup')))
    assert.ok(!readdirSync(home.data).some((name) => name.startsWith('.backup-')))

    assert.equal((await runAlicia([...backup, '--passphrase-file', passphrase], home.env)).code, 0)
    const before = readdirSync(home.data).sort()
    const restore = await limited(['restore', file, '--data', home.data, '--replace'])
    assert.equal(restore.code, 1)
    assert.match(restore.stderr, /cannot be written: there is no room/)
    assert.deepEqual(readdirSync(home.data).sort(), [...before, 'hub.lock'].sort())
    const elsewhere = await limited(['restore', file, '--data', join(home.folder, 'new')])
    assert.equal(elsewhere.code, 1)
    assert.ok(!existsSync(join(home.folder, 'new')))
  })

  test('kill -9 at any moment of a restore: the old data or the new, whole, and nothing lost', async (t) => {
    const home = await furnished(t)
    for (let number = 0; number < 40; number++) writeFileSync(join(home.data, `note-${number}`), randomBytes(50_000))
    const content = () =>
      Object.fromEntries(
        readdirSync(home.data)
          .filter((name) => /^(note|alicia|secret|mcp)/.test(name))
          .map((name) => [name, readFileSync(join(home.data, name), 'latin1')]),
      )
    writeFileSync(join(home.data, 'note-generation'), 'new')
    const file = join(home.folder, 'home.backup')
    assert.equal((await withPassphrase(home, ['backup', file])).code, 0)
    const fresh = content()
    writeFileSync(join(home.data, 'note-generation'), 'old')
    writeFileSync(join(home.data, 'note-of-the-old'), 'x')
    const old = content()

    const outcomes = { old: 0, new: 0 }
    for (const [at, event] of [2, 60, 100, 128, 150, 172].entries()) {
      await killedAt(home, file, event)
      // Whoever opens the folder next finishes what was decided.
      assert.equal((await runAlicia(['token', 'rotate', '--data', home.data], home.env)).code, 0)
      const now = content()
      const generation = now['note-generation'] === 'new' ? 'new' : 'old'
      outcomes[generation] += 1
      assert.deepEqual(Object.keys(now), Object.keys(generation === 'new' ? fresh : old), `kill ${at}`)
      assert.deepEqual(now, generation === 'new' ? fresh : old)
      const aside = readdirSync(home.data).find((name) => name.startsWith('before-restore-'))
      if (generation === 'old') continue
      assert.ok(aside !== undefined)
      for (const [name, text] of Object.entries(old))
        assert.equal(readFileSync(join(home.data, aside, name), 'latin1'), text, name)
      // The old ones again, for the next round.
      for (const name of Object.keys(now)) rmSync(join(home.data, name))
      for (const [name, text] of Object.entries(old)) writeFileSync(join(home.data, name), text, 'latin1')
      rmSync(join(home.data, aside), { recursive: true })
    }
    assert.ok(outcomes.old > 0 && outcomes.new > 0, JSON.stringify(outcomes))
    assert.deepEqual(
      readdirSync(home.data).filter((name) => name.startsWith('.restore')),
      [],
    )
  })

  test('no keyring where one is configured: the hub says so and does not start', async (t) => {
    const home = emptyHome(t)
    const { code, stderr } = await startAlicia(
      home,
      ['start', '--data', home.data, '--port', '0', '--mqtt-port', '0'],
      {
        ALICIA_SECRET_KEY_SOURCE: 'keyring',
        DBUS_SESSION_BUS_ADDRESS: 'unix:path=/nonexistent',
      },
    ).ended
    assert.equal(code, 1)
    assert.match(stderr, /OS keyring cannot be used/)
    assert.match(stderr, /remove secretKeySource/)
  })
})

/** Restores over the data, and kills that when so many things have happened in the folder. */
async function killedAt(home: Home, file: string, event: number): Promise<void> {
  const program = startProgram(process.execPath, [ALICIA, 'restore', file, '--replace', '--data', home.data], {
    env: home.env,
  })
  let seen = 0
  const watching = watch(home.data, { recursive: true }, () => {
    seen += 1
    // It may have ended just now.
    if (seen === event) void program.end('SIGKILL')
  })
  program.write(`${PASSPHRASE}\n`)
  program.closeInput()
  await program.ended
  watching.close()
}
