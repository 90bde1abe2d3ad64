import type { FaultCode } from './fault.ts'

/** Seconds; from a lookup in memory to a collection over minutes. */
const BUCKETS = [0.0005, 0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10, 60, 300]

/**
 * The calls of one operation for Prometheus: how many ended how, and how long they took. Plain numbers: a histogram of the
 * library takes as long as all else that is counted of a call.
 */
export class CallMeter {
  readonly #counts: number[] = Array.from({ length: BUCKETS.length + 1 }, () => 0)
  readonly #outcomes = new Map<'ok' | FaultCode, number>()
  #seconds = 0

  add(outcome: 'ok' | FaultCode, durationMs: number): void {
    const seconds = durationMs / 1000
    let bucket = 0
    while (bucket < BUCKETS.length && seconds > (BUCKETS[bucket] ?? 0)) bucket++
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1
    this.#seconds += seconds
    this.#outcomes.set(outcome, (this.#outcomes.get(outcome) ?? 0) + 1)
  }

  outcomeLines(operation: string): string[] {
    const label = `operation="${escaped(operation)}"`
    return [...this.#outcomes].map(([outcome, count]) => `alicia_calls_total{${label},outcome="${outcome}"} ${count}`)
  }

  timeLines(operation: string): string[] {
    const label = `operation="${escaped(operation)}"`
    let count = 0
    const buckets = [...BUCKETS, '+Inf'].map((most, at) => {
      count += this.#counts[at] ?? 0
      return `alicia_call_seconds_bucket{le="${most}",${label}} ${count}`
    })
    return [
      ...buckets,
      `alicia_call_seconds_sum{${label}} ${this.#seconds}`,
      `alicia_call_seconds_count{${label}} ${count}`,
    ]
  }
}

/** Something with a meter of its own. */
export interface Metered {
  readonly meter: CallMeter
}

/** Both families of all operations, by name, in the text format that the library writes the others in. */
export const callExposition = (operations: ReadonlyMap<string, Metered>): string =>
  [
    '# HELP alicia_calls_total Calls by operation and outcome.',
    '# TYPE alicia_calls_total counter',
    ...[...operations].flatMap(([operation, { meter }]) => meter.outcomeLines(operation)),
    '',
    '# HELP alicia_call_seconds How long calls took.',
    '# TYPE alicia_call_seconds histogram',
    ...[...operations].flatMap(([operation, { meter }]) => meter.timeLines(operation)),
    '',
  ].join('\n')

/** Prometheus text format 0.0.4: a label's value. */
const escaped = (value: string): string =>
  value
    .replaceAll('\\', String.raw`\\`)
    .replaceAll('\n', String.raw`\n`)
    .replaceAll('"', String.raw`\"`)
