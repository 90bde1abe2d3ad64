import type { BenchHub } from './hub.ts'
import type { Row } from './row.ts'
import { versus, type Verdict } from './versus.ts'

export interface HttpProtocol {
  readonly tag: string
  readonly name: string
  /** The request of one connection, told apart by its number. */
  request(hub: BenchHub, connection: number): Promise<string>
}

const CONNECTIONS = 8
const LEAST_RATE = 0.35
const MOST_P50 = 2

/** The two rows of a protocol over HTTP: its rate on eight connections, and its p50 on one. */
export function httpRows(protocol: HttpProtocol): Row[] {
  const { tag, name } = protocol
  const contest = (connections: number) =>
    versus({
      requests: (hub) => Promise.all(Array.from({ length: connections }, (_, at) => protocol.request(hub, at))),
      expect: '"pong":true',
    })
  return [
    {
      tags: [tag, 'http', 'rate'],
      name: `${name}, 8 connections`,
      limit: `≥ ${LEAST_RATE} × plain node:http`,
      async run() {
        const verdict = await contest(CONNECTIONS)
        const { hub, plain, rateRatio } = verdict
        return {
          measured: `${rateRatio.toFixed(2)} × (${rate(hub.callsPerSecond)})`,
          reference: rate(plain.callsPerSecond),
          ok: rateRatio >= LEAST_RATE,
          figures: figures(verdict),
        }
      },
    },
    {
      tags: [tag, 'http', 'p50'],
      name: `${name}, 1 connection, p50`,
      limit: `≤ ${MOST_P50} × plain node:http`,
      async run() {
        const verdict = await contest(1)
        const { hub, plain, p50Ratio } = verdict
        return {
          measured: `${p50Ratio.toFixed(2)} × (${hub.p50Us.toFixed(0)} µs)`,
          reference: `${plain.p50Us.toFixed(0)} µs`,
          ok: p50Ratio <= MOST_P50,
          figures: figures(verdict),
        }
      },
    },
  ]
}

const rate = (callsPerSecond: number) => `${Math.round(callsPerSecond)}/s`

function figures({ hub, plain, rateRatio, p50Ratio }: Verdict): Record<string, number> {
  return {
    rate_ratio: rateRatio,
    p50_ratio: p50Ratio,
    hub_calls_per_second: hub.callsPerSecond,
    plain_calls_per_second: plain.callsPerSecond,
    hub_p50_us: hub.p50Us,
    plain_p50_us: plain.p50Us,
    hub_p99_us: hub.p99Us,
    plain_p99_us: plain.p99Us,
    client_cpu_hub: hub.clientCpu,
    client_cpu_plain: plain.clientCpu,
  }
}
