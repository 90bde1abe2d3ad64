import assert from 'node:assert/strict'
import { after, before, suite, test, type TestContext } from 'node:test'
import { tmpdir } from 'node:os'
import { heldClock } from '../../kernel/clock.ts'
import { silentLog } from '../../kernel/log.ts'
import type { Gateway, ServerReport, Store } from '../../kernel/ports.ts'
import type { Entry } from '../../kernel/registry.ts'
import { callerWith, owner, testDoor, testHub } from '../../testing/hub.ts'
import { metricsService } from './index.ts'

type ClosableStore = Store & { close(): Promise<void> }

/** The whole service on each database. */
export function metricsSuite(name: string, open: () => Promise<ClosableStore>): void {
  suite(`metrics on ${name}`, () => {
    let store: ClosableStore
    before(async () => {
      store = await open()
    })
    after(() => store.close())

    async function hubWith(gateway?: Partial<Gateway>, clock = heldClock()) {
      const door = testDoor([], { clock })
      const { events, registry, metrics } = door
      const hub = testHub(door, { gateway: () => gateway as Gateway | undefined })
      const service = metricsService({ folder: tmpdir(), retentionDays: 2 })
      const report = () => ({ status: 'available' as const, sinceMs: 0 })
      const part = service.join({ clock, events, log: silentLog }, registry, report)
      const running = await part.start({ hub, store }, new AbortController().signal)
      const call = (operation: string, input: object = {}) => door.invoke({ operation, input, caller: owner })
      const called = (tool: string, ms: number, outcome: 'ok' | 'timeout' = 'ok', caller = callerWith()) => {
        const [id] = tool.split('.')
        metrics.called({ tool: { name: tool }, provider: { id } } as Entry, outcome, ms, caller)
      }
      return { clock, events, call, called, stop: () => running.stop() }
    }

    const stopAfter = async (t: TestContext, ...more: Parameters<typeof hubWith>) => {
      const hub = await hubWith(...more)
      t.after(() => hub.stop())
      return hub
    }

    test('the hub, its machine and the programs it runs', async (t) => {
      const server = async (id: string) =>
        ({ id, ...(id === 'files' && { memoryMegabytes: 30.5, cpuSeconds: 1.25 }) }) as ServerReport
      const servers = () => [{ id: 'files' }, { id: 'remote' }] as ServerReport[]
      const { call } = await stopAfter(t, { servers, server })
      const found = (await call('get_system_metrics')) as {
        processes: { name: string; cpu_seconds: number }[]
        memory: { resident_megabytes: number }
        disk: { free_megabytes: number; total_megabytes: number }
      }
      assert.deepEqual(
        found.processes.map((one) => one.name),
        ['hub', 'files'],
      )
      assert.deepEqual(found.processes[1], { name: 'files', memory_megabytes: 30.5, cpu_seconds: 1.25 })
      assert.ok((found.processes[0]?.cpu_seconds ?? 0) > 0)
      assert.ok(found.memory.resident_megabytes > 10)
      assert.ok(found.disk.total_megabytes >= found.disk.free_megabytes)
    })

    test('how fast calls are, by operation and by provider', async (t) => {
      const { call, called, clock } = await stopAfter(t)
      clock.advance(10_000)
      for (let ms = 1; ms <= 100; ms++) called('lamps.on', ms)
      called('lamps.off', 500, 'timeout')
      called('doors.open', 3)
      const found = (await call('get_performance', { window: '1m', provider: 'lamps' })) as {
        providers: Record<string, number | string>[]
        operations: { operation: string; p95_ms: number }[]
      }
      assert.partialDeepStrictEqual(found.providers, [
        { provider: 'lamps', calls: 101, errors: 1, per_second: 10.1, most_ms: 500 },
      ])
      assert.deepEqual(
        found.operations.map(({ operation }) => operation),
        ['lamps.on', 'lamps.off'],
      )
      assert.ok(Math.abs((found.operations[0]?.p95_ms ?? 0) - 95) < 6)
    })

    test('who used what is added up by day, over restarts, and kept for so long', async () => {
      const clock = heldClock()
      const first = await hubWith(undefined, clock)
      const ada = { ...callerWith(), id: 'token-1', name: 'ada' }
      first.called('lamps.on', 4, 'ok', ada)
      first.called('lamps.on', 8, 'timeout', ada)
      await first.stop()
      const second = await hubWith(undefined, clock)
      second.called('lamps.on', 6, 'ok', ada)
      const usage = async (input: object) =>
        ((await second.call('get_usage', { caller: 'ada', ...input })) as { usage: object[] }).usage
      const row = { caller: 'ada', caller_id: 'token-1', operation: 'lamps.on', provider: 'lamps' }
      const today = { day: '2026-01-01', ...row, calls: 3, errors: 1, mean_ms: 6 }
      assert.deepEqual(await usage({ days: 1 }), [today])
      clock.advance(86_400_000)
      second.called('lamps.on', 1, 'ok', ada)
      assert.deepEqual(await usage({ days: 1 }), [{ day: '2026-01-02', ...row, calls: 1, errors: 0, mean_ms: 1 }])
      assert.equal((await usage({ days: 2 })).length, 2)
      clock.advance(2 * 86_400_000)
      // What is too old goes with the day's first write, so the next look is without it.
      await usage({ days: 9 })
      assert.deepEqual(await usage({ days: 9 }), [{ day: '2026-01-02', ...row, calls: 1, errors: 0, mean_ms: 1 }])
      await second.stop()
    })

    test('an alert on a metric comes when it has been so for long enough, survives a restart, and goes', async () => {
      const clock = heldClock()
      const first = await hubWith(undefined, clock)
      const input = { metric: 'error_percent', provider: 'doors', above: 10, for_seconds: 10 }
      const { id } = (await first.call('define_metric_alert', input)) as { id: string }
      await first.stop()
      const { call, called, events, stop } = await hubWith(undefined, clock)
      const alarms: [boolean, string][] = []
      events.on('alarm.changed', ({ isOn, about, message }) => alarms.push([isOn, `${about}: ${message}`]))
      const look = async () => {
        const told = Promise.withResolvers<void>()
        const end = events.on('alarm.changed', () => told.resolve())
        clock.advance(10_000)
        await told.promise
        end()
        // The look that was told of arms the next one.
        await new Promise(setImmediate)
      }
      called('doors.open', 1, 'timeout')
      await look()
      await look()
      const says = 'doors: error_percent of doors is above 10 for 10 s: 100'
      assert.deepEqual(alarms, [
        [false, says],
        [true, says],
      ])
      assert.partialDeepStrictEqual(await call('list_metric_alerts'), {
        alerts: [{ ...input, value: 100, active: true }],
      })
      await call('remove_metric_alert', { id })
      assert.equal(alarms.at(-1)?.[0], false)
      await assert.rejects(call('remove_metric_alert', { id }), { code: 'not_found' })
      await stop()
    })

    for (const [why, input] of [
      ['no limit', { metric: 'p95_ms' }],
      ['two limits', { metric: 'p95_ms', above: 1, below: 2 }],
      ['a figure of the hub, of an operation', { metric: 'cpu_percent', operation: 'x', above: 1 }],
    ] as const)
      test(`an alert with ${why} is refused`, async (t) => {
        const { call } = await stopAfter(t)
        await assert.rejects(call('define_metric_alert', input), { code: 'invalid_input' })
      })
  })
}
