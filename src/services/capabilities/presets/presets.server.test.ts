import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import process from 'node:process'
import { suite, test, type TestContext } from 'node:test'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import { temporaryFolder } from '../../../testing/folder.ts'
import { readAnswer } from '../answer.ts'
import { compileCapability } from '../definition.ts'
import { KNOWN_CAPABILITIES } from './capabilities.ts'
import { PRESETS } from './presets.ts'

const require = createRequire(import.meta.url)

/** The real server of a preset, and what one of its capabilities answers there. */
async function serverOf(test: TestContext, kind: string, path: string, args: readonly string[] = [], env = {}) {
  const preset = PRESETS.find((one) => one.kind === kind)
  assert.ok(preset)
  const script = join(dirname(require.resolve(`${preset.server}/package.json`)), path)
  const client = new Client({ name: 'test', version: '1' })
  const home = temporaryFolder(test)
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [script, ...args],
    stderr: 'ignore',
    cwd: home,
    env: { PATH: process.env['PATH'] ?? '', HOME: home, ...env },
  })
  test.after(() => client.close())
  await client.connect(transport)
  const tools = new Set((await client.listTools()).tools.map(({ name }) => name))
  for (const name of preset.tools) assert.ok(tools.has(name), name)
  return async (name: string, raw: object): Promise<unknown> => {
    const [offer, known] = [preset.offers[name], KNOWN_CAPABILITIES[name]]
    assert.ok(offer && known)
    const capability = compileCapability({ name, ...known, providers: [offer] })
    const [provider] = capability.providers
    const input = capability.parse(raw)
    const now = '2026-01-01T00:00:00.000Z'
    assert.ok(tools.has(offer.tool), offer.tool)
    const { structuredContent, content, isError } = await client.callTool({
      name: offer.tool,
      arguments: provider?.arguments({ input, now }) as Record<string, unknown>,
    })
    assert.notEqual(isError, true, JSON.stringify(content))
    const result = readAnswer(structuredContent ?? { content })
    return provider?.result ? provider.result({ input, result, now }) : result.value
  }
}

suite('presets, with the real servers', () => {
  test('filesystem', async (test) => {
    const folder = temporaryFolder(test)
    writeFileSync(join(folder, 'a.txt'), 'hello')
    const call = await serverOf(test, 'filesystem', 'dist/index.js', [folder])
    const path = join(folder, 'b.txt')
    await call('write_file', { path, content: 'two\nlines' })
    assert.deepEqual(await call('read_file', { path }), { content: 'two\nlines' })
    assert.deepEqual(await call('list_files', { path: folder }), { entries: ['[FILE] a.txt', '[FILE] b.txt'] })
  })

  test('memory', async (test) => {
    const MEMORY_FILE_PATH = join(temporaryFolder(test), 'memory.jsonl')
    const call = await serverOf(test, 'memory', 'dist/index.js', [], { MEMORY_FILE_PATH })
    const event = { type: 'doorbell', who: 'postman' }
    const name = 'doorbell 2026-01-01T00:00:00.000Z'
    assert.deepEqual(await call('store_event', { event }), { stored: name })
    const { entities } = (await call('search_memory', { query: 'postman' })) as { entities: object[] }
    assert.deepEqual(entities, [{ name, entityType: 'event', observations: [JSON.stringify(event)] }])
  })

  test('playwright', async (test) => {
    const args = ['--headless', '--isolated', '--no-sandbox', '--executable-path', '/usr/bin/chromium']
    const call = await serverOf(test, 'playwright', 'cli.js', args)
    const url = 'data:text/html,<title>One</title>hello'
    await call('navigate', { url })
    assert.deepEqual(await call('detect_browser_tabs', { url_pattern: 'text/html*hello' }), {
      tabs: [`- 0: (current) [One](${url})`],
    })
    assert.deepEqual(await call('detect_browser_tabs', { url_pattern: 'elsewhere' }), { tabs: [] })
    const { content } = (await call('take_screenshot', {})) as { content: { type: string }[] }
    assert.ok(content.some(({ type }) => type === 'image'))
    assert.deepEqual(await call('close_browser_tab', { url: 'about:nothing' }), { closed: 0 })
    assert.deepEqual(await call('close_browser_tab', { url }), { closed: 1 })
  })
})
