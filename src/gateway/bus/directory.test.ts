import assert from 'node:assert/strict'
import { suite, test, type TestContext } from 'node:test'
import { heldClock } from '../../kernel/clock.ts'
import { silentLog, type Log } from '../../kernel/log.ts'
import type { Tool } from '../../kernel/tool.ts'
import { deeds, textTools } from '../../testing/bus.ts'
import { owner, testDoor } from '../../testing/hub.ts'
import { memoryBus, type MemoryBus } from '../../testing/memory-bus.ts'
import { describe } from './description.ts'
import { createBusDirectory } from './directory.ts'

const tools = textTools(deeds(), 'one')
const UP = 'alicia/v1/bus/attic/one/up'
const DOWN = 'alicia/v1/bus/attic/one/down/request'

const described = (own: readonly Tool[], id = 'text') =>
  describe({ id, kind: 'service', tools: own, report: () => ({ status: 'available', sinceMs: 0 }) }, '1')

const here = (boot: string, startedMs = 1) =>
  JSON.stringify({ is: 'here', boot, startedMs, services: { text: { status: 'available', sinceMs: 1 } } })

async function start(t: TestContext, bus: MemoryBus = memoryBus()) {
  const clock = heldClock()
  const warnings: unknown[] = []
  const log: Log = { ...silentLog, warn: (text, fields) => void warnings.push({ text, ...fields }) }
  const door = testDoor([], { clock })
  const changes: string[] = []
  door.events.on('tools.changed', ({ provider }) => changes.push(provider))
  const { registry, events } = door
  const mayRun = (login: string, service: string) => login === 'attic' && service === 'text'
  const directory = await createBusDirectory({ bus, registry, events, clock, log, mayRun })
  t.after(() => directory.stop())
  const retain = (topic: string, payload: string) => bus.publish(topic, payload, { retain: true })
  return {
    bus,
    clock,
    warnings,
    door,
    changes,
    directory,
    retain,
    names: () => registry.list().map(({ name }) => name),
  }
}

