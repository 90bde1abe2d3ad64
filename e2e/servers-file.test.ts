import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { after, before, suite, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { cleanUps } from '../src/testing/mqtt-toolkit.ts'
import { ALICIA, startHub, type TestHub } from './support/hub.ts'
import { runProgram } from './support/program.ts'

const ECHO = fileURLToPath(new URL('../src/testing/echo-server.ts', import.meta.url))
const SECRET = 'hunter2-0123456789'

/** One hub whose servers are changed from the command line, as a person does. */
suite('mcp.json beside a running hub', () => {
  const ending = cleanUps()
  let hub: TestHub
  before(async () => {
    hub = await startHub(ending)
  })
  after(() => ending.run())

  /** Runs a command that changes a file, and waits until the hub has it. */
  const changing = async (args: readonly string[]) => {
    const { code, stderr } = await hub.cli(args)
    assert.equal(code, 0, stderr)
    await noticed()
  }
  let changes = 0
  const noticed = () => hub.says(new RegExp(`(MCP servers changed[^]*){${++changes}}`))
  const processOf = async (name: string) => {
    await hub.result('gateway.start_server', { name })
    const { lines } = (await hub.result('gateway.read_server_log', { name })) as { lines: { text: string }[] }
    return lines.findLast(({ text }) => /process \d+/.test(text))?.text
  }
  const echo = async (server: string) => (await hub.call(`${server}.echo`, { text: 'hi' })).status

  test('what is added runs at once, and the others go on', async () => {
    await changing(['add', 'one', '--', process.execPath, ECHO])
    const first = await processOf('one')
    assert.match(first ?? '', /process \d+/)
    await changing(['add', 'two', '--', process.execPath, ECHO])
    const second = await processOf('two')
    await changing(['add', 'two', '--force', '-e', 'NEW=1', '--', process.execPath, ECHO])
    assert.notEqual(await processOf('two'), second)
    assert.equal(await processOf('one'), first)
    assert.deepEqual([await echo('one'), await echo('two')], [200, 200])
    const { stdout } = await hub.cli(['list'])
    assert.match(stdout, /^one +stdio +ready +1 /m)
  })

  test('of several commands at once, each has its effect', async () => {
    const names = ['p1', 'p2', 'p3', 'p4']
    const file = join(hub.home.data, 'several.json')
    const all = await Promise.all(names.map((name) => hub.cli(['add', name, '--mcp-file', file, '--', 'x'])))
    for (const { code, stderr } of all) assert.equal(code, 0, stderr)
    const { mcpServers } = JSON.parse(readFileSync(file, 'utf8')) as { mcpServers: object }
    assert.deepEqual(Object.keys(mcpServers).sort(), names)
  })

  test('a broken file changes nothing, and says where it is broken', async () => {
    const file = join(hub.home.data, 'mcp.json')
    const whole = readFileSync(file, 'utf8')
    writeFileSync(file, whole.slice(0, -4))
    await hub.says(/mcp\.json:\d+:\d+: this is not JSON/)
    assert.equal(await echo('one'), 200)
    const { code, stdout, stderr } = await hub.cli(['list'])
    assert.equal(code, 2)
    assert.match(stdout, /^one .*ready/m)
    assert.match(stderr, /mcp\.json:\d+:\d+: this is not JSON/)
    assert.equal((await hub.cli(['doctor'])).code, 1)
    writeFileSync(file, whole)
  })

  test('a secret that comes later starts what waits for it, and is never seen', async () => {
    await changing(['add', 'three', '-e', 'API_KEY=${secret:three-key}', '--', process.execPath, ECHO])
    const before = await hub.cli(['list'])
    assert.match(before.stdout, /^three .*failed.*\n.*the secret three-key is not set/m)
    const { env, data } = hub.home
    await runProgram(process.execPath, [ALICIA, 'secret', 'set', 'three-key', '--data', data], { env, input: SECRET })
    await noticed()
    await processOf('three')
    assert.equal(await echo('three'), 200)
    const seen = [
      ...Object.values(await hub.cli(['inspect', 'three', '--json'])),
      ...Object.values(await hub.cli(['logs', 'three'])),
      hub.stdout(),
      hub.stderr(),
      readFileSync(join(hub.home.data, 'mcp.json'), 'utf8'),
      readFileSync(join(hub.home.data, 'secrets.json'), 'utf8'),
    ]
    assert.ok(!seen.join('\n').includes(SECRET))
  })

  test('what is removed is gone', async () => {
    await changing(['remove', 'one'])
    assert.equal(await echo('one'), 404)
    assert.equal(await echo('two'), 200)
  })
})
