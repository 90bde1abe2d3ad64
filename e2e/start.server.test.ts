import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { connect, createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import process from 'node:process'
import { suite, test, type TestContext } from 'node:test'
import { anyFreePort } from '../src/testing/free-port.ts'
import { startTestMosquitto } from '../src/testing/mosquitto.ts'
import { startPostgres } from '../src/testing/postgres.ts'
import { ALICIA, emptyHome, runAlicia, startAlicia, startArgs, startHub } from './support/hub.ts'
import { overCommand } from './support/mcp.ts'
import { mosquittoAt, mosquittoSub, ownerLogin } from './support/mqtt.ts'
import { runProgram, within } from './support/program.ts'

suite('alicia start', () => {
  test('prints addresses, where the token is, and snippets that work as they are', async (t) => {
    const home = emptyHome(t)
    const { env, data } = home
    const hub = startAlicia(home, ['start', '--port', '0', '--mqtt-port', '0', '--data', data])
    await hub.says(/Ctrl-C stops it/)
    const shown = hub.stdout()
    const token = readFileSync(join(data, 'token'), 'utf8').trim()
    assert.match(token, /^[0-9a-f]{64}$/)
    assert.ok(!shown.includes(token), 'a terminal’s history outlives the moment')
    assert.match(shown, new RegExp(join(data, 'token')))
    const [, mcp = ''] = /MCP\s+(http:\/\/127\.0\.0\.1:\d+\/mcp)/.exec(shown) ?? []
    assert.match(shown, /MQTT\s+mqtt:\/\/127\.0\.0\.1:\d+/)
    assert.match(shown, /claude mcp add --scope user --transport http alicia .*Bearer \$\(cat /)

    // The command that prints the token, as a shell takes it.
    const [, printIt = ''] = /print it: (.*)/.exec(shown) ?? []
    assert.equal((await runProgram('sh', ['-c', printIt], { env })).stdout.trim(), token)

    const snippets = [...shown.matchAll(/^\s*(\{"mcpServers".*\})$/gm)].map(
      ([, json = '']) => JSON.parse(json) as Snippet,
    )
    const [stdio, http] = snippets.map(({ mcpServers }) => mcpServers.alicia)
    assert.deepEqual(http, { type: 'http', url: mcp, headers: { Authorization: 'Bearer <access token>' } })
    const assistant = await overCommand(t, stdio?.command ?? '', stdio?.args ?? [], env)
    assert.equal((await assistant.call('ping'))['pong'], true)
  })

  test('listens on loopback alone; what it keeps is its owner’s alone', async (t) => {
    const { urls, home, result, end } = await startHub(t)
    await result('mqtt.establish_connection')
    for (const url of [urls.http, urls.mqtt]) {
      assert.equal(new URL(url).hostname, '127.0.0.1')
      // Another address of this machine: who listens on all of them would answer there.
      const socket = connect(Number(new URL(url).port), '127.0.0.2')
      const [error] = (await within(once(socket, 'error'), 'a refusal')) as [Error]
      assert.match(error.message, /ECONNREFUSED|EADDRNOTAVAIL|ENETUNREACH/)
    }
    assert.equal(statSync(home.data).mode & 0o777, 0o700)
    const files = readdirSync(home.data, { recursive: true, encoding: 'utf8' })
    assert.ok(files.includes('token') && files.includes('secret.key') && files.includes('alicia.db'))
    const open = files.filter((file) => (statSync(join(home.data, file)).mode & 0o077) !== 0)
    assert.deepEqual(open, [])
    assert.equal((await end()).code, 0)
  })

  test('a second hub on the same folder says who has it, and leaves it alone', async (t) => {
    const hub = await startHub(t)
    const { code, stderr, stdout } = await runAlicia(startArgs(hub.home), hub.home.env)
    assert.equal(code, 1)
    assert.equal(stdout, '')
    const { error } = JSON.parse(stderr) as { error: { message: string; hint: string } }
    assert.match(error.message, new RegExp(`Process ${hub.pid} at ${hub.urls.http} runs on the data folder`))
    assert.match(error.hint, /stop it, or choose another folder/)
    assert.equal((await hub.result('mqtt.ping'))['pong'], true)
  })

  test('the port is free again, and so is the folder, right after kill -9', async (t) => {
    const home = emptyHome(t)
    const first = await startHub(t, { home })
    await first.end('SIGKILL')
    const { http, mqtt } = first.urls
    const ports = ['--port', new URL(http).port, '--mqtt-port', new URL(mqtt).port]
    const second = await startHub(t, { home, args: ports })
    assert.equal(second.token, first.token)
    assert.equal(second.urls.http, http)
  })
})

interface Snippet {
  mcpServers: { alicia: { command: string; args: string[] } }
}

/** Runs `alicia start` where it cannot, for people (no --json): what it says, and its exit code. */
async function refused(t: TestContext, args: readonly string[], env: Record<string, string> = {}) {
  const home = emptyHome(t)
  const own = args.includes('--data') ? [] : ['--data', home.data]
  const ended = await runAlicia(['start', ...own, ...args], { ...home.env, ...env })
  assert.equal(ended.stdout, '')
  // For people: the problem and the way out of it, no stack.
  assert.doesNotMatch(ended.stderr, /^ {4}at /m)
  return { code: ended.code, says: ended.stderr }
}

async function listener(t: TestContext): Promise<number> {
  const server = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  return (server.address() as AddressInfo).port
}

suite('alicia start, where it cannot', () => {
  test('the HTTP port is taken', async (t) => {
    const port = await listener(t)
    const { code, says } = await refused(t, ['--port', `${port}`, '--mqtt-port', '0'])
    assert.equal(code, 1)
    assert.match(says, new RegExp(`Port ${port} on 127\\.0\\.0\\.1 is taken`))
    assert.match(says, /--port/)
  })

  test('the MQTT port is taken by a broker: how to use that one', async (t) => {
    const { port, url } = await startTestMosquitto(t)
    const { code, says } = await refused(t, ['--port', '0', '--mqtt-port', `${port}`])
    assert.equal(code, 1)
    assert.match(says, new RegExp(`MQTT port ${port} .*is taken \\(an MQTT broker answers there\\)`))
    assert.match(says, new RegExp(`ALICIA_BROKER_URL=${url}`))
  })

  test('the MQTT port is taken by something else', async (t) => {
    const port = await listener(t)
    const { code, says } = await refused(t, ['--port', '0', '--mqtt-port', `${port}`])
    assert.equal(code, 1)
    assert.match(says, /does not speak MQTT/)
    assert.match(says, /--mqtt-port/)
  })

  const FOLDERS: [what: string, path: (folder: string) => string, says: RegExp][] = [
    ['is a file', (folder) => file(folder), /cannot be made: there is a file of that name/],
    ['lies below a file', (folder) => join(file(folder), 'data'), /cannot be made: a part of the path is a file/],
    // As an automounter answers: a folder that is there and in which nothing can be made.
    ['lies where nothing can be made', () => '/proc/alicia/data', /cannot be made: /],
  ]
  for (const [what, path, pattern] of FOLDERS)
    test(`the data folder ${what}`, async (t) => {
      const { code, says } = await refused(t, ['--data', path(emptyHome(t).folder)])
      assert.equal(code, 1)
      assert.match(says, pattern)
      assert.match(says, /Choose another folder|Check the path/)
    })

  // RLIMIT_FSIZE, in blocks of 512 bytes: every write beyond fails, as on a disk without room.
  for (const blocks of [0, 40])
    test(`no room beyond ${blocks} blocks a file`, async (t) => {
      const { data, env } = emptyHome(t)
      const command = ['-c', `ulimit -f ${blocks} && exec "$@"`, 'sh', process.execPath, ALICIA]
      const limited = await runProgram('sh', [...command, ...startArgs({ data })], {
        env: { ...env, NODE_DISABLE_COMPILE_CACHE: '1' },
      })
      assert.equal(limited.code, 1)
      assert.equal(limited.stdout, '')
      // Standard error is a pipe, which the limit does not touch.
      const { error } = JSON.parse(limited.stderr.trim().split('\n').at(-1) ?? '') as { error: Record<string, string> }
      assert.equal(error['code'], 'storage_failed')
      assert.match(`${error['message']} ${error['hint']}`, new RegExp(data))
      assert.match(`${error['message']} ${error['hint']}`, /disk|space|room/)
    })

  const WRONG: [what: string, args: string[], env: Record<string, string>, says: RegExp[]][] = [
    ['an unknown flag', ['--prot', '1'], {}, [/--prot/, /Did you mean --port\?/]],
    ['an unknown variable', [], { ALICIA_PROT: '1' }, [/ALICIA_PROT is unknown \(did you mean ALICIA_PORT\?\)/]],
    ['a wrong value of a flag', ['--port', 'x'], {}, [/--port: port must be a whole number/]],
    [
      'two wrong variables',
      [],
      { ALICIA_PORT: '99999', ALICIA_DATABASE_URL: 'mysql://u:geheimnis@h' },
      [/ALICIA_PORT: port must be at most 65535/, /ALICIA_DATABASE_URL: .*postgres:\/\//],
    ],
    ['a short token', [], { ALICIA_TOKEN: 'geheimnis' }, [/ALICIA_TOKEN: token must be at least 16 characters/]],
  ]
  for (const [what, args, env, patterns] of WRONG)
    test(`${what} stops the start`, async (t) => {
      const { code, says } = await refused(t, args, env)
      assert.equal(code, 2)
      for (const pattern of patterns) assert.match(says, pattern)
      assert.doesNotMatch(says, /geheimnis/)
    })

  test('an unknown key and a wrong value in the file: both, with their lines', async (t) => {
    const path = join(emptyHome(t).folder, 'alicia.json')
    writeFileSync(
      path,
      '{\n  // my home\n  "broker": {\n    "prot": 1883,\n  },\n  "log": { "level": "verbose" },\n}\n',
    )
    const { code, says } = await refused(t, ['--config', path])
    assert.equal(code, 2)
    assert.match(says, new RegExp(`${path}:4: broker\\.prot is unknown \\(did you mean broker\\.port\\?\\)`))
    assert.match(says, new RegExp(`${path}:6: log\\.level must be one of debug, info`))
  })

  test('the database is not there', async (t) => {
    const port = await anyFreePort()
    const { code, says } = await refused(t, ['--port', '0', '--mqtt-port', '0'], {
      ALICIA_DATABASE_URL: `postgres://me:geheimnis@127.0.0.1:${port}/x`,
    })
    assert.equal(code, 1)
    assert.match(says, new RegExp(`postgres://me@127\\.0\\.0\\.1:${port}/x cannot be reached`))
    assert.match(says, /ALICIA_DATABASE_URL/)
    assert.doesNotMatch(says, /geheimnis/)
  })
})

function file(folder: string): string {
  const path = join(folder, 'a-file')
  writeFileSync(path, '')
  return path
}

suite('other engines', () => {
  test('flags win over the environment, the environment over the file', async (t) => {
    const home = emptyHome(t)
    const config = join(home.folder, 'alicia.json')
    const ports = [await anyFreePort(), await anyFreePort(), await anyFreePort()] as const
    writeFileSync(config, JSON.stringify({ port: ports[0], broker: { port: ports[0] }, log: { level: 'silent' } }))
    const env = { ALICIA_CONFIG: config, ALICIA_PORT: `${ports[1]}`, ALICIA_MQTT_PORT: `${ports[1]}` }
    const hub = startAlicia(home, ['start', '--json', '--data', home.data, '--mqtt-port', `${ports[2]}`], env)
    const [line] = await hub.says(/^\{"event":"ready".*\}$/m)
    const { urls } = JSON.parse(line) as { urls: Record<string, string> }
    assert.equal(urls['http'], `http://127.0.0.1:${ports[1]}`)
    assert.equal(urls['mqtt'], `mqtt://127.0.0.1:${ports[2]}`)
  })

  test('PostgreSQL keeps what SQLite would: sessions and tokens are there after a restart', async (t) => {
    const server = await startPostgres()
    t.after(() => server.stop())
    const home = emptyHome(t)
    const env = { ALICIA_DATABASE_URL: server.createDatabase('home') }
    const first = await startHub(t, { home, env })
    const { session_id } = await first.result('mqtt.establish_connection')
    const { token } = await first.result('tokens.create_token', { name: 'tablet', scopes: ['mqtt:read'] })
    assert.equal((await first.end()).code, 0)
    const second = await startHub(t, { home, env })
    const pong = await second.result('mqtt.ping', { session_id })
    assert.equal(typeof pong['round_trip_ms'], 'number')
    assert.equal((await second.call('mqtt.ping', {}, { token: String(token) })).status, 200)
    assert.ok(!readdirSync(home.data).includes('alicia.db'))
    assert.equal((await second.end()).code, 0)
  })

  test('Mosquitto as the hub’s own broker', async (t) => {
    const home = emptyHome(t)
    const config = join(home.folder, 'alicia.json')
    writeFileSync(config, '{ "broker": { "kind": "mosquitto", }, } // installed here')
    const hub = await startHub(t, { home, args: ['--config', config] })
    const { session_id } = await hub.result('mqtt.establish_connection')
    const { broker_version } = await hub.result('mqtt.test_connection', { session_id })
    assert.match(String(broker_version), /mosquitto/)
    const at = mosquittoAt(hub.urls.mqtt, ownerLogin(hub))
    const sub = await mosquittoSub(t, at, 'e2e/#')
    await hub.result('mqtt.publish_message', { session_id, topic: 'e2e/lamp', payload: 'on', qos: 1 })
    await sub.says(/^e2e\/lamp on$/m)
    const denied = await runProgram('mosquitto_pub', [...mosquittoAt(hub.urls.mqtt), '-t', 'x', '-m', 'y'])
    assert.notEqual(denied.code, 0)
    assert.equal((await hub.end()).code, 0)
  })

  test('a broker that is there already', async (t) => {
    const mosquitto = await startTestMosquitto(t)
    const hub = await startHub(t, { env: { ALICIA_BROKER_URL: mosquitto.url } })
    assert.equal(hub.urls.mqtt, mosquitto.url)
    const { session_id, broker } = await hub.result('mqtt.establish_connection')
    assert.equal(broker, mosquitto.url)
    const sub = await mosquittoSub(t, mosquittoAt(mosquitto.url), 'e2e/#')
    await hub.result('mqtt.publish_message', { session_id, topic: 'e2e/lamp', payload: 'on', qos: 2 })
    await sub.says(/^e2e\/lamp on$/m)
  })

  test('a broker that is not there yet: the hub runs, says so, and uses it once it comes', async (t) => {
    const port = await anyFreePort()
    const home = emptyHome(t)
    const { env, data } = home
    const url = `mqtt://127.0.0.1:${port}`
    const hub = startAlicia(home, ['start', '--port', '0', '--data', data], { ALICIA_BROKER_URL: url })
    await hub.says(/broker is unavailable: .*connection refused|broker is unavailable: .*ECONNREFUSED/)
    await startTestMosquitto(t, { port })
    const { code } = await runAlicia(['call', 'establish_connection', '--data', data], env)
    assert.equal(code, 0)
  })

  test('an older data folder that others could read is closed to them', async (t) => {
    const home = emptyHome(t)
    mkdirSync(home.data, { mode: 0o700 })
    writeFileSync(join(home.data, 'token'), `${'t'.repeat(43)}\n`, { mode: 0o644 })
    const hub = await startHub(t, { home })
    assert.equal(statSync(join(home.data, 'token')).mode & 0o777, 0o600)
    assert.match(hub.stderr(), /could be read by other users/)
  })
})
