import { startChild } from '../child.ts'
import { ARGUMENTS, ECHO, SAID, toolsOf } from '../echo-upstream.ts'
import { startHub, type BenchHub } from '../hub.ts'
import { postRequest, startLoad, type LoadResult } from '../load.ts'
import { openSession, sessionCall } from '../mcp.ts'
import { PEERS, startPeer } from '../peers.ts'
import type { Row } from '../row.ts'
import { median } from '../statistics.ts'

const ROUNDS = 7
const ROUND_MS = 700
const WARM_UP_MS = 6000
const CONNECTIONS = 8
const LEAST_RATE = 0.6
const MOST_P50 = 1.6
const LEAST_OVER_PEERS = 5

const rate = (callsPerSecond: number) => `${Math.round(callsPerSecond)}/s`

/** Calls of another server's tool: the hub against the simplest relay there can be, and against other gateways. */
export const relayRows: readonly Row[] = [
  {
    tags: ['gateway', 'relay', 'rate'],
    name: `tools/call to a stdio server, ${CONNECTIONS} connections`,
    limit: `≥ ${LEAST_RATE} × the simplest relay`,
    async run() {
      const { hub, relay, rates } = await contest(CONNECTIONS)
      const ratio = median(rates)
      return {
        measured: `${ratio.toFixed(2)} × (${rate(hub.callsPerSecond)})`,
        reference: rate(relay.callsPerSecond),
        ok: ratio >= LEAST_RATE,
        figures: {
          rate_ratio: ratio,
          hub_calls_per_second: hub.callsPerSecond,
          relay_calls_per_second: relay.callsPerSecond,
        },
      }
    },
  },
  {
    tags: ['gateway', 'relay', 'p50'],
    name: 'tools/call to a stdio server, 1 connection, p50',
    limit: `≤ ${MOST_P50} × the simplest relay`,
    async run() {
      const { hub, relay, p50s } = await contest(1)
      const ratio = median(p50s)
      return {
        measured: `${ratio.toFixed(2)} × (${hub.p50Us.toFixed(0)} µs)`,
        reference: `${relay.p50Us.toFixed(0)} µs`,
        ok: ratio <= MOST_P50,
        figures: { p50_ratio: ratio, hub_p50_us: hub.p50Us, relay_p50_us: relay.p50Us },
      }
    },
  },
  ...PEERS.map((peer): Row => ({
    tags: ['gateway', 'peers', peer],
    name: `tools/call to a stdio server, ${CONNECTIONS} connections: ${peer}`,
    limit: `Alicia ≥ ${LEAST_OVER_PEERS} ×`,
    async run() {
      await using hub = await startEchoHub()
      await using other = await startPeer(peer)
      await using load = await startLoad()
      const mine = await echoRequests(hub, CONNECTIONS)
      const theirs = await Promise.all(
        Array.from({ length: CONNECTIONS }, (_, at) => other.request(at, 'echo', ARGUMENTS)),
      )
      const turn = async (port: number, requests: readonly string[], durationMs: number) =>
        await load.ask({ port, requests, expect: SAID, durationMs })
      await turn(hub.httpPort, mine, WARM_UP_MS)
      await turn(other.port, theirs, WARM_UP_MS)
      const ratios: number[] = []
      const rates: number[] = []
      while (ratios.length < ROUNDS) {
        const they = await turn(other.port, theirs, ROUND_MS)
        const we = await turn(hub.httpPort, mine, ROUND_MS)
        rates.push(they.callsPerSecond)
        ratios.push(we.callsPerSecond / they.callsPerSecond)
      }
      const ratio = median(ratios)
      return {
        measured: `${rate(median(rates))}; Alicia ${ratio.toFixed(1)} ×`,
        reference: rate(median(rates) * ratio),
        ok: ratio >= LEAST_OVER_PEERS,
        figures: { ratio, peer_calls_per_second: median(rates) },
      }
    },
  })),
]

async function startEchoHub(): Promise<BenchHub> {
  const hub = await startHub({ servers: { echo: ECHO } })
  await toolsOf(hub, 'echo', 1)
  return hub
}

async function echoRequests(hub: BenchHub, connections: number): Promise<string[]> {
  return await Promise.all(
    Array.from({ length: connections }, async (_, at) => {
      const { headers, body } = sessionCall(await openSession(hub), at, 'echo', ARGUMENTS)
      return postRequest('/mcp', headers, body)
    }),
  )
}

/** In turns, as in `versus`: whatever else runs slows both. */
async function contest(connections: number) {
  await using hub = await startEchoHub()
  await using relay = await startChild<never, number>(new URL('../pipe-relay.child.ts', import.meta.url))
  await using load = await startLoad()
  const requests = await echoRequests(hub, connections)
  const turn = (port: number, durationMs: number) => load.ask({ port, requests, expect: SAID, durationMs })
  await turn(hub.httpPort, WARM_UP_MS)
  await turn(relay.ready, WARM_UP_MS / 2)
  const rounds: { hub: LoadResult; relay: LoadResult }[] = []
  while (rounds.length < ROUNDS)
    rounds.push({ relay: await turn(relay.ready, ROUND_MS), hub: await turn(hub.httpPort, ROUND_MS) })
  const middle = (side: 'hub' | 'relay') => ({
    callsPerSecond: median(rounds.map((round) => round[side].callsPerSecond)),
    p50Us: median(rounds.map((round) => round[side].p50Us)),
  })
  return {
    hub: middle('hub'),
    relay: middle('relay'),
    rates: rounds.map((round) => round.hub.callsPerSecond / round.relay.callsPerSecond),
    p50s: rounds.map((round) => round.hub.p50Us / round.relay.p50Us),
  }
}
