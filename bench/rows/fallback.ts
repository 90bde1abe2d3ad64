import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { ECHO, toolsOf } from '../echo-upstream.ts'
import { startHub, type BenchHub } from '../hub.ts'
import { post, sessionCall, openSession } from '../mcp.ts'
import type { Row } from '../row.ts'
import { median } from '../statistics.ts'

const MOST_ADDED_MS = 1
const CALLS = 400
const DEADLINE_SECONDS = 2

const broken = (behaviour: string) => ({
  command: process.execPath,
  args: [fileURLToPath(new URL('../../src/testing/upstreams/stdio.child.ts', import.meta.url)), behaviour, '1', ''],
})

/** A capability over two servers: the first is not to be had, the second is. */
const capabilities = {
  say_first: capability('echo.echo'),
  say_down: capability('gone.say', 'echo.echo'),
  say_hanging: capability('hanging.echo', 'echo.echo'),
}

function capability(...tools: string[]) {
  return {
    description: 'Says it again.',
    input: { text: { type: 'string' } },
    effect: 'read',
    providers: tools.map((tool) => ({ tool, timeoutSeconds: DEADLINE_SECONDS / 2 })),
  }
}

export const fallback: readonly Row[] = [
  {
    tags: ['gateway', 'fallback'],
    name: 'fallback, the first provider known to be down',
    limit: `≤ ${MOST_ADDED_MS} ms added at p50`,
    async run() {
      await using hub = await homeWithFallback()
      const headers = await openSession(hub)
      const time = async (name: string) => {
        const startMs = performance.now()
        await execute(hub, headers, name)
        return performance.now() - startMs
      }
      const [direct, fellBack]: [number[], number[]] = [[], []]
      for (let at = 0; at < CALLS; at++) {
        direct.push(await time('say_first'))
        fellBack.push(await time('say_down'))
      }
      const addedMs = median(fellBack) - median(direct)
      return {
        measured: `${addedMs.toFixed(2)} ms added`,
        reference: `${median(direct).toFixed(2)} ms with the first one up`,
        ok: addedMs <= MOST_ADDED_MS,
        figures: { added_ms: addedMs, direct_ms: median(direct), fallback_ms: median(fellBack) },
      }
    },
  },
  {
    tags: ['gateway', 'fallback'],
    name: 'fallback, the first provider hangs during the call',
    limit: `≤ its deadline (${DEADLINE_SECONDS} s)`,
    async run() {
      await using hub = await homeWithFallback()
      const headers = await openSession(hub)
      const startMs = performance.now()
      await execute(hub, headers, 'say_hanging')
      const seconds = (performance.now() - startMs) / 1000
      return {
        measured: `${seconds.toFixed(2)} s`,
        reference: `the first one has ${DEADLINE_SECONDS / 2} s of it`,
        ok: seconds <= DEADLINE_SECONDS,
        figures: { seconds },
      }
    },
  },
]

async function homeWithFallback(): Promise<BenchHub> {
  const servers = { echo: ECHO, gone: { command: 'no-such-program' }, hanging: broken('hangs-in-call') }
  const hub = await startHub({ servers, mcp: { capabilities } })
  // Both that can be up: one that is not yet would be passed over at once. Which of the two has the plain name is open.
  await toolsOf(hub, 'echo', 2)
  return hub
}

async function execute(hub: BenchHub, headers: Record<string, string>, name: string): Promise<void> {
  const call = sessionCall(headers, 1, 'execute_capability', { capability: name, arguments: { text: 'hello' } })
  const text = await (await post(hub, call)).text()
  if (!text.includes('hello') || text.includes('"isError":true')) throw new Error(text.slice(0, 500))
}
