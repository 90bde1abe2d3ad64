import { startFlood } from '../flood.ts'
import { startHub, type BenchHub } from '../hub.ts'
import { postRequest, startLoad } from '../load.ts'
import type { Row } from '../row.ts'
import { median } from '../statistics.ts'

const PER_SECOND = 1000
const MOST_P99 = 2
const ROUNDS = 9
const ROUND_MS = 1000
const WARM_UP_MS = 2000

interface Flood {
  readonly tag: string
  readonly name: string
  requests(hub: BenchHub): readonly string[]
}

const FLOODS: readonly Flood[] = [
  {
    tag: 'wrong-tokens',
    name: 'wrong tokens at /mcp',
    requests: () => made((at) => postRequest('/mcp', { authorization: `Bearer wrong-${at}` }, {})),
  },
  {
    tag: 'wrong-passwords',
    name: 'wrong passwords at /auth/login',
    requests: () => made((at) => postRequest('/auth/login', {}, { name: `name-${at % 100}`, password: `wrong-${at}` })),
  },
]

const made = (request: (at: number) => string) => Array.from({ length: 1000 }, (_, at) => request(at))

/** What others feel of it: rounds with and without the flood take turns, and the ratio is taken within each pair. */
export const loginFlood: readonly Row[] = FLOODS.map(({ tag, name, requests }) => ({
  tags: ['flood', tag, 'security', 'p99'],
  name: `p99 of others under ${PER_SECOND} ${name} a second`,
  limit: `≤ ${MOST_P99} × idle`,
  async run() {
    await using hub = await startHub()
    await using load = await startLoad()
    await using flood = await startFlood()
    const ping = postRequest('/api/mqtt/ping', { authorization: `Bearer ${hub.token}` }, {})
    const turn = (durationMs: number) =>
      load.ask({ port: hub.httpPort, requests: [ping], expect: '"pong":true', durationMs })
    const job = { port: hub.httpPort, requests: requests(hub), perSecond: PER_SECOND, durationMs: ROUND_MS }
    await turn(WARM_UP_MS)
    await flood.ask(job)
    const rounds: { idle: number; flooded: number; answered: number; statuses: string }[] = []
    while (rounds.length < ROUNDS) {
      const idle = await turn(ROUND_MS)
      const [flooded, sent] = await Promise.all([turn(ROUND_MS), flood.ask(job)])
      const statuses = Object.keys(sent.statuses).join(', ')
      rounds.push({ idle: idle.p99Us, flooded: flooded.p99Us, answered: sent.perSecond, statuses })
    }
    const of = (key: 'idle' | 'flooded' | 'answered') => median(rounds.map((round) => round[key]))
    const ratio = median(rounds.map(({ idle, flooded }) => flooded / idle))
    return {
      measured: `${ratio.toFixed(2)} × (${of('flooded').toFixed(0)} µs)`,
      reference: `${of('idle').toFixed(0)} µs idle; ${of('answered').toFixed(0)}/s refused (${rounds.at(-1)?.statuses})`,
      ok: ratio <= MOST_P99,
      figures: {
        p99_ratio: ratio,
        idle_p99_us: of('idle'),
        flooded_p99_us: of('flooded'),
        refused_per_second: of('answered'),
      },
    }
  },
}))
