import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { heldClock } from '../../kernel/clock.ts'
import { createEvents } from '../../kernel/events.ts'
import { Fault } from '../../kernel/fault.ts'
import { silentLog } from '../../kernel/log.ts'
import { RelayedError } from '../../kernel/mcp/relayed.ts'
import { createRegistry } from '../../kernel/registry.ts'
import { testConnection, type Served } from '../../testing/relay.ts'
import { definitionWith } from './definition.fixture.ts'
import type { Memory } from './memory.ts'
import { createOffering, type OfferingOptions } from './offering.ts'

const turns = async () => {
  for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate)
}

/** What a server lists that answers everything. */
const listed = ({ method }: Served): string => {
  if (method === 'tools/list') return '{"tools":[{"name":"look"}]}'
  if (method === 'resources/list') return '{"resources":[{"uri":"a:1","name":"one"}]}'
  return '{"resourceTemplates":[]}'
}

interface Offered {
  readonly serve?: (request: Served) => string
  readonly keep?: () => void
  readonly capabilities?: Readonly<Record<string, unknown>>
}

/** A server whose lists are read, and a registry that has them. */
function offered({ serve = listed, keep = () => {}, capabilities = { tools: {}, resources: {} } }: Offered = {}) {
  const clock = heldClock()
  const events = createEvents((error) => {
    throw error
  })
  const registry = createRegistry(events)
  const told: string[] = []
  for (const name of ['tools.changed', 'prompts.changed', 'resources.changed'] as const)
    events.on(name, () => void told.push(name))
  const kept = new Map<string, unknown>()
  const memory: Memory = {
    get: (_server, key) => kept.get(key),
    async set(_server, key, value) {
      keep()
      kept.set(key, value)
    },
  }
  const handlers = {
    onNotification: () => {},
    onRequest: () => Promise.reject(new Error('none')),
    onClose: () => {},
  }
  const connection = testConnection(
    { revision: '2025-11-25', capabilities, serve: async (request) => serve(request) },
    handlers,
  )
  const report = () => ({ status: 'available', sinceMs: 0 }) as const
  const place = { instances: [{ current: () => connection }], group: { report } }
  const offering = createOffering({
    definition: definitionWith({}),
    parts: { clock, registry, events, memory, clientInfo: {} } as unknown as OfferingOptions['parts'],
    log: silentLog,
    pass: () => Promise.reject(new Error('nobody calls')),
    place: () => place as unknown as ReturnType<OfferingOptions['place']>,
  })
  offering.publish()
  const after = async (ms: number) => {
    clock.advance(ms)
    await turns()
  }
  /** A client asks for the lists. */
  const ask = () => [...registry.providers()].forEach(({ offers }) => offers?.freshen?.())
  const names = () => registry.list().map(({ name }) => name)
  const reads = () => connection.served.filter(({ method }) => method === 'tools/list').length
  return { offering, after, ask, names, kept, reads, told }
}

const busy = () => {
  throw new Fault('unavailable', 'up answered HTTP 503.')
}

