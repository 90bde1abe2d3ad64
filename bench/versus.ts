import { startChild } from './child.ts'
import { startHub, type BenchHub } from './hub.ts'
import { startLoad, type LoadResult } from './load.ts'
import { median } from './statistics.ts'

export interface Contest {
  /** One whole HTTP request for each connection. */
  requests(hub: BenchHub): Promise<readonly string[]>
  readonly expect: string
}

/** The two servers' medians, and the median of the ratios round by round. */
export interface Verdict {
  readonly hub: LoadResult
  readonly plain: LoadResult
  /** Hub's share of the plain server's calls per second. */
  readonly rateRatio: number
  /** Hub's multiple of the plain server's p50. */
  readonly p50Ratio: number
}

const WARM_UP_MS = 2000
const ROUNDS = 7
const ROUND_MS = 700

/**
 * The hub against a plain server under the same bytes of load. The machine is shared: they take turns, so that whatever
 * else runs slows both, and the ratio is taken within each pair of turns.
 */
export async function versus(contest: Contest): Promise<Verdict> {
  await using hub = await startHub()
  await using plain = await startChild<never, number>(new URL('./plain-server.child.ts', import.meta.url))
  await using load = await startLoad()
  const requests = await contest.requests(hub)
  const turn = (port: number, durationMs: number) => load.ask({ port, requests, expect: contest.expect, durationMs })
  await turn(hub.httpPort, WARM_UP_MS)
  await turn(plain.ready, WARM_UP_MS / 2)
  const rounds: { hub: LoadResult; plain: LoadResult }[] = []
  while (rounds.length < ROUNDS)
    rounds.push({ plain: await turn(plain.ready, ROUND_MS), hub: await turn(hub.httpPort, ROUND_MS) })
  return {
    hub: medians(rounds.map(({ hub }) => hub)),
    plain: medians(rounds.map(({ plain }) => plain)),
    rateRatio: median(rounds.map(({ hub, plain }) => hub.callsPerSecond / plain.callsPerSecond)),
    p50Ratio: median(rounds.map(({ hub, plain }) => hub.p50Us / plain.p50Us)),
  }
}

function medians(results: readonly LoadResult[]): LoadResult {
  const of = (key: keyof LoadResult) => median(results.map((result) => result[key]))
  return { callsPerSecond: of('callsPerSecond'), p50Us: of('p50Us'), p99Us: of('p99Us'), clientCpu: of('clientCpu') }
}
