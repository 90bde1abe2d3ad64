import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { startProgram } from '../../../e2e/support/program.ts'
import { META, MODERN_REVISION } from '../../kernel/mcp/protocol.ts'
import { RelayedResult } from '../../kernel/mcp/relayed.ts'
import { fixtureCommand } from '../../testing/fixture/fixture.ts'
import { temporaryFolder } from '../../testing/folder.ts'
import { connected, http, stdio, type Connected, type Ending } from './connecting.fixture.ts'

type Value = Record<string, unknown>
const CAPABILITIES = { sampling: {}, elicitation: {}, roots: {} }
const find = createRequire(import.meta.url)
const official = (name: string) => join(find.resolve(`@modelcontextprotocol/${name}/package.json`), '../dist/index.js')

/** One request as a client of the connection's revision sends it; also what came before its answer. */
async function ask({ connection }: Pick<Connected, 'connection'>, method: string, params: Value = {}) {
  const heard: string[] = []
  const modern = {
    [META.revision]: MODERN_REVISION,
    [META.clientInfo]: { name: 't', version: '1' },
    [META.clientCapabilities]: CAPABILITIES,
  }
  const { value } = await connection.request({
    method,
    params: (id) =>
      JSON.stringify({
        ...params,
        _meta: { progressToken: id, ...(connection.revision === MODERN_REVISION && modern) },
      }),
    signal: AbortSignal.timeout(20_000),
    onNotification: (notification) => heard.push(notification.method),
  })
  return { value, heard }
}

const call = (connected: Pick<Connected, 'connection'>, name: string, args: Value = {}) =>
  ask(connected, 'tools/call', { name, arguments: args })

async function fixture(ending: Ending, transport: 'http' | 'stdio', era: 'legacy' | 'modern' | 'both') {
  const { command, args } = fixtureCommand(transport, era)
  if (transport === 'stdio') return stdio({ command, args })
  const program = startProgram(command, args)
  ending.after(() => program.end())
  const [, url = ''] = await program.says(/Listening at (\S+)/)
  return http(url)
}

suite('servers made with the official libraries', () => {
  for (const transport of ['stdio', 'http'] as const)
    for (const era of ['legacy', 'modern', 'both'] as const)
      test(`${transport}, ${era}`, async (t) => {
        const server = await connected(t, await fixture(t, transport, era), {
          capabilities: CAPABILITIES,
          onRequest: () =>
            Promise.resolve(
              new RelayedResult('{"role":"assistant","content":{"type":"text","text":"asked"},"model":"m"}'),
            ),
        })
        const { connection } = server
        assert.equal(connection.revision, era === 'legacy' ? '2025-11-25' : MODERN_REVISION)
        assert.ok('tools' in connection.capabilities)
        assert.equal(typeof connection.serverInfo['name'], 'string')
        const { value } = await call(server, 'test_simple_text')
        assert.match(JSON.stringify(value), /"type":"text"/)
        const { heard } = await call(server, 'test_tool_with_progress')
        assert.deepEqual(
          heard,
          Array.from({ length: heard.length }, () => 'notifications/progress'),
        )
        assert.ok(heard.length >= 3, 'the one right before the result too')
        const prompts = (await ask(server, 'prompts/list')).value['prompts']
        assert.ok(Array.isArray(prompts) && prompts.length > 0)
        const asked = await call(server, 'test_sampling', { prompt: 'Say something.' })
        if (era === 'legacy') assert.match(JSON.stringify(asked.value), /asked/)
        else assert.equal(asked.value['resultType'], 'input_required')
        assert.equal(connection.running, 0)
      })

  test('a subscription of 2026-07-28 hears what it asked for, on pipes too', async (t) => {
    for (const transport of ['stdio', 'http'] as const) {
      const server = await connected(t, await fixture(t, transport, 'modern'))
      const acknowledged = Promise.withResolvers<void>()
      const changed = Promise.withResolvers<void>()
      const over = new AbortController()
      const meta = {
        [META.revision]: MODERN_REVISION,
        [META.clientInfo]: { name: 't', version: '1' },
        [META.clientCapabilities]: {},
      }
      const listening = server.connection.request({
        method: 'subscriptions/listen',
        params: () => JSON.stringify({ notifications: { toolsListChanged: true }, _meta: meta }),
        signal: over.signal,
        onNotification({ method }) {
          if (method === 'notifications/subscriptions/acknowledged') acknowledged.resolve()
          if (method === 'notifications/tools/list_changed') changed.resolve()
        },
      })
      await acknowledged.promise
      await call(server, 'test_trigger_tool_change')
      await changed.promise
      over.abort(new Error('enough'))
      await assert.rejects(listening, /enough/)
      assert.deepEqual(server.notifications, [])
    }
  })

  test('server-everything shows all its tools to a client that can be asked', async (t) => {
    const transport = stdio({ command: process.execPath, args: [official('server-everything'), 'stdio'] })
    const server = await connected(t, transport, { capabilities: CAPABILITIES })
    const { value } = await ask(server, 'tools/list')
    assert.equal((value['tools'] as unknown[]).length, 16)
    const { heard } = await call(server, 'trigger-long-running-operation', { duration: 0.2, steps: 4 })
    assert.equal(heard.length, 4)
  })

  test('server-filesystem asks for roots', async (t) => {
    const folder = temporaryFolder(t)
    const asked = Promise.withResolvers<string>()
    const transport = stdio({ command: process.execPath, args: [official('server-filesystem'), folder] })
    const server = await connected(t, transport, {
      capabilities: CAPABILITIES,
      onRequest: ({ method }) => {
        asked.resolve(method)
        return Promise.resolve(new RelayedResult(JSON.stringify({ roots: [{ uri: `file://${folder}` }] })))
      },
    })
    assert.equal(await asked.promise, 'roots/list')
    assert.match(JSON.stringify((await call(server, 'list_allowed_directories')).value), /alicia-test-/)
  })

  test('server-memory keeps what it is told', async (t) => {
    const file = join(temporaryFolder(t), 'memory.json')
    const server = await connected(t, {
      ...stdio({ command: process.execPath, args: [official('server-memory')] }),
      env: { MEMORY_FILE_PATH: file },
    })
    await call(server, 'create_entities', { entities: [{ name: 'Mia', entityType: 'cat', observations: ['sleeps'] }] })
    assert.match(JSON.stringify((await call(server, 'read_graph')).value), /Mia/)
  })
})
