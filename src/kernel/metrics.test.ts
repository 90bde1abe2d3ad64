import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { heldClock } from './clock.ts'
import { createMetrics } from './metrics.ts'
import type { ServerReport } from './server-report.ts'
import type { Entry } from './registry.ts'
import { callerWith, owner } from '../testing/hub.ts'

const entry = (name: string): Entry => ({ tool: { name }, provider: { id: name.split('.')[0] } }) as Entry

const server: ServerReport = {
  id: 'files',
  name: 'files',
  status: 'degraded',
  sinceMs: 0,
  state: 'ready',
  reached: 'stdio: files',
  needs: [],
  profiles: [],
  sharing: 'shared',
  connections: 0,
  tools: 3,
  prompts: 0,
  resources: 0,
  held: 1,
  restarts: 2,
  balance: 'round_robin',
  failovers: 5,
  replicas: [
    { name: 'files', reached: '', status: 'available', sinceMs: 0, weight: 1, running: 4, breaker: 'half_open' },
  ],
}

suite('metrics', () => {
  test('calls are counted by operation within windows, and forgotten when those have passed', () => {
    const clock = heldClock()
    const { called, performance } = createMetrics({ clock })
    const within = (ms: number) =>
      performance
        .within(ms)
        .operations.map(({ operation, times, errors }) => [operation, times.count, errors, times.mostMs])
    clock.advance(1000)
    called(entry('lamps.on'), 'ok', 4, owner)
    called(entry('lamps.on'), 'timeout', 900, owner)
    clock.advance(120_000)
    called(entry('lamps.off'), 'ok', 1, owner)
    assert.deepEqual(within(60_000), [['lamps.off', 1, 0, 1]])
    assert.deepEqual(within(300_000), [
      ['lamps.on', 2, 1, 900],
      ['lamps.off', 1, 0, 1],
    ])
    assert.equal(performance.within(300_000).coveredMs, 121_000)
    clock.advance(600_000)
    assert.deepEqual(within(300_000), [])
    assert.equal(within(3_600_000).length, 2)
    clock.advance(3_600_000)
    assert.deepEqual(within(3_600_000), [])
  })

  test('who used what is handed over once', () => {
    const { called, performance } = createMetrics({ clock: heldClock() })
    called(entry('lamps.on'), 'ok', 4, owner)
    called(entry('lamps.on'), 'forbidden', 1, owner)
    called(entry('lamps.on'), 'ok', 2, callerWith())
    const row = { operation: 'lamps.on', provider: 'lamps' }
    assert.deepEqual(performance.takeUsage(), [
      { callerId: 'owner', caller: 'owner', ...row, calls: 2, errors: 1, totalMs: 5 },
      { callerId: 'guest', caller: 'guest', ...row, calls: 1, errors: 0, totalMs: 2 },
    ])
    assert.deepEqual(performance.takeUsage(), [])
  })

  test('neither operations nor callers without end take memory without end', () => {
    const { called, performance } = createMetrics({ clock: heldClock() })
    for (let at = 0; at < 600; at++) called(entry(`a.op${at}`), 'ok', 1, owner)
    const { operations } = performance.within(60_000)
    assert.deepEqual([operations.length, operations.at(-1)?.operation], [513, 'others'])
    performance.takeUsage()
    for (let at = 0; at < 400; at++) called(entry('a.op0'), 'ok', 1, { ...owner, id: `guest ${at}` })
    const usage = performance.takeUsage()
    assert.deepEqual([usage.length, usage.at(-1)?.callerId, usage.at(-1)?.calls], [257, 'others', 144])
  })

  test('Prometheus sees the servers behind the hub', async () => {
    const { retried, fellBack, exposition } = createMetrics({ servers: () => [server] })
    retried('files')
    fellBack('read_file', 'files')
    const lines = (await exposition()).split('\n')
    for (const line of [
      'alicia_server_status{server="files",status="degraded"} 1',
      'alicia_server_status{server="files",status="available"} 0',
      'alicia_server_restarts{server="files"} 2',
      'alicia_server_tools_held{server="files"} 1',
      'alicia_server_failovers{server="files"} 5',
      'alicia_server_calls_running{server="files",replica="files"} 4',
      'alicia_server_breaker{server="files",replica="files"} 1',
      'alicia_retries_total{provider="files"} 1',
      'alicia_fallbacks_total{capability="read_file",provider="files"} 1',
    ])
      assert.ok(lines.includes(line), line)
    assert.ok(!lines.some((line) => line.startsWith('alicia_server_latency_seconds{')))
  })
})
