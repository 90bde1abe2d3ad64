import { Gauge, type Registry } from 'prom-client'
import type { ReplicaReport, ServerReport } from './server-report.ts'
import type { Status } from './status.ts'

const STATUSES: readonly Status[] = ['available', 'degraded', 'unavailable', 'unknown']
const BREAKERS: readonly ReplicaReport['breaker'][] = ['closed', 'half_open', 'open']

/** What Prometheus gets to know of the MCP servers behind the hub, read when it asks. */
export function registerServerGauges(registers: Registry[], servers: () => readonly ServerReport[]): void {
  const gauge = (name: string, help: string, read: (server: ServerReport) => number) =>
    new Gauge({
      name: `alicia_server_${name}`,
      help,
      labelNames: ['server'],
      registers,
      collect() {
        this.reset()
        for (const server of servers()) this.set({ server: server.id }, read(server))
      },
    })
  gauge('restarts', 'Starts after the first, since the hub started.', ({ restarts }) => restarts)
  gauge('tools', 'Tools that are offered.', ({ tools }) => tools)
  gauge('tools_held', 'Tools that changed and wait for a person.', ({ held }) => held)
  gauge('failovers', 'Calls passed on to another replica, since the hub started.', ({ failovers }) => failovers)
  new Gauge({
    name: 'alicia_server_status',
    help: 'How each MCP server is: 1 for its status, 0 for the others.',
    labelNames: ['server', 'status'],
    registers,
    collect() {
      this.reset()
      for (const server of servers())
        for (const status of STATUSES) this.set({ server: server.id, status }, status === server.status ? 1 : 0)
    },
  })
  const replicaGauge = (name: string, help: string, read: (replica: ReplicaReport) => number | undefined) =>
    new Gauge({
      name: `alicia_server_${name}`,
      help,
      labelNames: ['server', 'replica'],
      registers,
      collect() {
        this.reset()
        for (const { id, replicas } of servers())
          for (const replica of replicas) {
            const value = read(replica)
            if (value !== undefined) this.set({ server: id, replica: replica.name }, value)
          }
      },
    })
  replicaGauge('calls_running', 'Calls that run on it now.', ({ running }) => running)
  replicaGauge('latency_seconds', 'Average of its latest answers.', ({ latencyMs }) =>
    latencyMs === undefined ? undefined : latencyMs / 1000,
  )
  replicaGauge('breaker', 'Its breaker: 0 closed, 1 half open, 2 open.', ({ breaker }) => BREAKERS.indexOf(breaker))
}
