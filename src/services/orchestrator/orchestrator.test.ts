import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { heldClock } from '../../kernel/clock.ts'
import { Fault } from '../../kernel/fault.ts'
import { createLifecycle, type Part } from '../../kernel/lifecycle.ts'
import { silentLog } from '../../kernel/log.ts'
import type { Gateway, ServerReport } from '../../kernel/ports.ts'
import { owner, testDoor, testHub } from '../../testing/hub.ts'
import { orchestrator } from './index.ts'

interface Shown {
  readonly state: string
  readonly restarts: number
  readonly needed_by: readonly string[]
}

/** A hub with parts store ← bus ← lamps, hub ← orchestrator, and servers files ← search (both need the bus). */
async function running(own: Partial<Gateway> = {}) {
  const clock = heldClock()
  const door = testDoor([], { clock })
  const journal: string[] = []
  const part = (name: string, needs: string[], more: Partial<Part> = {}): Part => ({
    name,
    needs,
    async start() {
      journal.push(`+${name}`)
      return { stop: async () => void journal.push(`-${name}`) }
    },
    ...more,
  })
  const states = new Map<string, ServerReport['state']>([
    ['files', 'ready'],
    ['search', 'ready'],
  ])
  const move = async (id: string, state: ServerReport['state'], sign: string) => {
    journal.push(`${sign}${id}`)
    states.set(id, state)
  }
  const gateway: Partial<Gateway> = {
    servers: () =>
      [...states].map(([id, state]) => {
        const needs = id === 'search' ? ['files'] : ['bus']
        return {
          id,
          state,
          needs,
          restarts: 0,
          status: state === 'stopped' ? 'unavailable' : 'available',
          sinceMs: 0,
        } as Partial<ServerReport> as ServerReport
      }),
    start: (id) => move(id, 'ready', '+'),
    stop: (id) => move(id, 'stopped', '-'),
    restart: (id) => move(id, 'ready', '±'),
    ...own,
  }
  const attic = { name: 'attic', needs: ['bus'], status: 'unavailable', sinceMs: 0, reason: 'it was killed' } as const
  const hub = testHub(door, { gateway: () => gateway as Gateway, parts: () => [...life.reports(), attic] })
  Object.defineProperty(hub, 'control', { get: () => life.control })
  const surroundings = { clock, events: door.events, log: silentLog }
  const life = createLifecycle(
    [
      part('store', [], { essential: true }),
      part('bus', ['store']),
      part('lamps', ['bus']),
      { name: 'hub', needs: [], start: async () => ({ value: hub, stop: async () => {} }) },
      orchestrator.join(surroundings, door.registry, () => life.report('orchestrator')),
    ],
    { ...surroundings, startTimeoutMs: 1000, stopTimeoutMs: 1000 },
  )
  await life.start()
  journal.length = 0
  const call = async (operation: string, name: string) =>
    (await door.invoke({ operation, input: { name }, caller: owner })) as Shown
  return { door, journal, call, stop: () => life.stop() }
}

suite('orchestrator', () => {
  test('a part is started anew between those that need it', async () => {
    const { call, journal, stop } = await running()
    assert.partialDeepStrictEqual(await call('restart_service', 'bus'), {
      state: 'running',
      restarts: 1,
      needed_by: ['files', 'search', 'lamps'],
    })
    assert.deepEqual(journal, ['-lamps', '-bus', '+bus', '+lamps'])
    await stop()
  })

  test('a service in a process of its own is listed, and is not for the hub to start or stop', async () => {
    const { call, journal, stop } = await running()
    const { services } = (await call('get_orchestration', 'attic')) as unknown as { services: object[] }
    assert.deepEqual(services, [
      {
        name: 'attic',
        kind: 'process',
        state: 'waiting',
        status: 'unavailable',
        since: '1970-01-01T00:00:00.000Z',
        reason: 'it was killed',
        needs: ['bus'],
        needed_by: [],
        essential: false,
      },
    ])
    for (const operation of ['start_service', 'stop_service', 'restart_service'])
      await assert.rejects(call(operation, 'attic'), { code: 'conflict', hint: /alicia start --only attic/ })
    assert.deepEqual(journal, [])
    await stop()
  })

  test('a server takes down and brings back the servers that need it', async () => {
    const { call, journal, stop } = await running()
    await call('restart_service', 'files')
    assert.deepEqual(journal, ['-search', '±files', '+search'])
    assert.equal((await call('stop_service', 'files')).state, 'stopped')
    // Nobody stopped search itself: it waits for files.
    assert.deepEqual(journal.slice(3), ['-search', '-files', '+search'])
    await stop()
  })

  test('a server that does not come up again leaves those that need it waiting for it', async () => {
    const { call, journal, stop } = await running({
      restart: () => Promise.reject(new Fault('unavailable', 'files is unavailable.')),
    })
    await assert.rejects(call('restart_service', 'files'), { code: 'unavailable' })
    assert.deepEqual(journal, ['-search', '+search'])
    await stop()
  })

  test('a server that somebody stopped stays so, whatever becomes of what it needs', async () => {
    const { call, journal, stop } = await running()
    await call('stop_service', 'search')
    for (const operation of ['stop_service', 'start_service', 'restart_service']) await call(operation, 'files')
    assert.deepEqual(journal, ['-search', '-files', '+files', '±files'])
    await stop()
  })

  test('a server is started after the parts and servers that it needs', async () => {
    const { call, journal, stop } = await running()
    await call('stop_service', 'search')
    await call('stop_service', 'files')
    await call('stop_service', 'bus')
    journal.length = 0
    assert.equal((await call('start_service', 'search')).state, 'ready')
    assert.deepEqual(journal, ['+bus', '+lamps', '+files', '+search'])
    await stop()
  })

  for (const [name, says] of [
    ['store', /store cannot be stopped: the hub is of no use without it/],
    ['hub', /hub cannot be stopped: nobody could start it again, since orchestrator needs it/],
    ['orchestrator', /orchestrator cannot be stopped/],
  ] as const)
    test(`${name} is refused with the reason`, async () => {
      const { call, journal, stop } = await running()
      for (const operation of ['stop_service', 'restart_service'])
        await assert.rejects(call(operation, name), { code: 'conflict', message: says })
      assert.deepEqual(journal, [])
      await stop()
    })

  test('a name that is nobody’s is refused with the nearest', async () => {
    const { call, stop } = await running()
    await assert.rejects(call('start_service', 'file'), { code: 'not_found', hint: 'Did you mean files?' })
    await stop()
  })
})
