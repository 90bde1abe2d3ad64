import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { z } from 'zod'
import { createEvents } from './events.ts'
import { operation } from './operation.ts'
import { createRegistry, type Provider } from './registry.ts'

const tool = (name: `${string}.${string}`) =>
  operation()({
    name,
    summary: 'Does.',
    scope: null,
    effect: 'read',
    input: z.object({}),
    output: z.object({}),
    handler: async () => ({}),
  }).bind({})

const provider = (id: string, ...names: `${string}.${string}`[]): Provider => ({
  id,
  kind: 'service',
  tools: names.map(tool),
  report: () => ({ status: 'available', sinceMs: 0 }),
})

function registryWith(...providers: Provider[]) {
  const events = createEvents(() => undefined)
  const changes: string[] = []
  events.on('tools.changed', ({ provider: id }) => changes.push(id))
  const registry = createRegistry(events)
  for (const one of providers) registry.add(one)
  return { registry, changes, names: () => registry.list().map(({ name }) => name) }
}

suite('registry', () => {
  test('finds by the short name and by the full one', () => {
    const { registry } = registryWith(provider('mqtt', 'mqtt.ping'))
    assert.equal(registry.find('ping'), registry.find('mqtt.ping'))
  })

  test('prefixes only where two collide, and lists in order', () => {
    const { names } = registryWith(provider('mqtt', 'mqtt.ping', 'mqtt.list'), provider('web', 'web.ping', 'web.get'))
    assert.deepEqual(names(), ['get', 'list', 'ping', 'web_ping'])
  })

  test('a name never changes because another provider came or went', () => {
    const { registry, names } = registryWith(provider('mqtt', 'mqtt.ping'), provider('web', 'web.ping'))
    registry.remove('mqtt')
    assert.deepEqual(names(), ['web_ping'])
    registry.add(provider('ha', 'ha.ping'))
    assert.deepEqual(names(), ['ha_ping', 'web_ping'])
    registry.add(provider('mqtt', 'mqtt.ping'))
    assert.deepEqual(names(), ['ha_ping', 'ping', 'web_ping'])
  })

  test('replacing a provider keeps the statistics of tools it still has', () => {
    const { registry, changes } = registryWith(provider('mqtt', 'mqtt.ping', 'mqtt.old'))
    registry.find('ping').statistics.calls = 7
    registry.add(provider('mqtt', 'mqtt.ping', 'mqtt.new'))
    assert.equal(registry.find('ping').statistics.calls, 7)
    assert.throws(() => registry.find('old'), { code: 'unknown_operation' })
    assert.deepEqual(changes, ['mqtt', 'mqtt'])
  })

  test('a full name belongs to one provider', () => {
    const { registry } = registryWith(provider('mqtt', 'mqtt.ping'))
    assert.throws(() => registry.add(provider('thief', 'mqtt.ping')), /which mqtt offers already/)
  })

  test('an unknown name gets the nearest one', () => {
    const { registry } = registryWith(provider('mqtt', 'mqtt.publish_message'))
    for (const wrong of ['publish_mesage', 'publishMessage', 'mqtt.publish-message'])
      assert.throws(() => registry.find(wrong), { hint: /Did you mean (mqtt\.)?publish_message\?/ })
    assert.throws(() => registry.find('completely_else'), { hint: /List the tools/ })
  })

  const upstream = (id: string, status: 'available' | 'unavailable' = 'unavailable'): Provider => ({
    ...provider(id),
    kind: 'upstream',
    report: () => ({ status, sinceMs: 0 }),
  })
  const hints: [why: string, providers: Provider[], asked: string, hint: string][] = [
    ['nothing near', [provider('mqtt', 'mqtt.ping')], 'frobnicate', 'List the tools to see what there is.'],
    ['something near', [provider('mqtt', 'mqtt.ping')], 'pong', 'Did you mean ping?'],
    [
      'a server that was not up yet',
      [upstream('everything')],
      'echo',
      'everything is still starting or down: its tools are not known yet.',
    ],
    [
      'both',
      [provider('mqtt', 'mqtt.ping'), upstream('b'), upstream('a')],
      'pong',
      'Did you mean ping? a and b are still starting or down: their tools are not known yet.',
    ],
    [
      'many',
      ['a', 'b', 'c', 'd', 'e'].map((id) => upstream(id)),
      'echo',
      'a, b, c and 2 more are still starting or down: their tools are not known yet.',
    ],
    ['one that is up and has none', [upstream('a', 'available')], 'echo', 'List the tools to see what there is.'],
  ]
  for (const [why, providers, asked, hint] of hints)
    test(`who asks for what is not there gets a hint: ${why}`, () =>
      assert.throws(() => registryWith(...providers).registry.find(asked), { code: 'unknown_operation', hint }))
})
