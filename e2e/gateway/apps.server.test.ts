import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { after, before, suite, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { cleanUps } from '../../src/testing/mqtt-toolkit.ts'
import type { TestHub } from '../support/hub.ts'
import { CAPABILITIES, CLIENTS, textOf, type ClientKind } from '../support/mcp-client.ts'
import { within } from '../support/program.ts'
import { allListed, startHubWith } from '../support/servers.ts'

const APPS = { extensions: { 'io.modelcontextprotocol/ui': { mimeTypes: ['text/html;profile=mcp-app'] } } }
const clock = (words: string) => ({
  command: process.execPath,
  args: [fileURLToPath(new URL('../support/apps.child.ts', import.meta.url)), words],
})

suite('MCP Apps: the user interface of a server, through the hub', () => {
  const ending = cleanUps()
  let hub: TestHub
  before(async () => {
    const first = clock('first')
    hub = await startHubWith(ending, () => ({ first }))
    // Names and addresses are the first one's who has them.
    writeFileSync(join(hub.home.data, 'mcp.json'), JSON.stringify({ mcpServers: { first, second: clock('second') } }))
    await hub.result('gateway.reload_servers')
    await within(allListed(hub, ['first', 'second']), 'the tools of the second server')
  })
  after(ending.run)

  for (const kind of Object.keys(CLIENTS) as ClientKind[]) {
    const connect = (capabilities: object) =>
      CLIENTS[kind](ending, { url: hub.urls.mcp, token: hub.token }, { ...CAPABILITIES, ...capabilities })
    const timeTools = async (capabilities: object) => {
      const client = await connect(capabilities)
      const tools = (await client.list('tools')) as { name: string; _meta?: { ui: { resourceUri: string } } }[]
      return { client, tools: tools.filter(({ name }) => /time|tick/.test(name)) }
    }

    test(`${kind}: a client that shows apps has them all, each with its own resource`, async () => {
      const { client, tools } = await timeTools(APPS)
      assert.deepEqual(
        tools.map(({ name, _meta }) => [name, _meta?.ui.resourceUri]),
        [
          ['second_show_time', 'ui://~second/clock/app.html'],
          ['second_tick', 'ui://~second/clock/app.html'],
          ['show_time', 'ui://clock/app.html'],
          ['tick', 'ui://clock/app.html'],
        ],
      )
      for (const [uri, words] of [
        ['ui://clock/app.html', 'first'],
        ['ui://~second/clock/app.html', 'second'],
      ] as const) {
        const { contents } = await client.request('resources/read', { uri })
        assert.deepEqual(contents, [
          {
            uri,
            mimeType: 'text/html;profile=mcp-app',
            text: `<!doctype html><p>${words}`,
            _meta: { ui: { csp: { connectDomains: ['https://clock.example'] } } },
          },
        ])
      }
      assert.equal(textOf(await client.call('second_tick')), 'second: noon')
    })

    test(`${kind}: any other is not shown what is for an app alone`, async () => {
      const { client, tools } = await timeTools({})
      assert.deepEqual(
        tools.map(({ name }) => name),
        ['second_show_time', 'show_time'],
      )
      assert.equal(textOf(await client.call('show_time')), 'first: noon')
    })
  }

  test('nor is a model that searches', async () => {
    const client = await CLIENTS['SDK v1'](ending, { url: hub.urls.mcp, token: hub.token }, APPS)
    const found = await client.call('find_tools', { server: 'first' })
    const { tools } = found['structuredContent'] as { tools: { name: string }[] }
    assert.deepEqual(
      tools.map(({ name }) => name),
      ['show_time'],
    )
  })
})
