import { join } from 'node:path'
import process from 'node:process'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { fixtureCommand } from '../../src/testing/fixture/fixture.ts'
import { emptyHome, startHub, type Ending, type Home, type TestHub } from './hub.ts'
import { startProgram, within } from './program.ts'

/** An MCP server as `mcpServers` describes one that is started. */
export type Command = {
  readonly command: string
  readonly args: string[]
  readonly env?: Record<string, string>
}

const node = (program: string, ...args: string[]): Command => ({
  command: process.execPath,
  args: [fileURLToPath(program), ...args],
})

/** Servers of other people that tests attach; they keep what they write in this home. */
export const SERVERS = {
  everything: (transport: 'stdio' | 'streamableHttp' = 'stdio') =>
    node(import.meta.resolve('@modelcontextprotocol/server-everything/dist/index.js'), transport),
  /** Allowed: this folder only. */
  filesystem: ({ folder }: Pick<Home, 'folder'>) =>
    node(import.meta.resolve('@modelcontextprotocol/server-filesystem/dist/index.js'), folder),
  memory: ({ folder }: Pick<Home, 'folder'>): Command => ({
    ...node(import.meta.resolve('@modelcontextprotocol/server-memory/dist/index.js')),
    env: { MEMORY_FILE_PATH: join(folder, 'memory.jsonl') },
  }),
  /** The system's Chromium, without a window or a profile. */
  playwright: ({ folder }: Pick<Home, 'folder'>) => {
    const options = ['--headless', '--isolated', '--no-sandbox', '--output-dir', join(folder, 'browser')]
    return node(
      new URL('./cli.js', import.meta.resolve('@playwright/mcp/package.json')).href,
      '--executable-path',
      '/usr/bin/chromium',
      ...options,
    )
  },
}

/** Servers by name, as `mcpServers` has them, with settings of ours beside. */
export type Servers = Readonly<Record<string, (Command | { readonly url: string }) & Readonly<Record<string, unknown>>>>

/** A hub as its user starts it, with these servers in the `mcp.json` of its data folder; they are up. */
export async function startHubWith(
  ending: Ending,
  servers: (home: Home) => Servers,
  config?: object,
): Promise<TestHub> {
  const hub = await startHubWithAny(ending, servers, config)
  const { servers: listed } = await hub.result('gateway.list_servers')
  const names = (listed as { name: string }[]).map(({ name }) => name)
  await Promise.all(names.map((name) => hub.result('gateway.start_server', { name })))
  await within(allListed(hub, names), 'the tools of every server in the list')
  return hub
}

/** The same, whatever becomes of the servers. */
export async function startHubWithAny(
  ending: Ending,
  servers: (home: Home) => Servers,
  config: object = {},
): Promise<TestHub> {
  const home = emptyHome(ending)
  return await startHub(ending, { home, config, mcp: { mcpServers: servers(home) } })
}

/** Resolves when each of these servers has tools to offer. */
export async function allListed(hub: TestHub, names: readonly string[]): Promise<void> {
  for (;;) {
    const { servers } = await hub.result('gateway.list_servers')
    const offering = (servers as { name: string; tools: number }[]).filter(({ tools }) => tools > 0)
    if (names.every((name) => offering.some((server) => server.name === name))) return
    // The hub refuses whoever asks too often.
    await delay(50)
  }
}

/** The conformance fixture over HTTP; returns its address. It ends with the test. */
export async function startFixture(ending: Ending, era: 'both' | 'legacy' | 'modern'): Promise<string> {
  const { command, args } = fixtureCommand('http', era)
  const fixture = startProgram(command, args)
  ending.after(() => fixture.end())
  const [, url = ''] = await fixture.says(/^Listening at (\S+)$/m)
  return url
}
