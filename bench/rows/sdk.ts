import { startChild } from '../child.ts'
import { startHub } from '../hub.ts'
import { postRequest, startLoad, type LoadResult } from '../load.ts'
import { openSession, sessionCall } from '../mcp.ts'
import type { Row } from '../row.ts'
import { median } from '../statistics.ts'

const ROUNDS = 5
const ROUND_MS = 700
const WARM_UP_MS = 2000

/** Why the hub has an MCP front of its own: the SDK's, made anew for each request, and without identity or audit. */
export const sdk: Row = {
  tags: ['sdk', 'mcp'],
  name: 'MCP 2025-11-25 ping, 1 connection, p50: SDK',
  limit: '–',
  async run() {
    await using hub = await startHub()
    await using server = await startChild<never, number>(new URL('../sdk-server.child.ts', import.meta.url))
    await using load = await startLoad()
    const { headers, body } = sessionCall(await openSession(hub), 1, 'ping')
    const { 'mcp-session-id': _, ...stateless } = headers
    const turn = (port: number, headers: Record<string, string>, durationMs: number) =>
      load.ask({ port, requests: [postRequest('/mcp', headers, body)], expect: '"pong":true', durationMs })
    await turn(hub.httpPort, headers, WARM_UP_MS)
    await turn(server.ready, stateless, WARM_UP_MS)
    const rounds: { hub: LoadResult; sdk: LoadResult }[] = []
    while (rounds.length < ROUNDS)
      rounds.push({
        hub: await turn(hub.httpPort, headers, ROUND_MS),
        sdk: await turn(server.ready, stateless, ROUND_MS),
      })
    const sdkUs = median(rounds.map((round) => round.sdk.p50Us))
    const hubUs = median(rounds.map((round) => round.hub.p50Us))
    return {
      measured: `${sdkUs.toFixed(0)} µs`,
      reference: `Alicia ${hubUs.toFixed(0)} µs`,
      figures: { sdk_p50_us: sdkUs, hub_p50_us: hubUs },
    }
  },
}
