import { readdirSync, readFileSync } from 'node:fs'
import { once } from 'node:events'
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { WebSocket } from 'ws'
import { ECHO, toolsOf } from '../echo-upstream.ts'
import { startHub, type BenchHub } from '../hub.ts'
import type { Row } from '../row.ts'

const CALLS = 100_000
const AT_ONCE = 64
const SERVERS = 4
const KILL_EVERY_MS = 1000
/** So that the calls last long enough for two dozen kills. */
const CALLS_PER_SECOND = 4000

/** What the calls came to, by the numbers that go into them: an answer must be to its own call. */
interface Tally {
  answered: number
  failed: number
  /** Answers to another call, a second answer, a failure that does not name the server. */
  wrong: string[]
  kills: number
}

export const killedUpstreams: Row = {
  tags: ['gateway', 'chaos'],
  name: `${CALLS / 1000},000 calls, a server killed every second`,
  limit: 'none lost, none twice, faults name it',
  async run() {
    const servers = Object.fromEntries(Array.from({ length: SERVERS }, (_, at) => [`echo${at}`, ECHO]))
    await using hub = await startHub({ servers })
    const tools = await toolsOf(hub, 'echo', SERVERS)
    const tally = await storm(hub, tools)
    const lost = CALLS - tally.answered - tally.failed
    const isUp = (await fetch(`${hub.httpUrl}/health`)).ok
    return {
      measured: `${tally.answered} answered, ${tally.failed} clear faults`,
      reference: `${tally.kills} kills; ${lost} lost, ${tally.wrong.length} wrong${tally.wrong[0] ? `: ${tally.wrong[0]}` : ''}`,
      ok: isUp && lost === 0 && tally.wrong.length === 0 && tally.kills > 0,
      figures: { answered: tally.answered, failed: tally.failed, lost, wrong: tally.wrong.length, kills: tally.kills },
    }
  },
}

async function storm(hub: BenchHub, tools: readonly string[]): Promise<Tally> {
  const tally: Tally = { answered: 0, failed: 0, wrong: [], kills: 0 }
  const socket = new WebSocket(hub.httpUrl.replace('http', 'ws') + '/mcp', {
    headers: { authorization: `Bearer ${hub.token}` },
  })
  await once(socket, 'open')
  const waiting = new Map<number, { tool: string; done: () => void }>()
  socket.on('message', (data) => {
    const message = JSON.parse((data as Buffer).toString()) as Answer
    if (message.id === undefined) return
    const call = waiting.get(message.id)
    if (!call) return void tally.wrong.push(`a second answer to ${message.id}`)
    waiting.delete(message.id)
    judge(message, call.tool, tally)
    call.done()
  })
  const send = (id: number, method: string, params: object) =>
    socket.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }))
  const hello = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'bench', version: '1.0.0' } }
  const opened = once(socket, 'message')
  send(-1, 'initialize', hello)
  await opened
  tally.wrong.length = 0
  const stop = new AbortController()
  const killing = kill(hub, tally, stop.signal)
  const startMs = performance.now()
  let next = 0
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      while (next < CALLS) {
        const id = next++
        const aheadMs = (id / CALLS_PER_SECOND) * 1000 - (performance.now() - startMs)
        if (aheadMs > 1) await sleep(aheadMs)
        const tool = tools[id % tools.length] ?? ''
        await new Promise<void>((done) => {
          waiting.set(id, { tool, done })
          send(id, 'tools/call', { name: tool, arguments: { text: `number ${id}.` } })
        })
      }
    }),
  )
  stop.abort()
  await killing
  socket.close()
  return tally
}

interface Answer {
  readonly id?: number
  readonly result?: { readonly isError?: boolean; readonly content: readonly { readonly text: string }[] }
  readonly error?: { readonly message: string }
}

function judge({ id, result, error }: Answer, tool: string, tally: Tally): void {
  const text = result?.content[0]?.text ?? error?.message ?? ''
  if (result && !result.isError) {
    if (text === `number ${id}.`) tally.answered++
    else tally.wrong.push(`${id} got ${text.slice(0, 40)}`)
    return
  }
  // The first server's tool has the bare name.
  const server = tool === 'echo' ? 'echo0' : tool.split('_', 1)[0]
  tally.failed++
  if (!text.includes(server ?? '')) tally.wrong.push(`an unclear fault: ${text.slice(0, 60)}`)
}

/** Kills one of the hub's servers every second, as the system might. */
async function kill(hub: BenchHub, tally: Tally, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await sleep(KILL_EVERY_MS, undefined, { signal }).catch(() => undefined)
    if (signal.aborted) return
    const pids = echoServersOf(hub.pid)
    const pid = pids[Math.floor(Math.random() * pids.length)]
    if (pid === undefined) continue
    process.kill(pid, 'SIGKILL')
    tally.kills++
  }
}

/** Children of the hub that run the echo server (Linux). */
function echoServersOf(parent: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
        const [, ppid] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
        return Number(ppid) === parent && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('echo-server')
      } catch {
        return false
      }
    })
}
