import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { z } from 'zod'
import { heldClock } from '../../kernel/clock.ts'
import { createEvents } from '../../kernel/events.ts'
import { silentLog } from '../../kernel/log.ts'
import { operation } from '../../kernel/operation.ts'
import { createRegistry, type Provider } from '../../kernel/registry.ts'
import type { StatusReport } from '../../kernel/status.ts'
import { memoryBus } from '../../testing/memory-bus.ts'
import { presenceWill, startPresence } from './presence.ts'

const tool = (name: `${string}.${string}`, summary = 'Does it.') =>
  operation()({
    name,
    summary,
    scope: 'lamps:write',
    effect: 'write',
    input: z.object({ lamp: z.string() }),
    output: z.object({ ok: z.boolean() }),
    handler: async () => ({ ok: true }),
  }).bind({})

async function start() {
  const clock = heldClock()
  const events = createEvents((error) => {
    throw error
  })
  const registry = createRegistry(events)
  const bus = memoryBus()
  const reports = new Map<string, StatusReport>([['lamps', { status: 'available', sinceMs: clock.now() }]])
  const provider = (id: string, ...summaries: string[]): Provider => ({
    id,
    kind: 'service',
    tools: summaries.map((summary, at) => tool(`${id}.do_${at}`, summary)),
    report: () => reports.get(id) ?? { status: 'available', sinceMs: clock.now() },
  })
  registry.add(provider('lamps', 'Lights up.'))
  const begin = () =>
    startPresence({ bus, registry, events, clock, log: silentLog, version: '1.2.3', instance: 'home' })
  const retained = (topic: string) => {
    const message = bus.retained.get(`alicia/v1/svc/${topic}`)
    return message && (JSON.parse(message.payload.toString()) as Record<string, unknown>)
  }
  return { clock, events, registry, bus, reports, provider, begin, retained }
}

