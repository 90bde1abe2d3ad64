import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { cleanUps } from '../src/testing/mqtt-toolkit.ts'
import { ALICIA, emptyHome, startHub, type TestHub } from './support/hub.ts'
import { connectAssistant } from './support/mcp.ts'
import { runProgram } from './support/program.ts'

const PASSWORD = 'correct horse battery'

interface Access {
  readonly access_token: string
  readonly scope: string
}

suite('people, from the command line to every call', () => {
  const ending = cleanUps()
  let hub: TestHub
  before(async () => {
    hub = await startHub(ending)
  })
  after(() => ending.run())

  /** Runs `alicia`, and fails where it does. */
  const alicia = async (args: readonly string[], input = ''): Promise<string> => {
    const [command = '', ...rest] = args
    const all = [ALICIA, command, ...rest, '--data', hub.home.data]
    const { code, stdout, stderr } = await runProgram(process.execPath, all, { env: hub.home.env, input })
    assert.equal(code, 0, stderr)
    return stdout
  }

  const listOperations = (token: string) =>
    fetch(`${hub.urls.http}/api`, { headers: { authorization: `Bearer ${token}` } })

  const logIn = async (body: object): Promise<{ status: number; access: Access }> => {
    const response = await fetch(`${hub.urls.http}/auth/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    return { status: response.status, access: (await response.json()) as Access }
  }

  test('a newcomer adds somebody and pairs a phone; the code is good once, and its login may what a child may', async () => {
    await alicia(['user', 'add', 'mia', '--role', 'child'])
    const url = new URL((await alicia(['pair', 'mia'])).trim())
    assert.equal(`${url.origin}${url.pathname}`, `${hub.urls.http}/pair`)
    const pairing_code = url.hash.slice(1)
    const { status: entered, access } = await logIn({ pairing_code })
    assert.equal(entered, 200)
    assert.ok(access.scope.split(' ').includes('mqtt:*'))
    assert.equal((await logIn({ pairing_code })).status, 401)
    const token = access.access_token
    assert.equal((await hub.call('mqtt.establish_connection', {}, { token })).status, 200)
    assert.equal((await hub.call('people.list_people', {}, { token })).status, 403)
    assert.equal((await hub.call('people.pair', { name: 'mia' }, { token })).status, 200)
  })

  test('a password from stdin lets in; a wrong one does not', async () => {
    await alicia(['user', 'password', 'mia'], `${PASSWORD}\n`)
    assert.equal((await logIn({ name: 'mia', password: 'wrong horse battery' })).status, 401)
    assert.equal((await logIn({ name: 'nobody', password: PASSWORD })).status, 401)
    assert.equal((await logIn({ name: 'mia', password: PASSWORD })).status, 200)
  })

  test('whoever is disabled is out at once, whatever they came with, and in again when enabled', async () => {
    const personal = (await alicia(['token', 'create', 'tablet', '--for', 'mia', '--scope', '*'])).trim()
    const { access } = await logIn({ name: 'mia', password: PASSWORD })
    const tokens = [personal, access.access_token]
    const mia = await connectAssistant(ending, { ...hub, token: personal })
    await mia.call('establish_connection')
    const codes = async () => await Promise.all(tokens.map(async (token) => (await listOperations(token)).status))
    assert.deepEqual(await codes(), [200, 200])
    await alicia(['user', 'disable', 'mia'])
    assert.deepEqual(await codes(), [401, 401])
    await assert.rejects(mia.call('establish_connection'))
    assert.equal((await logIn({ name: 'mia', password: PASSWORD })).status, 401)
    await alicia(['user', 'enable', 'mia'])
    assert.equal((await codes())[0], 200)
  })

  test('a token may no more than its person from the moment that they may less', async () => {
    await alicia(['user', 'add', 'ann', '--role', 'adult'])
    const token = (await alicia(['token', 'create', 'laptop', '--for', 'ann', '--scope', '*'])).trim()
    const look = async () => (await hub.call('gateway.list_servers', {}, { token })).status
    assert.equal(await look(), 200)
    await alicia(['user', 'role', 'ann', 'guest'])
    assert.equal(await look(), 403)
    await alicia(['user', 'remove', 'ann'])
    assert.equal(await look(), 401)
  })

  test('neither the data folder nor what the hub said has a password', () => {
    for (const name of readdirSync(hub.home.data, { recursive: true, encoding: 'utf8' }))
      if (/\.(db|db-wal|log|json)$/.test(name))
        assert.ok(!readFileSync(join(hub.home.data, name), 'latin1').includes(PASSWORD), name)
    assert.ok(!(hub.stdout() + hub.stderr()).includes(PASSWORD))
  })

  test('people, and what they may, are there after a restart', async () => {
    const home = emptyHome(ending)
    const first = await startHub(ending, { home })
    await first.result('people.add_person', { name: 'mia', role: 'guest', password: PASSWORD, scopes: ['health:read'] })
    await first.end()
    const second = await startHub(ending, { home })
    const { people } = await second.result('people.list_people')
    assert.partialDeepStrictEqual(people, [{ name: 'mia', role: 'guest', scopes: ['health:read'], has_password: true }])
  })
})
