import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { BenchHub } from './hub.ts'
import { post, statelessCall } from './mcp.ts'

const PROGRAM = fileURLToPath(new URL('../src/testing/echo-server.ts', import.meta.url))

/** How to start the smallest MCP server there is, as mcp.json says it. */
export const ECHO = { command: process.execPath, args: [PROGRAM] } as const

/** What every answer of it must contain. */
export const SAID = 'hello'
export const ARGUMENTS = { text: SAID }

const POLL_MS = 5
const LIMIT_MS = 60_000

/** Waits until the hub lists so many tools of other servers that have this in their name; returns their names. */
export async function toolsOf(hub: BenchHub, part: string, count: number): Promise<string[]> {
  const endMs = performance.now() + LIMIT_MS
  while (performance.now() < endMs) {
    const names = (await listTools(hub)).filter((name) => name.includes(part))
    if (names.length >= count) return names
    await sleep(POLL_MS)
  }
  throw new Error(`The hub does not list ${count} tools with ${part} in their name: ${hub.log()}`)
}

async function listTools(hub: BenchHub): Promise<string[]> {
  const { headers, body } = statelessCall(hub, 1, 'tools/list')
  const { 'mcp-name': _, ...rest } = headers
  const { params, ...message } = body as { params: { _meta: object } }
  const response = await post(hub, {
    headers: { ...rest, 'mcp-method': 'tools/list' },
    body: { ...message, method: 'tools/list', params: { _meta: params._meta } },
  })
  const { result } = (await response.json()) as { result: { tools: { name: string }[] } }
  return result.tools.map(({ name }) => name)
}
