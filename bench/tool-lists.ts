import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import { systemClock } from '../src/kernel/clock.ts'
import { createEvents } from '../src/kernel/events.ts'
import { silentLog } from '../src/kernel/log.ts'
import { createRegistry, type Entry } from '../src/kernel/registry.ts'
import type { JsonSchema, Tool } from '../src/kernel/tool.ts'
import { services } from '../src/services.ts'

const PROGRAMS: Readonly<Record<string, readonly string[]>> = {
  everything: ['@modelcontextprotocol/server-everything/dist/index.js'],
  filesystem: ['@modelcontextprotocol/server-filesystem/dist/index.js', '.'],
  memory: ['@modelcontextprotocol/server-memory/dist/index.js'],
  playwright: ['@playwright/mcp/package.json', '--headless'],
}

/** The tools of four servers as they list them, and Alicia's own operations. */
export async function realTools(): Promise<readonly Entry[]> {
  const events = createEvents(() => undefined)
  const registry = createRegistry(events)
  const report = () => ({ status: 'available' as const, sinceMs: 0 })
  for (const service of services) service.join({ clock: systemClock, events, log: silentLog }, registry, report)
  for (const [id, program] of Object.entries(PROGRAMS))
    registry.add({ id, kind: 'upstream', tools: await toolsOf(id, program), report })
  return registry.list()
}

async function toolsOf(id: string, [module = '', ...args]: readonly string[]): Promise<Tool[]> {
  const found = fileURLToPath(import.meta.resolve(module))
  const path = found.replace(/package\.json$/, 'cli.js')
  const capabilities = { roots: { listChanged: true }, sampling: {}, elicitation: {} }
  const client = new Client({ name: 'bench', version: '1' }, { capabilities })
  await client.connect(new StdioClientTransport({ command: process.execPath, args: [path, ...args], stderr: 'ignore' }))
  try {
    const { tools } = await client.listTools()
    return tools.map(({ name, description, inputSchema }) =>
      plainTool(`${id}.${name}`, description ?? name, inputSchema),
    )
  } finally {
    await client.close()
  }
}

/** A tool that is only looked for. */
export const plainTool = (name: string, summary: string, inputSchema: JsonSchema): Tool => ({
  name,
  summary,
  inputSchema,
  scope: null,
  effect: 'read',
  idempotent: true,
  openWorld: false,
  streams: false,
  parse: (input) => input,
  checkOutput: () => {},
  run: () => Promise.reject(new TypeError('It is only looked for.')),
})
