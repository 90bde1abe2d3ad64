import assert from 'node:assert/strict'
import { after, before, suite, test, type TestContext } from 'node:test'
import { anonymous, type Caller } from '../../kernel/caller.ts'
import { heldClock } from '../../kernel/clock.ts'
import { Fault } from '../../kernel/fault.ts'
import { silentLog } from '../../kernel/log.ts'
import type { Gateway, ServerReport, Store } from '../../kernel/ports.ts'
import type { PartReport } from '../../kernel/status.ts'
import { callerWith, owner, testDoor, testHub } from '../../testing/hub.ts'
import { healthService } from './index.ts'
import { worst } from './status.ts'

type ClosableStore = Store & { close(): Promise<void> }

const START = '2026-01-01T00:00:00.000Z'

/** The whole service on each database. */
export function healthSuite(name: string, open: () => Promise<ClosableStore>): void {
  suite(`health on ${name}`, () => {
    let store: ClosableStore
    before(async () => {
      store = await open()
    })
    after(() => store.close())

    /** A hub with these parts; every name is used by one test, since the database stays. */
    async function hubWith(t: TestContext, parts: PartReport[], gateway?: Partial<Gateway>) {
      const clock = heldClock()
      const door = testDoor([], { clock })
      const { events, registry } = door
      const hub = testHub(door, {
        parts: () => parts,
        uptimeMs: () => clock.monotonic(),
        gateway: () => gateway as Gateway | undefined,
      })
      const service = healthService({ retentionDays: 30 })
      const report = () => ({ status: 'available' as const, sinceMs: 0 })
      const part = service.join({ clock, events, log: silentLog }, registry, report)
      const running = await part.start({ hub, store }, new AbortController().signal)
      t.after(() => running.stop())
      const call = (operation: string, input: object = {}, caller = owner) => door.invoke({ operation, input, caller })
      const alerts = async (input = {}) =>
        (await call('list_alerts', input)) as { alerts: { id: string; about: string }[]; past: { about: string }[] }
      return { clock, call, events, alerts, abouts: async () => (await alerts()).alerts.map(({ about }) => about) }
    }

    const up = (part: string): PartReport => ({
      name: part,
      needs: [],
      status: 'available',
      sinceMs: Date.parse(START),
    })
    const down = (part: string): PartReport => ({ ...up(part), status: 'unavailable', reason: 'broker is down' })

    test('anyone may see whether the hub is up', async (t) => {
      const { call, clock } = await hubWith(t, [up('a1'), down('a2')])
      clock.advance(5000)
      assert.deepEqual(await call('get_health', {}, anonymous('rest')), {
        status: 'degraded',
        uptime_seconds: 5,
        version: '1.2.3',
        parts: { a1: 'available', a2: 'unavailable' },
      })
      await assert.rejects(call('list_services', {}, anonymous('rest')), { code: 'unauthenticated' })
    })

    test('whether the hub is up is told in full to who may read it, and without MCP servers to anybody else', async (t) => {
      const gateway = { servers: () => [{ id: 'diary' } as ServerReport] }
      const { call } = await hubWith(t, [up('a3'), down('diary')], gateway)
      const shown = async (caller: Caller) => {
        const { status, parts, services } = (await call('get_health', {}, caller)) as Record<string, unknown>
        return { status, parts, services }
      }
      const summary = { status: 'degraded', parts: { a3: 'available' }, services: undefined }
      assert.deepEqual(await shown(anonymous('rest')), summary)
      assert.deepEqual(await shown(callerWith('lb:read', 'health:read@room/kitchen')), summary)
      assert.deepEqual(await shown(callerWith('health:read')), {
        status: 'degraded',
        parts: { a3: 'available', diary: 'unavailable' },
        services: [
          { name: 'a3', status: 'available', since: START },
          { name: 'diary', status: 'unavailable', since: START, reason: 'broker is down' },
        ],
      })
    })

    test('who may read it sees reasons, statistics and what was before', async (t) => {
      const { call } = await hubWith(t, [up('b1'), { ...down('b2'), needs: ['b1'] }])
      const { services } = (await call('list_services', { status: 'unavailable' }, callerWith('health:read'))) as {
        services: object[]
      }
      assert.deepEqual(services, [
        {
          name: 'b2',
          kind: 'part',
          status: 'unavailable',
          since: START,
          reason: 'broker is down',
          needs: ['b1'],
          operations: 0,
          calls: 0,
          errors: 0,
          history: [{ at: START, status: 'unavailable', reason: 'broker is down' }],
        },
      ])
    })

    test('a change that nobody told of is noticed, told and written down', async (t) => {
      const parts = [up('c1')]
      const { call, clock, events } = await hubWith(t, parts)
      const told: string[] = []
      events.on('status.changed', ({ name, status }) => told.push(`${name} ${status}`))
      events.on('resource.updated', ({ uri }) => told.push(uri))
      parts[0] = down('c1')
      clock.advance(2000)
      clock.advance(2000)
      assert.deepEqual(told, ['alicia://health', 'alicia://health/c1', 'c1 unavailable'])
      const { history } = (await call('get_service', { name: 'c1' })) as { history: { status: string }[] }
      assert.deepEqual(
        history.map(({ status }) => status),
        ['unavailable', 'available'],
      )
      await assert.rejects(call('get_service', { name: 'c2' }), { code: 'not_found' })
    })

    test('one that tries to come up again and again is written down once for each reason', async (t) => {
      const { call, events } = await hubWith(t, [up('c3')])
      const change = (status: 'available' | 'unavailable', reason?: string) =>
        events.emit('status.changed', { name: 'c3', status, ...(reason !== undefined && { reason }) })
      for (let attempt = 0; attempt < 5; attempt++) {
        change('unavailable', 'exit code 1')
        change('unavailable', 'exit code 1; it is starting again')
      }
      change('available')
      change('unavailable', 'exit code 1')
      const { history } = (await call('get_service', { name: 'c3' })) as { history: object[] }
      const withoutTime = history.map((entry) => Object.values(entry).slice(1).join(' '))
      assert.deepEqual(withoutTime, [
        'unavailable exit code 1',
        'available',
        'unavailable exit code 1; it is starting again',
        'unavailable exit code 1',
        'available',
      ])
    })

    test('what stays away raises an alert, which ends by itself and is kept', async (t) => {
      const parts = [down('d1'), up('d2')]
      const { clock, abouts, alerts } = await hubWith(t, parts)
      clock.advance(30_000)
      assert.deepEqual(await abouts(), [])
      clock.advance(2000)
      clock.advance(2000)
      assert.deepEqual(await abouts(), ['d1'])
      parts[0] = up('d1')
      clock.advance(2000)
      assert.deepEqual(await abouts(), [])
      const { past } = await alerts({ past: 1 })
      assert.deepEqual(
        past.map(({ about }) => about),
        ['d1'],
      )
    })

    test('an alert survives a restart; one about a part that is no more does not', async (t) => {
      const first = await hubWith(t, [down('e1'), down('e2')])
      first.clock.advance(40_000)
      await first.call('raise_alert', { about: 'cellar', message: 'water on the floor' })
      await first.call('raise_alert', { about: 'cellar', message: 'water on the floor' })
      assert.deepEqual(await first.abouts(), ['e1', 'e2', 'cellar'])
      const before = (await first.alerts()).alerts.map(({ id }) => id)
      // To a hub that was started anew everything is as it is since just now, and servers are known a little later.
      const parts: PartReport[] = []
      const second = await hubWith(t, parts)
      second.clock.advance(10_000)
      parts.push({ ...down('e1'), sinceMs: second.clock.now() })
      second.clock.advance(10_000)
      assert.deepEqual(
        (await second.alerts()).alerts.map(({ id }) => id),
        before,
      )
      second.clock.advance(50_000)
      assert.deepEqual((await second.abouts()).sort(), ['cellar', 'e1'])
      const cellar = (await second.alerts()).alerts.find(({ about }) => about === 'cellar')
      await second.call('resolve_alert', { id: cellar?.id })
      assert.deepEqual(await second.abouts(), ['e1'])
      await assert.rejects(second.call('resolve_alert', { id: cellar?.id }), { code: 'not_found' })
    })

    test('who watches something can raise and end alerts', async (t) => {
      const { clock, events, abouts } = await hubWith(t, [])
      // Those of the tests before are about what is no more.
      clock.advance(62_000)
      const alarm = { by: 'metrics', key: 'm1', about: 'memory', message: 'memory is above 1 GB' }
      events.emit('alarm.changed', { ...alarm, isOn: true })
      events.emit('alarm.changed', { ...alarm, isOn: true })
      assert.deepEqual(await abouts(), ['memory'])
      events.emit('alarm.changed', { ...alarm, isOn: false })
      assert.deepEqual(await abouts(), [])
    })

    test('a check asks servers that run, and nothing else', async (t) => {
      const server = (id: string, state: ServerReport['state']) => ({ ...up(id), id, state }) as ServerReport
      const servers = [server('f1', 'ready'), server('f2', 'ready'), server('f3', 'stopped')]
      const asked: string[] = []
      const check = async (id: string) => {
        asked.push(id)
        if (id === 'f2') throw new Fault('unavailable', 'the pipe broke')
        return 12.3456
      }
      const parts = ['f1', 'f2', 'f3', 'f4', 'store'].map(up)
      const { call, clock } = await hubWith(t, parts, { servers: () => servers, check })
      clock.advance(1500)
      const { services } = (await call('check_all')) as { services: { name: string; [more: string]: unknown }[] }
      const found = Object.fromEntries(services.map(({ name, ...more }) => [name, more]))
      const well = { status: 'available', since: START }
      assert.deepEqual(
        { ...found, store: { ...found['store'], latency_ms: 0 } },
        {
          f1: { ...well, latency_ms: 12.346 },
          f2: { status: 'unavailable', since: '2026-01-01T00:00:01.500Z', reason: 'the pipe broke' },
          f3: well,
          f4: well,
          store: { ...well, latency_ms: 0 },
        },
      )
      assert.deepEqual(asked, ['f1', 'f2'])
      assert.partialDeepStrictEqual(await call('get_service', { name: 'f1' }), { latencies: [{ ms: 12.346 }] })
      const { services: after } = (await call('list_services')) as { services: { name: string; checked_at?: string }[] }
      const checkedAt = '2026-01-01T00:00:01.500Z'
      assert.deepEqual(
        after.flatMap(({ name, checked_at }) => (checked_at === undefined ? [] : [[name, checked_at]])),
        ['f1', 'f2', 'store'].map((asked) => [asked, checkedAt]),
      )
      // The hub has asked by itself since.
      servers[0] = { ...server('f1', 'ready'), probedAtMs: clock.now() + 1000 }
      servers[1] = { ...server('f2', 'ready'), probedAtMs: clock.now() - 1000 }
      for (const [name, checked_at] of [
        ['f1', '2026-01-01T00:00:02.500Z'],
        ['f2', checkedAt],
      ])
        assert.partialDeepStrictEqual(await call('get_service', { name }), { checked_at })
    })

    test('MCP clients read it and subscribe to it as a resource', async (t) => {
      const { call } = await hubWith(t, [up('g1')])
      const read = async (uri: string) => {
        const { contents } = (await call('health/resources/read', { uri })) as { contents: { text: string }[] }
        return JSON.parse(contents[0]?.text ?? '') as unknown
      }
      const one = { name: 'g1', status: 'available', since: START }
      assert.partialDeepStrictEqual(await read('alicia://health'), { status: 'available', services: [one] })
      assert.deepEqual(await read('alicia://health/g1'), one)
      assert.deepEqual(await call('health/resources/subscribe', { uri: 'alicia://health/g1' }), {})
      for (const uri of ['alicia://health/g2', 'alicia://health/%', 'alicia://other', 7])
        await assert.rejects(call('health/resources/subscribe', { uri }), { code: 'not_found' })
      await assert.rejects(call('health/resources/read', { uri: 'alicia://health' }, callerWith('mqtt:read')), {
        code: 'forbidden',
      })
    })
  })
}

suite('status of several', () => {
  for (const [statuses, expected] of [
    [[], 'available'],
    [['available', 'available'], 'available'],
    [['available', 'unknown'], 'unknown'],
    [['available', 'unavailable'], 'degraded'],
  ] as const)
    test(`[${statuses.join(', ')}] together are ${expected}`, () => assert.equal(worst(statuses), expected))
})
