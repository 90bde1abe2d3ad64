import { spawn } from 'node:child_process'
import process from 'node:process'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { end } from '../child.ts'
import { ECHO, toolsOf } from '../echo-upstream.ts'
import { startHub } from '../hub.ts'
import { residentMb } from '../memory.ts'
import type { Row } from '../row.ts'
import { median } from '../statistics.ts'

const MOST_EXTRA_MS = 500
const ROUNDS = 3
const IDLE_SERVERS = 20
const MOST_EXTRA_MB = 40
const IDLE_MS = 20_000

const packaged = (name: string, ...args: string[]) => ({
  command: process.execPath,
  args: [
    fileURLToPath(new URL(`../../node_modules/@modelcontextprotocol/${name}/dist/index.js`, import.meta.url)),
    ...args,
  ],
})

/** Real ones, three of each kind: what a home begins with. */
const NINE = Object.fromEntries(
  [1, 2, 3].flatMap((number) => [
    [`everything${number}`, packaged('server-everything', 'stdio')],
    [`files${number}`, packaged('server-filesystem', '/tmp')],
    [`memory${number}`, packaged('server-memory')],
  ]),
)
/** A tool that each server of a kind has; a prefix tells the second and third apart. */
const KINDS = ['get-sum', 'read_text_file', 'read_graph']

export const manyUpstreams: readonly Row[] = [
  {
    tags: ['gateway', 'start', 'nine'],
    name: '9 stdio servers discovered and listed',
    limit: `≤ ${MOST_EXTRA_MS} ms beyond the slowest`,
    async run() {
      const hub: number[] = []
      const alone: number[] = []
      while (hub.length < ROUNDS) {
        alone.push(await slowestAlone())
        hub.push(await throughTheHub())
      }
      const extraMs = median(hub.map((ms, at) => ms - (alone[at] ?? 0)))
      return {
        measured: `${extraMs.toFixed(0)} ms beyond (${median(hub).toFixed(0)} ms in all)`,
        reference: `slowest of 9 at once, alone: ${median(alone).toFixed(0)} ms`,
        ok: extraMs <= MOST_EXTRA_MS,
        figures: { extra_ms: extraMs, hub_ms: median(hub), alone_ms: median(alone) },
      }
    },
  },
  {
    tags: ['gateway', 'memory', 'twenty'],
    name: `memory of the hub with ${IDLE_SERVERS} idle servers`,
    limit: `≤ ${MOST_EXTRA_MB} MB more than with none`,
    async run() {
      const none = await idleMb(0)
      const twenty = await idleMb(IDLE_SERVERS)
      return {
        measured: `${(twenty - none).toFixed(0)} MB more (${twenty.toFixed(0)} MB)`,
        reference: `${none.toFixed(0)} MB with none; ${IDLE_MS / 1000} s after the start`,
        ok: twenty - none <= MOST_EXTRA_MB,
        figures: { extra_mb: twenty - none, with_mb: twenty, without_mb: none },
      }
    },
  },
]

/** From the moment the hub is ready until it lists tools of all nine, with nothing remembered from before. */
async function throughTheHub(): Promise<number> {
  await using hub = await startHub({ servers: NINE })
  const startMs = performance.now()
  await Promise.all(KINDS.map((kind) => toolsOf(hub, kind, 3)))
  return performance.now() - startMs
}

/** All nine at once, without a hub: until the last has answered `tools/list`. */
async function slowestAlone(): Promise<number> {
  const startMs = performance.now()
  return Math.max(...(await Promise.all(Object.values(NINE).map((server) => listed(server, startMs)))))
}

async function listed(
  { command, args }: { command: string; args: readonly string[] },
  startMs: number,
): Promise<number> {
  const child = spawn(command, [...args], { stdio: ['pipe', 'pipe', 'ignore'] })
  const say = (message: object) => child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)
  const clientInfo = { name: 'bench', version: '1.0.0' }
  say({ id: 1, method: 'initialize', params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo } })
  try {
    for await (const line of createInterface({ input: child.stdout })) {
      const { id } = JSON.parse(line) as { id?: number }
      if (id === 2) return performance.now() - startMs
      if (id !== 1) continue
      say({ method: 'notifications/initialized' })
      say({ id: 2, method: 'tools/list', params: {} })
    }
    throw new Error(`${args[0]} ended before it listed its tools.`)
  } finally {
    await end(child)
  }
}

async function idleMb(count: number): Promise<number> {
  const servers = Object.fromEntries(Array.from({ length: count }, (_, at) => [`echo${at}`, ECHO]))
  await using hub = await startHub({ servers })
  if (count > 0) await toolsOf(hub, 'echo', count)
  await sleep(IDLE_MS)
  return await residentMb(hub)
}
