import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { Counter, Histogram, Registry } from 'prom-client'
import { callExposition, CallMeter } from './call-meter.ts'
import type { FaultCode } from './fault.ts'

const BUCKETS = [0.0005, 0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10, 60, 300]
const CALLS: readonly (readonly ['ok' | FaultCode, number])[] = [
  ['ok', 0],
  ['ok', 0.5],
  ['ok', 0.50001],
  ['timeout', 30_000],
  ['ok', 300_000],
  ['internal', 300_001],
]

suite('what Prometheus gets of calls', () => {
  test('is what its own library would say', async () => {
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
    const operations = new Map<string, { meter: CallMeter }>()
    for (const operation of ['lamps.set_level', 'a "quoted" \\ name\nof two lines']) {
      const meter = new CallMeter()
      operations.set(operation, { meter })
      for (const [outcome, ms] of CALLS) {
        meter.add(outcome, ms)
        calls.inc({ operation, outcome })
        seconds.observe({ operation }, ms / 1000)
      }
    }
    assert.equal(callExposition(operations).trim(), (await registers[0]?.metrics())?.trim())
  })
})
