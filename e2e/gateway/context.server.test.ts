import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { cleanUps } from '../../src/testing/mqtt-toolkit.ts'
import { emptyHome, startHub, type TestHub } from '../support/hub.ts'
import { CLIENTS, textOf, type ClientKind, type McpClient, type Result } from '../support/mcp-client.ts'
import { allListed, SERVERS } from '../support/servers.ts'

const KINDS = Object.keys(CLIENTS) as ClientKind[]
const ROWS = JSON.stringify({ rows: Array.from({ length: 2000 }, (_, id) => ({ id, name: `row ${id}` })) })

/** Two servers behind a profile that is searched, and one that lists everything. */
async function startWithProfiles(ending: Parameters<typeof emptyHome>[0]): Promise<TestHub> {
  const home = emptyHome(ending)
  const mcpServers = { files: SERVERS.filesystem(home), everything: SERVERS.everything() }
  const profiles = {
    work: { servers: ['files', 'everything'], list: 'search', alwaysList: ['list_directory'], resultTokens: 2000 },
    small: { servers: ['files'] },
  }
  const hub = await startHub(ending, { home, mcp: { mcpServers, profiles } })
  const names = Object.keys(mcpServers)
  await Promise.all(names.map((name) => hub.result('gateway.start_server', { name })))
  await allListed(hub, names)
  writeFileSync(join(home.folder, 'rows.json'), ROWS)
  return hub
}

suite('a profile that is searched', () => {
  const ending = cleanUps()
  let hub: TestHub
  before(async () => (hub = await startWithProfiles(ending)))
  after(() => ending.run())

  const connect = (kind: ClientKind, profile = 'work', token = hub.token): Promise<McpClient> =>
    CLIENTS[kind](ending, { url: `${hub.urls.mcp}/${profile}`, token })
  const read = (client: McpClient, more: object = {}) =>
    client.call('call_tool', {
      name: 'read_text_file',
      arguments: { path: join(hub.home.folder, 'rows.json'), ...more },
    })

  for (const kind of KINDS) {
    test(`${kind}: lists the search, finds a tool and calls it`, async () => {
      const client = await connect(kind)
      const listed = (await client.list('tools')).map(({ name }) => name)
      assert.deepEqual(listed, ['call_tool', 'find_tools', 'list_directory', 'read_result'])
      const { structuredContent } = await client.call('find_tools', { query: 'add two numbers', limit: 3 })
      const { tools } = structuredContent as { tools: { name: string }[] }
      assert.ok(tools.some(({ name }) => name === 'get-sum'))
      const sum = await client.call('call_tool', { name: 'get-sum', arguments: { a: 2, b: 3 } })
      assert.equal(textOf(sum), 'The sum of 2 and 3 is 5.')
    })

    test(`${kind}: progress and questions of a tool that is called so`, async () => {
      const client = await connect(kind)
      const operation = { name: 'trigger-long-running-operation', arguments: { duration: 0.2, steps: 2 } }
      await client.call('call_tool', operation, { progressToken: 'mine' })
      await client.notified('notifications/progress', ({ progressToken }) => progressToken === 'mine')
      const sampled = await client.call('call_tool', {
        name: 'trigger-sampling-request',
        arguments: { prompt: 'hi', maxTokens: 5 },
      })
      assert.match(textOf(sampled), /sampled answer/)
    })

    test(`${kind}: a large result begins, and is read on by resource and by tool`, async () => {
      const client = await connect(kind)
      const { content, structuredContent } = await read(client)
      const [begin, notice, link] = content as { text: string; uri: string }[]
      assert.equal(structuredContent, undefined)
      assert.match(notice?.text ?? '', /list of 2000, each \{"id": number, "name": string\}/)
      const parts = Number(/part 1 of (\d+)/.exec(notice?.text ?? '')?.[1])
      const [base, id] = /^(.*\/([^/]+))\/2$/.exec(link?.uri ?? '')?.slice(1) ?? []
      let whole = begin?.text ?? ''
      for (let part = 2; part <= parts; part++) {
        const { contents } = await client.request('resources/read', { uri: `${base}/${part}` })
        whole += (contents as [{ text: string }])[0].text
      }
      assert.equal(whole, ROWS)
      const rest = await client.call('read_result', { id, part: parts })
      assert.ok(ROWS.endsWith(textOf(rest)))
    })
  }

  test('a tool with an output schema keeps its structure, and its text is cut', async () => {
    const client = await connect('SDK v1')
    const path = join(hub.home.folder, 'rows.json')
    const { content, structuredContent }: Result = await client.call('read_text_file', { path })
    assert.deepEqual(structuredContent, { content: ROWS })
    assert.equal((content as unknown[]).length, 3)
  })

  test('nobody else reads a result', async () => {
    const scope = ['mcp:files', 'tokens:*']
    const { token } = await hub.result('tokens.create_token', { name: 'other', scopes: scope })
    const { content } = await read(await connect('SDK v1'))
    const uri = (content as { uri: string }[])[2]?.uri
    const other = await connect('SDK v1', 'work', String(token))
    await assert.rejects(other.request('resources/read', { uri }), /no kept result/)
    const refused = await other.call('call_tool', { name: 'get-sum', arguments: { a: 1, b: 2 } })
    assert.match(textOf(refused), /no tool called "get-sum"/)
  })

  test('a small profile lists everything; --cost says what each costs', async () => {
    const client = await connect('SDK v2, new era', 'small')
    const names = new Set((await client.list('tools')).map(({ name }) => name))
    assert.deepEqual([names.has('write_file'), names.has('find_tools')], [true, false])
    const { stdout } = await hub.cli(['tools', '--cost', '--json'])
    const { profiles } = JSON.parse(stdout) as { profiles: Record<string, number | string>[] }
    const work = profiles.find(({ profile }) => profile === 'work')
    assert.deepEqual([work?.['list'], work?.['listed']], ['search', 4])
    assert.ok(Number(work?.['tokens']) * 3 < Number(work?.['tokens_all']))
  })
})
