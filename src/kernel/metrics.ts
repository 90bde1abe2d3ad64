import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { FaultCode } from './fault.ts'

/** What the hub counts about calls. */
export interface Metrics {
  called(operation: string, outcome: 'ok' | FaultCode, durationMs: number): void
  running(change: 1 | -1): void
  /** Prometheus text exposition format 0.0.4. */
  exposition(): Promise<string>
}

/** Seconds; from a lookup in memory to a collection over minutes. */
const BUCKETS = [0.0005, 0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10, 60, 300]

export function createMetrics(): Metrics {
  const registers = [new Registry()]
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
  // A child per label set, looked up once: labels() hashes its arguments on every call.
  const countOf = new Map<string, ReturnType<typeof calls.labels>>()
  const timeOf = new Map<string, ReturnType<typeof seconds.labels>>()
  return {
    called(operation, outcome, durationMs) {
      child(countOf, `${operation} ${outcome}`, () => calls.labels(operation, outcome)).inc()
      child(timeOf, operation, () => seconds.labels(operation)).observe(durationMs / 1000)
    },
    running: (change) => void (runningNow += change),
    exposition: async () => (await Promise.all(registers.map((registry) => registry.metrics()))).join('\n'),
  }
}

function child<T>(children: Map<string, T>, key: string, make: () => T): T {
  const known = children.get(key)
  if (known !== undefined) return known
  const made = make()
  children.set(key, made)
  return made
}
