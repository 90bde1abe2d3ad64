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

/** A server whose lists are read, and a registry that has them. */
function offered({ serve = listed, keep = () => {} }: { serve?: (request: Served) => string; keep?: () => void } = {}) {
  const clock = heldClock()
  const events = createEvents((error) => {
    throw error
  })
  const registry = createRegistry(events)
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
  const capabilities = { tools: {}, resources: {} }
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
  const names = () => registry.list().map(({ name }) => name)
  const reads = () => connection.served.filter(({ method }) => method === 'tools/list').length
  return { offering, after, names, kept, reads }
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
})
