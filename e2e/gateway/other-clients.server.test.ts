import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { after, suite, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { anyFreePort } from '../../src/testing/free-port.ts'
import { cleanUps } from '../../src/testing/mqtt-toolkit.ts'
import { emptyHome, type Ending, type Home } from '../support/hub.ts'
import { CLIENTS, textOf, type Server } from '../support/mcp-client.ts'
import { everyPlace } from '../support/places.ts'
import { runProgram, startProgram } from '../support/program.ts'
import { SERVERS, startHubWith } from '../support/servers.ts'

const bin = (name: string): string => fileURLToPath(new URL(`../../node_modules/.bin/${name}`, import.meta.url))

everyPlace(
  'server-everything, for other people’s clients',
  () => SERVERS.everything(),
  (place) => {
    for (const protocolEra of ['legacy', 'auto'])
      test(`the inspector’s command line, ${protocolEra}`, async () => {
        const { home, server } = place()
        const config = join(home.folder, `inspector-${protocolEra}.json`)
        writeFileSync(config, JSON.stringify({ mcpServers: { it: { ...entryOf(server), protocolEra } } }))
        const inspect = async (...args: string[]) => {
          const where = [bin('mcp-inspector'), '--cli', '--config', config, '--server', 'it', '--format', 'json']
          const env = { ...home.env, MCP_INSPECTOR_SECRET_STORE: 'memory' }
          const { stdout, stderr } = await runProgram(process.execPath, [...where, ...args], { env })
          return (JSON.parse(stdout || stderr.trim().split('\n').at(-1) || '') as { result: Record<string, object[]> })
            .result
        }
        const { tools = [] } = await inspect('--method', 'tools/list')
        assert.ok(tools.some((tool) => 'name' in tool && tool.name === 'get-structured-content'))
        const called = await inspect(
          '--method',
          'tools/call',
          '--tool-name',
          'get-sum',
          '--tool-arg',
          'a=2',
          '--tool-arg',
          'b=3',
        )
        assert.match(textOf(called), /sum of 2 and 3 is 5/)
      })
  },
)

suite('mcp-remote, which makes a command of an address', () => {
  const ending = cleanUps()
  after(ending.run)
  for (const [where, open] of [
    ['direct', everythingOverHttp],
    ['through the hub', everythingBehindHub],
  ] as const)
    test(where, async (t) => {
      const { home, url, token } = await open(ending)
      const header = ['--header', `Authorization:Bearer ${token}`]
      const args = [bin('mcp-remote'), url, '--allow-http', '--transport', 'http-only', ...header]
      const env = { ...home.env, MCP_REMOTE_CONFIG_DIR: join(home.folder, 'mcp-remote') }
      const client = await CLIENTS['SDK v1'](t, { command: process.execPath, args, env })
      assert.equal(textOf(await client.call('echo', { message: 'far away' })), 'Echo: far away')
      assert.match(textOf(await client.call('trigger-sampling-request', { prompt: 'hello' })), /sampled answer/)
      const params = { duration: 0.1, steps: 3 }
      await client.call('trigger-long-running-operation', params, { progressToken: 1 })
      assert.equal(client.notifications.filter(({ method }) => method === 'notifications/progress').length, 3)
    })
})

interface Address {
  readonly home: Home
  readonly url: string
  readonly token: string
}

async function everythingOverHttp(ending: Ending): Promise<Address> {
  const home = emptyHome(ending)
  const port = await anyFreePort()
  const { command, args } = SERVERS.everything('streamableHttp')
  const server = startProgram(command, args, { env: { ...home.env, PORT: `${port}` } })
  home.after(() => server.end())
  await server.says(/listening on port/)
  return { home, url: `http://127.0.0.1:${port}/mcp`, token: 'none' }
}

async function everythingBehindHub(ending: Ending): Promise<Address> {
  const { home, urls, token } = await startHubWith(ending, () => ({ upstream: SERVERS.everything() }))
  return { home, url: urls.mcp, token }
}

/** How the inspector's configuration names it. */
const entryOf = (server: Server): object =>
  'url' in server
    ? { type: 'streamable-http', url: server.url, headers: { Authorization: `Bearer ${server.token}` } }
    : { type: 'stdio', ...server }