suite('what a hub makes of what processes say', () => {
  test('a service that is described and there is offered; another description is a change of tools', async (t) => {
    const { retain, names, changes, directory } = await start(t)
    await retain(`${UP}/meta/text`, described(tools))
    await retain(`${UP}/status`, here('a'))
    assert.deepEqual(names(), ['append', 'echo', 'fail', 'wait'])
    assert.deepEqual(changes, ['text'])
    assert.equal(directory.reports()[0]?.status, 'available')
    await retain(`${UP}/meta/text`, described(tools))
    assert.deepEqual(changes, ['text'])
    await retain(`${UP}/meta/text`, described(tools.slice(1)))
    assert.deepEqual(
      [names(), changes],
      [
        ['append', 'fail', 'wait'],
        ['text', 'text'],
      ],
    )
    await retain(`${UP}/meta/text`, '')
    assert.deepEqual([names(), directory.reports()], [[], []])
  })

  test('of two descriptions, that of the process that was started last counts', async (t) => {
    const { retain, names } = await start(t)
    const other = UP.replace('one', 'two')
    await retain(`${UP}/status`, here('a', 10))
    await retain(`${UP}/meta/text`, described(tools))
    await retain(`${other}/status`, here('b', 20))
    await retain(`${other}/meta/text`, described(tools.slice(0, 1)))
    assert.deepEqual(names(), ['echo'])
    await retain(`${other}/status`, JSON.stringify({ is: 'gone', boot: 'b' }))
    await retain(`${UP}/meta/text`, described(tools))
    assert.deepEqual(names(), ['append', 'echo', 'fail', 'wait'])
  })

  test('what the broker kept is believed when the process says so itself', async (t) => {
    const bus = memoryBus()
    await bus.publish(`${UP}/meta/text`, described(tools), { retain: true })
    await bus.publish(`${UP}/status`, here('a'), { retain: true })
    const { directory } = await start(t, bus)
    assert.deepEqual(
      directory.reports().map(({ status, reason }) => [status, reason]),
      [['unavailable', 'it has not answered yet']],
    )
    const hello = bus.published.findLast(({ topic }) => topic === DOWN)
    const { is, hub } = JSON.parse(String(hello?.payload)) as { is: string; hub: string }
    assert.equal(is, 'hello')
    await bus.publish(`${UP}/answer/${hub}`, JSON.stringify({ is: 'here', boot: 'a' }))
    assert.equal(directory.reports()[0]?.status, 'available')
  })

  test('silence is noticed, and so is a word', async (t) => {
    const { bus, retain, directory, clock, door } = await start(t)
    await retain(`${UP}/meta/text`, described(tools))
    await retain(`${UP}/status`, here('a'))
    clock.advance(30_000)
    assert.match(directory.reports()[0]?.reason ?? '', /it has not answered for 2\d s/)
    const call = door.invoke({ operation: 'text.append', input: { text: 'x' }, caller: owner })
    await assert.rejects(call, {
      code: 'unavailable',
      message: /^text \(attic\/one\) is unavailable since \d\d:\d\d: it has/,
    })
    const { hub } = JSON.parse(String(bus.published.findLast(({ topic }) => topic === DOWN)?.payload)) as {
      hub: string
    }
    await bus.publish(`${UP}/answer/${hub}`, JSON.stringify({ is: 'here', boot: 'a' }))
    assert.equal(directory.reports()[0]?.status, 'available')
  })

  test('who was away for a day is forgotten, and the broker’s memory of it is cleared', async (t) => {
    const { bus, retain, directory, clock, names } = await start(t)
    await retain(`${UP}/meta/text`, described(tools))
    await retain(`${UP}/status`, JSON.stringify({ is: 'stopped', boot: 'a', atMs: clock.now() }))
    assert.equal(directory.reports()[0]?.reason, 'it was stopped')
    clock.advance(25 * 3_600_000)
    assert.deepEqual([names(), directory.reports(), [...bus.retained.keys()]], [[], [], []])
  })

  test('who was replaced is forgotten sooner', async (t) => {
    const { retain, directory, clock } = await start(t)
    await retain(`${UP}/status`, here('a'))
    await retain(`${UP}/meta/text`, described(tools))
    await retain(`${UP}/status`, JSON.stringify({ is: 'gone', boot: 'a' }))
    const other = UP.replace('one', 'two')
    await retain(`${other}/status`, here('b'))
    await retain(`${other}/meta/text`, described(tools))
    assert.equal(directory.reports()[0]?.status, 'degraded')
    for (let minute = 0; minute < 11; minute++) {
      clock.advance(60_000)
      await retain(`${other}/status`, here('b'))
    }
    assert.equal(directory.reports()[0]?.status, 'available')
  })

  const hostile: readonly [what: string, topic: string, payload: string][] = [
    ['a service of a login that may not run it', 'alicia/v1/bus/thief/one/up/meta/text', described(tools)],
    ['a service that its login may not run', `${UP}/meta/health`, described(tools, 'health')],
    ['no JSON', `${UP}/meta/text`, '{'],
    ['bytes of all kinds', `${UP}/status`, '\uFFFF\0'],
    ['a status that is none', `${UP}/status`, '{"is":"here"}'],
    ['a list', `${UP}/meta/text`, '[]'],
  ]
  for (const [what, topic, payload] of hostile)
    test(`${what} is refused, with one line in the log`, async (t) => {
      const { retain, names, warnings } = await start(t)
      await retain(topic, payload)
      await retain(topic, payload)
      assert.deepEqual(names(), [])
      assert.equal(warnings.length, 1)
    })

  test('a description that breaks takes its service out; a good one brings it back', async (t) => {
    const { retain, names } = await start(t)
    await retain(`${UP}/meta/text`, described(tools))
    await retain(`${UP}/meta/text`, '{"service":"text"}')
    assert.deepEqual(names(), [])
    await retain(`${UP}/meta/text`, described(tools))
    assert.equal(names().length, 4)
  })

  test('answers that are none, or are another run’s, are nothing', async (t) => {
    const { bus, retain, door, clock } = await start(t)
    await retain(`${UP}/meta/text`, described(tools))
    await retain(`${UP}/status`, here('a'))
    const sent = bus.next(({ topic }) => topic === DOWN)
    const call = door.invoke({ operation: 'text.fail', input: { text: 'x' }, caller: owner })
    const { hub, number } = JSON.parse(String((await sent).payload)) as { hub: string; number: number }
    const answer = (value: unknown) => bus.publish(`${UP}/answer/${hub}`, JSON.stringify(value))
    for (const nothing of [7, null, {}, { is: 'result', boot: 'b', number }, { is: 'result', boot: 'a', number: 99 }])
      await answer(nothing)
    await answer({ is: 'fault', boot: 'a', number, ran: true, fault: { code: 'no_such', message: 'Odd.' } })
    await assert.rejects(call, { code: 'upstream_failed', message: 'Odd.' })
    clock.advance(1)
  })

  test('a process that is another one now: what was under way is told so', async (t) => {
    const { bus, retain, door } = await start(t)
    await retain(`${UP}/meta/text`, described(tools))
    await retain(`${UP}/status`, here('a'))
    const sent = bus.next(({ topic }) => topic === DOWN)
    const call = door.invoke({ operation: 'text.append', input: { text: 'x' }, caller: owner })
    await sent
    await retain(`${UP}/status`, here('b'))
    await assert.rejects(call, { code: 'upstream_failed', message: /it was started anew\. It may have been done/ })
  })
})
