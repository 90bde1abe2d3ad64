import { Counter, Gauge, Histogram, Registry as Registers } from 'prom-client'
import type { Caller } from './caller.ts'
import { systemClock, type Clock } from './clock.ts'
import type { FaultCode } from './fault.ts'
import { createCallFigures, type CallSeries, type Performance } from './performance.ts'
import type { Limit } from './refusals.ts'
import type { ServerReport } from './server-report.ts'
import type { Entry } from './registry.ts'
import { registerServerGauges } from './server-gauges.ts'

/** What the hub counts about calls. */
export interface Metrics {
  called(entry: Pick<Entry, 'tool' | 'provider'>, outcome: 'ok' | FaultCode, durationMs: number, caller: Caller): void
  running(change: 1 | -1): void
  /** A call is tried once more. */
  retried(provider: string): void
  /** Something was refused because of a limit. */
  refused(limit: Limit): void
  /** A capability was done by somebody else than the first who should have. */
  fellBack(capability: string, to: string): void
  readonly performance: Performance
  /** Prometheus text exposition format 0.0.4. */
  exposition(): Promise<string>
}

export interface MetricsOptions {
  readonly clock?: Clock
  /** The MCP servers behind the hub, as they are now. */
  servers?(): readonly ServerReport[]
}

/** Seconds; from a lookup in memory to a collection over minutes. */
const BUCKETS = [0.0005, 0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10, 60, 300]

/** Where the calls of one operation are counted: found once a call, by the operation's name. */
interface Meter {
  readonly figures: CallSeries
  readonly seconds: Histogram.Internal<'operation'>
  readonly outcomes: Map<'ok' | FaultCode, Counter.Internal>
}

export function createMetrics({ clock = systemClock, servers = () => [] }: MetricsOptions = {}): Metrics {
  const registers = [new Registers()]
  const calls = new Counter({
    name: 'alicia_calls_total',
    help: 'Calls by operation and outcome.',
    labelNames: ['operation', 'outcome'],
    registers,
  })
  const seconds = new Histogram({
    name: 'alicia_call_seconds',
    help: 'How long calls took.',
    labelNames: ['operation'],
    buckets: BUCKETS,
    registers,
  })
  const retries = new Counter({
    name: 'alicia_retries_total',
    help: 'Calls that were tried once more, by provider.',
    labelNames: ['provider'],
    registers,
  })
  const fallbacks = new Counter({
    name: 'alicia_fallbacks_total',
    help: 'Capabilities done by another provider than the preferred one, by who did it.',
    labelNames: ['capability', 'provider'],
    registers,
  })
  const refusals = new Counter({
    name: 'alicia_refused_total',
    help: 'What was refused because of a limit.',
    labelNames: ['limit'],
    registers,
  })
  let runningNow = 0
  new Gauge({
    name: 'alicia_calls_running',
    help: 'Calls running now.',
    registers,
    collect() {
      this.set(runningNow)
    },
  })
  new Gauge({
    name: 'alicia_resident_memory_bytes',
    help: 'Resident memory of the hub.',
    registers,
    collect() {
      this.set(process.memoryUsage.rss())
    },
  })
  registerServerGauges(registers, servers)
  const figures = createCallFigures(clock)
  const meters = new Map<string, Meter>()

  // A child per label set, looked up once: labels() hashes its arguments on every call.
  const meterOf = ({ tool, provider }: Pick<Entry, 'tool' | 'provider'>): Meter => {
    const { name } = tool
    const made = { figures: figures.series(name, provider.id), seconds: seconds.labels(name), outcomes: new Map() }
    meters.set(name, made)
    return made
  }
  const outcomeOf = (meter: Meter, operation: string, outcome: 'ok' | FaultCode): Counter.Internal => {
    const made = calls.labels(operation, outcome)
    meter.outcomes.set(outcome, made)
    return made
  }

  return {
    called(entry, outcome, durationMs, caller) {
      const { name } = entry.tool
      const meter = meters.get(name) ?? meterOf(entry)
      const counter = meter.outcomes.get(outcome) ?? outcomeOf(meter, name, outcome)
      counter.inc()
      meter.seconds.observe(durationMs / 1000)
      meter.figures.add(caller, outcome !== 'ok', durationMs, clock.monotonic())
    },
    running: (change) => void (runningNow += change),
    retried: (provider) => retries.labels(provider).inc(),
    refused: (limit) => refusals.inc({ limit }),
    fellBack: (capability, to) => fallbacks.labels(capability, to).inc(),
    performance: figures,
    exposition: async () => (await Promise.all(registers.map((registry) => registry.metrics()))).join('\n'),
  }
}