suite('presence', () => {
  test('says who is there, and what they can do', async () => {
    const { begin, retained, clock } = await start()
    const presence = await begin()
    const hub = retained('hub/home/status')
    assert.deepEqual(hub, { status: 'online', boot: hub?.['boot'], since: '2026-01-01T00:00:00.000Z' })
    assert.deepEqual(retained('lamps/home/status'), hub)
    assert.equal(retained('lamps/home/meta'), undefined, 'schemas are not made while the hub starts')
    clock.advance(1000)
    const { hash, ...meta } = retained('lamps/home/meta') ?? {}
    assert.match(String(hash), /^[0-9a-f]{16}$/)
    assert.deepEqual(meta, {
      service: 'lamps',
      kind: 'service',
      version: '1.2.3',
      operations: [
        {
          name: 'lamps.do_0',
          summary: 'Lights up.',
          scope: 'lamps:write',
          effect: 'write',
          idempotent: false,
          input: {
            type: 'object',
            properties: { lamp: { type: 'string' } },
            required: ['lamp'],
            additionalProperties: false,
          },
          output: {
            type: 'object',
            properties: { ok: { type: 'boolean' } },
            required: ['ok'],
            additionalProperties: false,
          },
        },
      ],
    })
    await presence.stop()
  })

  const statuses = [
    ['available', 'online'],
    ['degraded', 'degraded'],
    ['unavailable', 'offline'],
    ['unknown', 'unknown'],
  ] as const
  for (const [status, word] of statuses)
    test(`${status} is ${word}`, async () => {
      const { begin, retained, reports, events } = await start()
      const presence = await begin()
      reports.set('lamps', { status, sinceMs: 0, reason: 'because' })
      events.emit('status.changed', { name: 'lamps', status })
      const { boot: _boot, ...said } = retained('lamps/home/status') ?? {}
      assert.deepEqual(said, { status: word, since: '1970-01-01T00:00:00.000Z', reason: 'because' })
      await presence.stop()
    })

  test('an engine that has no operations is not announced', async () => {
    const { begin, retained, events } = await start()
    const presence = await begin()
    events.emit('status.changed', { name: 'store', status: 'available' })
    assert.equal(retained('store/home/status'), undefined)
    await presence.stop()
  })

  test('stop says offline for all, and nothing after it', async () => {
    const { begin, retained, events, bus } = await start()
    await (await begin()).stop()
    assert.equal(retained('hub/home/status')?.['status'], 'offline')
    assert.equal(retained('lamps/home/status')?.['status'], 'offline')
    const count = bus.published.length
    events.emit('status.changed', { name: 'lamps', status: 'unavailable' })
    bus.reconnect()
    assert.equal(bus.published.length, count)
  })

  test('a broker that forgot is told again, after every reconnect', async () => {
    const { begin, bus, clock } = await start()
    const presence = await begin()
    clock.advance(1000)
    const before = [...bus.retained.keys()].sort()
    for (const topic of before) await bus.publish(topic, '', { retain: true })
    bus.reconnect()
    clock.advance(1000)
    assert.deepEqual([...bus.retained.keys()].sort(), before)
    await presence.stop()
  })

  test('a will that comes late is corrected', async () => {
    const { begin, bus, retained } = await start()
    const presence = await begin()
    const { topic, payload, qos, retain } = presenceWill('home')
    await bus.publish(topic, payload, { qos, retain })
    assert.equal(retained('hub/home/status')?.['status'], 'online')
    await presence.stop()
  })

  test('another hub at the same broker is left alone', async () => {
    const { begin, bus, retained } = await start()
    const { topic, payload } = presenceWill('cabin')
    await bus.publish(topic, payload, { retain: true })
    await bus.publish('alicia/v1/svc/gone/cabin/status', '{"status":"online"}', { retain: true })
    const presence = await begin()
    assert.deepEqual(retained('hub/cabin/status'), { status: 'offline' })
    assert.deepEqual(retained('gone/cabin/status'), { status: 'online' })
    await presence.stop()
  })

  test('what an earlier run left of a service that is gone is removed', async () => {
    const { begin, bus } = await start()
    for (const kind of ['status', 'meta'])
      await bus.publish(`alicia/v1/svc/gone/home/${kind}`, '{"status":"online"}', { retain: true })
    const presence = await begin()
    assert.deepEqual(
      [...bus.retained.keys()].filter((topic) => topic.includes('/gone/')),
      [],
    )
    await presence.stop()
  })

  test('services that come, change and go', async () => {
    const { begin, registry, retained, provider, clock, bus } = await start()
    const presence = await begin()
    registry.add(provider('doors', 'Opens.'))
    assert.equal(retained('doors/home/status')?.['status'], 'online')
    clock.advance(1000)
    const before = retained('doors/home/meta')?.['hash']
    const count = bus.published.filter(({ topic }) => topic.endsWith('/meta')).length
    registry.add(provider('doors', 'Opens.', 'Closes.'))
    clock.advance(1000)
    assert.notEqual(retained('doors/home/meta')?.['hash'], before)
    const after = bus.published.filter(({ topic }) => topic.endsWith('/meta')).length
    assert.equal(after, count + 1, 'what did not change is not sent again')
    registry.remove('doors')
    assert.equal(retained('doors/home/status'), undefined)
    assert.equal(retained('doors/home/meta'), undefined)
    await presence.stop()
  })

  test('a description that is too long leaves out schemas first', async () => {
    const { begin, registry, retained, provider, clock } = await start()
    const presence = await begin()
    registry.add(provider('many', ...Array.from({ length: 600 }, (_, at) => `${at}: ${'does it '.repeat(12)}`)))
    clock.advance(1000)
    const { omitted, operations } = retained('many/home/meta') ?? {}
    assert.deepEqual(omitted, ['output'])
    assert.equal((operations as unknown[]).length, 600)
    await presence.stop()
  })
})
