import assert from 'node:assert/strict'
import { suite, test, type TestContext } from 'node:test'
import { z } from 'zod'
import { definitionWith } from '../../gateway/upstream/definition.fixture.ts'
import { systemClock } from '../../kernel/clock.ts'
import { Fault } from '../../kernel/fault.ts'
import { silentLog } from '../../kernel/log.ts'
import { operation } from '../../kernel/operation.ts'
import type { GroupStatus, MemberStatus } from '../../kernel/resilience/group-status.ts'
import { temporaryFolder } from '../../testing/folder.ts'
import { ECHO, testGateway } from '../../testing/gateway.ts'
import { callerWith, owner, testHub } from '../../testing/hub.ts'
import { lb } from './index.ts'

const ONE = { transport: ECHO, weight: 1 }
const echo = definitionWith({ id: 'echo', name: 'echo', replicas: [ONE, ONE, ONE] })

/** A hub with three replicas of a real server. */
async function hubWith(t: TestContext, folder: string, processes: readonly GroupStatus[] = []) {
  const place = await testGateway(t, { folder })
  const { door, gateway } = place
  const surroundings = { clock: systemClock, events: door.events, log: silentLog }
  const part = lb.join(surroundings, door.registry, () => ({ status: 'available', sinceMs: 0 }))
  await part.start(
    { hub: testHub(door, { gateway: () => gateway, processes: () => processes }) },
    new AbortController().signal,
  )
  const listed = place.event('tools.changed', ({ provider }) => provider === 'echo')
  await gateway.apply({ definitions: [echo], unusable: [] })
  await listed
  await gateway.start('echo', AbortSignal.timeout(20_000))
  while (!door.registry.list().some(({ tool }) => tool.name === 'echo.echo')) await place.event('tools.changed')
  const call = async <T = object>(operation: string, input: object = {}, caller = owner) =>
    (await door.invoke({ operation, input, caller })) as T
  return { ...place, call }
}

interface Backends {
  readonly backends: readonly { readonly name: string; readonly weight: number; readonly latency_ms?: number }[]
}

