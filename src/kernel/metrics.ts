import { Counter, Gauge, Registry as Registers } from 'prom-client'
import { callExposition, CallMeter, type Metered } from './call-meter.ts'
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

/** Where the calls of one operation are counted: found once a call, by the operation's name. */
interface Counted extends Metered {
  readonly figures: CallSeries
}

export function createMetrics({ clock = systemClock, servers = () => [] }: MetricsOptions = {}): Metrics {
  const registers = [new Registers()]
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
  const counted = new Map<string, Counted>()

  const countedOf = ({ tool, provider }: Pick<Entry, 'tool' | 'provider'>): Counted => {
    const { name } = tool
    const made = { figures: figures.series(name, provider.id), meter: new CallMeter() }
    counted.set(name, made)
    return made
  }

  return {
    called(entry, outcome, durationMs, caller) {
      const { meter, figures: series } = counted.get(entry.tool.name) ?? countedOf(entry)
      meter.add(outcome, durationMs)
      series.add(caller, outcome !== 'ok', durationMs, clock.monotonic())
    },
    running: (change) => void (runningNow += change),
    retried: (provider) => retries.labels(provider).inc(),
    refused: (limit) => refusals.inc({ limit }),
    fellBack: (capability, to) => fallbacks.labels(capability, to).inc(),
    performance: figures,
    exposition: async () =>
      [callExposition(counted), ...(await Promise.all(registers.map((registry) => registry.metrics())))].join('\n'),
  }
}
