import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test, type TestContext } from 'node:test'
import { Client } from 'pg'
import { startTestMosquitto } from '../src/testing/mosquitto.ts'
import { startPostgres } from '../src/testing/postgres.ts'
import { emptyHome, startHub, type TestHub } from './support/hub.ts'
import { connectAssistant } from './support/mcp.ts'
import { connectMqtt, mosquittoAt, ownerLogin } from './support/mqtt.ts'
import { runProgram } from './support/program.ts'

/** What must not be found anywhere, by what it is. */
type Secrets = Record<string, string>

const secret = () => randomBytes(12).toString('hex')

/** Uses the hub in every way that has to do with secrets, the wrong ones included; returns everything it answered. */
async function live(t: TestContext, hub: TestHub, secrets: Secrets): Promise<string[]> {
  const answers: string[] = []
  const note = (answer: unknown) => void answers.push(typeof answer === 'string' ? answer : JSON.stringify(answer))
  const broker = await brokerWithPassword(t, secrets['remote broker'] ?? '')

  const mqtt = await connectMqtt(t, hub.urls.mqtt, { protocolVersion: 5, ...ownerLogin(hub) })
  mqtt.on('message', (topic, payload, { properties }) => {
    // What this test asks is its own to say.
    if (!topic.startsWith('alicia/v1/req/')) note(`${topic} ${payload.toString()} ${JSON.stringify(properties)}`)
  })
  await mqtt.subscribeAsync('#', { qos: 1 })

  const good = `mqtt://ann:${secrets['remote broker']}@127.0.0.1:${broker}`
  const wrong = `mqtt://ann:${secrets['wrong password']}@127.0.0.1:${broker}`
  const { session_id } = await hub.result('mqtt.establish_connection', { connection_string: good })
  const assistant = await connectAssistant(t, hub)
  for (const connection_string of [wrong, `${wrong}/a/b?c`, `mqtt://ann:${secrets['wrong password']}@`, 'mqtt:///']) {
    note(await hub.call('mqtt.establish_connection', { connection_string }))
    note(await assistant.call('establish_connection', { connection_string }).catch(String))
    const topic = 'alicia/v1/req/mqtt/establish_connection'
    await mqtt.publishAsync(topic, JSON.stringify({ connection_string }), {
      qos: 1,
      properties: { responseTopic: 'alicia/v1/rep/secrets/1' },
    })
    note(await hub.cli(['call', 'establish_connection', `connection_string=${connection_string}`]))
  }
  const token = await hub.result('tokens.create_token', { name: 'tablet', scopes: ['*'] })
  secrets['token that was made'] = String(token['token'])
  for (const operation of [
    'mqtt.list_active_connections',
    'tokens.list_tokens',
    'health.list_services',
    'health.get_health',
  ])
    note(await hub.call(operation, {}, { token: String(token['token']) }))
  for (const operation of ['mqtt.test_connection', 'mqtt.ping', 'mqtt.close_connection'])
    note(await hub.call(operation, { session_id }))
  note(await hub.call('mqtt.ping', {}, { token: secrets['wrong password'] ?? '' }))
  for (const path of ['/metrics', '/openapi.json', '/api', '/health'])
    note(await (await fetch(`${hub.urls.http}${path}`, { headers: { authorization: `Bearer ${hub.token}` } })).text())
  for (const command of [['tools'], ['doctor'], ['doctor', '--json'], ['token', 'list']]) note(await hub.cli(command))
  for (const [username, password] of [
    ['alicia', 'wrong password'],
    ['node-red', 'remote broker'],
  ] as const)
    note(
      await connectMqtt(t, hub.urls.mqtt, { username, password: secrets[password] ?? '' }).then(() => 'let in', String),
    )
  const at = mosquittoAt(hub.urls.mqtt, { username: 'node-red', password: secrets['MQTT user'] ?? '' })
  note(await runProgram('mosquitto_pub', [...at, '-t', 'e2e', '-m', 'x', '-q', '1']))
  return answers
}

async function brokerWithPassword(t: TestContext, password: string): Promise<number> {
  const file = join(emptyHome(t).folder, 'passwords')
  assert.equal((await runProgram('mosquitto_passwd', ['-b', '-c', file, 'ann', password])).code, 0)
  const lines = ['allow_anonymous false', `password_file ${file}`]
  return (await startTestMosquitto(t, { lines })).port
}

/** Every row of every table, as text. */
async function databaseText(url: string): Promise<string> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    const { rows } = await client.query<{ name: string }>(
      `select quote_ident(table_schema) || '.' || quote_ident(table_name) as name from information_schema.tables
       where table_schema not in ('pg_catalog', 'information_schema')`,
    )
    assert.ok(rows.some(({ name }) => name.endsWith('.audit')))
    let text = ''
    for (const { name } of rows) text += JSON.stringify((await client.query(`select t::text from ${name} t`)).rows)
    return text
  } finally {
    await client.end()
  }
}

/** Every file of the data folder but the two that hold secrets. */
function filesText(folder: string): string {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8', withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  )
  return files
    .filter(({ name }) => name !== 'token' && name !== 'secret.key')
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'))
    .join('\n')
}

suite('secrets are nowhere', () => {
  for (const store of ['SQLite', 'PostgreSQL'] as const)
    test(`in no output, answer, message and file: ${store}`, async (t) => {
      const server = store === 'PostgreSQL' ? await startPostgres() : undefined
      if (server) t.after(() => server.stop())
      const home = emptyHome(t)
      const secrets: Secrets = {
        'MQTT user': secret(),
        'remote broker': secret(),
        'wrong password': secret(),
        'secret key': randomBytes(32).toString('base64'),
        ...(server && { database: server.password }),
      }
      const config = join(home.folder, 'alicia.json')
      const users = [{ name: 'node-red', password: secrets['MQTT user'], scopes: ['mqtt:read'] }]
      writeFileSync(config, JSON.stringify({ broker: { users }, log: { level: 'debug' } }))
      const url = server?.createDatabase('home')
      const hub = await startHub(t, {
        home,
        args: ['--config', config],
        env: { ALICIA_SECRET_KEY: secrets['secret key'] ?? '', ...(url !== undefined && { ALICIA_DATABASE_URL: url }) },
      })
      secrets['owner token'] = hub.token
      const answers = await live(t, hub, secrets)
      assert.ok(answers.length > 25)
      const database = url === undefined ? '' : await databaseText(url)
      const { code, stdout, stderr } = await hub.end()
      assert.equal(code, 0)
      assert.match(stderr, /"level":20/, 'the log is at level debug')
      const places = { stdout, stderr, answers: answers.join('\n'), database, files: filesText(home.data) }
      for (const [place, text] of Object.entries(places))
        for (const [what, value] of Object.entries(secrets)) {
          const at = text.indexOf(value)
          const around = at === -1 ? '' : text.slice(Math.max(0, at - 200), at + 80)
          assert.equal(at, -1, `${what} in ${place}: …${around}`)
        }
    })
})