suite('lb', () => {
  test('shows and changes how calls are spread, and remembers it', async (t) => {
    const folder = temporaryFolder(t)
    const first = await hubWith(t, folder)
    const balance = { server: 'echo', strategy: 'round_robin', replicas: 3, available: 3, running: 0, failovers: 0 }
    assert.deepEqual(await first.call('get_balance'), { servers: [balance] })

    const route = { target: 'echo', tool: 'echo', arguments: { text: 'hello' } }
    for (let count = 0; count < 3; count++)
      assert.partialDeepStrictEqual(await first.call('route_request', route), {
        result: { content: [{ type: 'text', text: 'hello' }] },
        answered_by: 'echo',
      })
    const { backends } = await first.call<Backends>('list_backends', { server: 'echo' })
    assert.deepEqual(
      backends.map(({ name, weight, latency_ms }) => [name, weight, latency_ms !== undefined]),
      [
        ['echo', 1, true],
        ['echo#2', 1, true],
        ['echo#3', 1, true],
      ],
    )

    await first.call('configure_balance', { server: 'echo', strategy: 'weighted', weights: { 'echo#2': 7 } })
    await first.call('configure_balance', { server: 'echo', weights: { 'echo#3': 2 } })
    await first.close()
    const second = await hubWith(t, folder)
    assert.partialDeepStrictEqual(await second.call('get_balance'), { servers: [{ strategy: 'weighted' }] })
    const after = await second.call<Backends>('list_backends')
    assert.deepEqual(
      after.backends.map(({ weight }) => weight),
      [1, 7, 2],
    )
    await second.gateway.apply({
      definitions: [{ ...echo, balance: 'least_loaded', fingerprint: 'other' }],
      unusable: [],
    })
    assert.partialDeepStrictEqual(await second.call('get_balance'), { servers: [{ strategy: 'least_loaded' }] })
  })

  test('refuses what is not there, and who may not call what is called', async (t) => {
    const { call } = await hubWith(t, temporaryFolder(t))
    await assert.rejects(call('list_backends', { server: 'files' }), { code: 'not_found' })
    await assert.rejects(call('configure_balance', { server: 'echo', weights: { 'echo#9': 1 } }), { code: 'not_found' })
    await assert.rejects(call('configure_balance', { server: 'echo' }), { code: 'invalid_input' })
    await assert.rejects(call('route_request', { target: 'echo.echo' }, callerWith('lb:use')), {
      code: 'forbidden',
      message: /mcp:echo/,
    })
  })

  test('what is no tool is a capability', async (t) => {
    const { call, door } = await hubWith(t, temporaryFolder(t))
    await assert.rejects(call('route_request', { target: 'speak' }), { code: 'unknown_operation' })
    const capability = operation()({
      name: 'capabilities.execute_capability',
      summary: 'Executes.',
      scope: null,
      effect: 'read',
      input: z.object({ capability: z.string(), arguments: z.object({ text: z.string() }) }),
      output: z.unknown(),
      handler: async ({ capability }) => ({
        result: 1,
        answered_by: 'b',
        tool: 'b.c',
        why: 'well',
        tried: [capability],
      }),
    })
    const report = () => ({ status: 'available' as const, sinceMs: 0 })
    door.registry.add({ id: 'capabilities', kind: 'service', tools: [capability.bind({})], report })
    const answer = await call('route_request', { target: 'speak', arguments: { text: 'hello' } })
    assert.deepEqual({ ...answer, ms: 0 }, { result: 1, answered_by: 'b', tool: 'b.c', tried: ['speak'], ms: 0 })
  })

  test('shows the processes of a service that runs beside the hub, whose balance is fixed', async (t) => {
    const well: MemberStatus = {
      id: 'attic/one',
      status: 'available',
      sinceMs: 0,
      weight: 1,
      running: 2,
      waiting: 0,
      calls: 9,
      failures: 0,
      latencyMs: 1.5,
      breaker: 'closed',
    }
    const gone: MemberStatus = { ...well, id: 'attic/two', status: 'unavailable', reason: 'it was killed', running: 0 }
    const group: GroupStatus = { name: 'lamps', strategy: 'least_loaded', failovers: 1, members: [well, gone] }
    const { call } = await hubWith(t, temporaryFolder(t), [group])
    const { servers } = await call<{ servers: object[] }>('get_balance')
    const balance = { server: 'lamps', strategy: 'least_loaded', replicas: 2, available: 1, running: 2, failovers: 1 }
    assert.deepEqual(servers.at(-1), balance)
    const { backends } = await call<Backends>('list_backends', { server: 'lamps' })
    const common = { server: 'lamps', reached: 'on the bus', since: '1970-01-01T00:00:00.000Z', weight: 1 }
    assert.deepEqual(backends, [
      { ...common, name: 'attic/one', status: 'available', running: 2, latency_ms: 1.5, breaker: 'closed' },
      {
        ...common,
        name: 'attic/two',
        status: 'unavailable',
        reason: 'it was killed',
        running: 0,
        latency_ms: 1.5,
        breaker: 'closed',
      },
    ])
    assert.deepEqual(
      (await call<Backends>('list_backends')).backends.map(({ name }) => name),
      ['echo', 'echo#2', 'echo#3', 'attic/one', 'attic/two'],
    )
    await assert.rejects(call('configure_balance', { server: 'lamps', strategy: 'round_robin' }), {
      code: 'conflict',
      message: 'lamps is a service that runs beside the hub: how its calls are spread cannot be changed.',
      hint: /the least to do/,
    })
  })

  test('a server without a tool, or with one that it has not, is told what is missing', async (t) => {
    const { call, door, gateway } = await hubWith(t, temporaryFolder(t))
    await gateway.apply({ definitions: [{ ...echo, id: 'mirror', name: 'mirror' }], unusable: [] })
    const nobody = operation()({
      name: 'capabilities.execute_capability',
      summary: 'Executes.',
      scope: null,
      effect: 'read',
      input: z.object({ capability: z.string(), arguments: z.unknown() }),
      output: z.unknown(),
      handler: async ({ capability }) => {
        throw new Fault('not_found', `Nobody here can do "${capability}".`)
      },
    })
    const report = () => ({ status: 'available' as const, sinceMs: 0 })
    door.registry.add({ id: 'capabilities', kind: 'service', tools: [nobody.bind({})], report })
    await assert.rejects(call('route_request', { target: 'mirror' }), {
      code: 'invalid_input',
      message: 'mirror is an MCP server: say which of its tools is asked for.',
    })
    // Whoever may not call it does not hear that it is there.
    await assert.rejects(call('route_request', { target: 'mirror' }, callerWith('lb:use')), { code: 'not_found' })
    await assert.rejects(call('route_request', { target: 'mirror', tool: 'nope' }), {
      code: 'not_found',
      message: '"mirror" has no tool "nope".',
    })
  })
})
