import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { emptyHome, startHub, type Home, type TestHub } from '../../e2e/support/hub.ts'
import { within } from '../../e2e/support/program.ts'
import { allListed } from '../../e2e/support/servers.ts'
import { tasks } from './ending.ts'

/** An `mcp.json`. */
interface McpFile {
  readonly mcpServers: Readonly<Record<string, object>>
  readonly profiles?: object
  readonly capabilities?: object
}

export interface ServerHub extends TestHub, AsyncDisposable {
  /** An MCP client at the hub's address, or at that of a profile; with the owner's token, or another. */
  connect(profile?: string, token?: string): Promise<Client>
}

/**
 * A hub of the example's own with this `mcp.json`, on free ports and in a temporary folder; every server is up and its
 * tools are known. It ends with the block that asked for it, and so do its clients.
 */
export async function startServerHub(fileFor: (home: Home) => McpFile): Promise<ServerHub> {
  const ending = tasks()
  const home = emptyHome(ending)
  const file = fileFor(home)
  mkdirSync(home.data, { recursive: true, mode: 0o700 })
  writeFileSync(join(home.data, 'mcp.json'), JSON.stringify(file), { mode: 0o600 })
  const hub = await startHub(ending, { home })
  await within(allListed(hub, Object.keys(file.mcpServers)), 'the tools of every server')
  return {
    ...hub,
    async connect(profile, token = hub.token) {
      const client = new Client({ name: 'example', version: '1.0.0' }, { versionNegotiation: { mode: 'auto' } })
      const requestInit = { headers: { authorization: `Bearer ${token}` } }
      const url = new URL(profile === undefined ? hub.urls.mcp : `${hub.urls.mcp}/${profile}`)
      await client.connect(new StreamableHTTPClientTransport(url, { requestInit }))
      home.after(() => client.close())
      return client
    },
    [Symbol.asyncDispose]: () => ending[Symbol.asyncDispose](),
  }
}

/** How `mcp.json` starts a server of the examples. */
export const exampleServer = (name: string, ...args: string[]) => ({
  command: process.execPath,
  args: [fileURLToPath(new URL(`./${name}.ts`, import.meta.url)), ...args],
})

/** What a tool answered, as text. */
export const textOf = ({ content }: Awaited<ReturnType<Client['callTool']>>): string =>
  (content as readonly { readonly text?: string }[]).map(({ text }) => text).join('\n')