suite('what a server lists', () => {
  test('is read again where that failed, less and less often, until it is known', async () => {
    let isBusy = true
    const { offering, after, names, reads } = offered({ serve: (request) => (isBusy ? busy() : listed(request)) })
    offering.refresh()
    await after(0)
    assert.deepEqual([names(), reads()], [[], 1])
    for (let hour = 0; hour < 3600; hour++) await after(1000)
    assert.ok(reads() > 8 && reads() < 25, `${reads()} times in an hour`)
    isBusy = false
    await after(300_000)
    assert.deepEqual(names(), ['look'])
    const before = reads()
    await after(3_600_000)
    assert.equal(reads(), before)
  })

  test('a change that is announced meanwhile is read at once', async () => {
    let isBusy = true
    const { offering, after, names } = offered({ serve: (request) => (isBusy ? busy() : listed(request)) })
    offering.refresh()
    for (let minute = 0; minute < 60; minute++) await after(60_000)
    isBusy = false
    offering.announced('tools')
    await after(100)
    assert.deepEqual(names(), ['look'])
  })

  test('is told to clients where it changed; where a server only says so, not for ever', async () => {
    let uri = 'a:1'
    const serve = (request: Served) => listed(request).replace('a:1', uri)
    const { offering, after, reads, told } = offered({ serve })
    offering.refresh()
    await after(0)
    told.length = 0
    const announce = async () => {
      offering.announced('resources')
      await after(100)
      return told.splice(0)
    }
    for (let time = 0; time < 5; time++) assert.deepEqual(await announce(), ['resources.changed'])
    await after(5000)
    assert.deepEqual(await announce(), [])
    uri = 'a:2'
    assert.deepEqual(await announce(), ['resources.changed'])
    await after(10_000)
    assert.deepEqual(await announce(), ['resources.changed'])
    assert.equal(reads(), 9)
  })

  test('after the end nothing is read', async () => {
    const { offering, after, reads } = offered({ serve: busy })
    offering.refresh()
    await after(0)
    await offering.close()
    await after(3_600_000)
    assert.equal(reads(), 1)
  })

  test('is offered though it cannot be written down', async () => {
    const { offering, after, names, kept } = offered({
      keep() {
        throw new Fault('storage_failed', 'The disk is full.')
      },
    })
    offering.refresh()
    await after(0)
    assert.deepEqual([names(), kept.size], [['look'], 0])
  })

  test('one list that it cannot give takes no other along', async () => {
    const serve = (request: Served) => {
      if (request.method !== 'resources/templates/list') return listed(request)
      throw new RelayedError('up', { code: -32603, message: 'Not implemented' })
    }
    const { offering, after, names } = offered({ serve })
    offering.refresh()
    await after(0)
    assert.deepEqual([names(), offering.lists.resources.map(({ key }) => key)], [['look'], ['a:1']])
  })

  const said = (ttlMs: number) => (request: Served) => listed(request).replace('{', `{"ttlMs":${ttlMs},`)
  const announces = { tools: { listChanged: true }, resources: { listChanged: true } }
  const cases: [string, Offered, { fresh: number; stale: number }][] = [
    ['as long as it says', { serve: said(60_000) }, { fresh: 59_000, stale: 60_000 }],
    [
      'as long as it says, though it announces changes',
      { serve: said(60_000), capabilities: announces },
      { fresh: 59_000, stale: 60_000 },
    ],
    ['for ten seconds, though it says less', { serve: said(0) }, { fresh: 9000, stale: 10_000 }],
    ['for five minutes, where it neither says nor announces', {}, { fresh: 299_000, stale: 300_000 }],
    [
      'for five minutes, where it announces one of two',
      { capabilities: { ...announces, tools: {} } },
      { fresh: 299_000, stale: 300_000 },
    ],
    [
      'for ever, where it announces changes',
      { capabilities: announces },
      { fresh: 1e9, stale: Number.POSITIVE_INFINITY },
    ],
  ]
  for (const [name, server, { fresh, stale }] of cases)
    test(`is fresh ${name}; then it is read again once somebody asks`, async () => {
      const { offering, after, ask, reads } = offered(server)
      offering.refresh()
      await after(0)
      await after(fresh)
      ask()
      await after(100)
      assert.equal(reads(), 1)
      if (stale === Number.POSITIVE_INFINITY) return
      await after(stale - fresh)
      assert.equal(reads(), 1)
      for (const _ of [1, 2, 3]) ask()
      await after(100)
      assert.equal(reads(), 2)
      await after(60)
      assert.equal(reads(), 2)
    })

  test('a tool that came without a word is offered after it was asked for', async () => {
    let tools = '[{"name":"look"}]'
    const serve = (request: Served) => (request.method === 'tools/list' ? `{"tools":${tools}}` : listed(request))
    const { offering, after, ask, names } = offered({ serve })
    offering.refresh()
    await after(0)
    tools = '[{"name":"look"},{"name":"see"}]'
    await after(300_000)
    ask()
    assert.deepEqual(names(), ['look'])
    await after(100)
    assert.deepEqual(names(), ['look', 'see'])
  })
})
