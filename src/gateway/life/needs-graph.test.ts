import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import { createEvents } from '../../kernel/events.ts'
import type { StatusReport } from '../../kernel/status.ts'
import { testLife, turn } from './life.testing.ts'
import { createNeeds, orderByNeeds, type Needing } from './needs-graph.ts'

const server = (name: string, ...needs: string[]): Needing => ({ name, needs })

suite('order of starting', () => {
  const cases: [string, Needing[], string[], Record<string, string>][] = [
    ['as given where nothing is needed', [server('b'), server('a')], ['b', 'a'], {}],
    ['after what is needed', [server('c', 'b', 'a'), server('a'), server('b', 'a')], ['a', 'b', 'c'], {}],
    ['parts of the hub are there already', [server('a', 'bus')], ['a'], {}],
    [
      'a slip',
      [server('a', 'buss'), server('b')],
      ['b'],
      { a: 'it needs buss, which does not exist (did you mean bus?)' },
    ],
    [
      'a cycle is refused, with all its members and those that need them',
      [server('x', 'a'), server('a', 'b'), server('b', 'c'), server('c', 'a'), server('y')],
      ['y'],
      {
        a: 'these need each other: a → b → c → a',
        b: 'these need each other: a → b → c → a',
        c: 'these need each other: a → b → c → a',
        x: 'it needs a, which cannot start',
      },
    ],
    ['itself', [server('a', 'a')], [], { a: 'these need each other: a → a' }],
  ]
  for (const [name, servers, order, refused] of cases)
    test(name, () => {
      const found = orderByNeeds(servers, ['bus'])
      assert.deepEqual({ order: found.order, refused: Object.fromEntries(found.refused) }, { order, refused })
    })

  test('whoever starts, everything that it needs started before; whoever does not, has a reason', () => {
    const name = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f')
    const servers = fc.uniqueArray(fc.record({ name, needs: fc.uniqueArray(name, { maxLength: 3 }) }), {
      selector: (needing) => needing.name,
    })
    fc.assert(
      fc.property(servers, (needing) => {
        const { order, refused } = orderByNeeds(needing, [])
        const byName = new Map<string, readonly string[]>(needing.map(({ name, needs }) => [name, needs]))
        order.forEach((name, at) => {
          for (const need of byName.get(name) ?? []) assert.ok(order.slice(0, at).includes(need))
        })
        assert.deepEqual([...order, ...refused.keys()].sort(), [...byName.keys()].sort())
      }),
    )
  })
})

suite('what servers need while the hub runs', () => {
  const at = (hours: number, minutes: number, day = 1) => new Date(2026, 5, day, hours, minutes).getTime()

  function rig() {
    const statuses = new Map<string, StatusReport>()
    const events = createEvents((error) => {
      throw error
    })
    const servers = [server('bridge', 'mosquitto'), server('lamps', 'bridge', 'hue')]
    for (const name of ['mosquitto', 'bridge', 'hue', 'lamps']) statuses.set(name, { status: 'available', sinceMs: 0 })
    const needs = createNeeds({ servers, statusOf: (name) => statuses.get(name), events, now: () => at(15, 0) })
    const set = (name: string, report: StatusReport) => {
      statuses.set(name, report)
      events.emit('status.changed', { name, status: report.status })
    }
    return { needs, set }
  }

  test('the cause is named, and since when', () => {
    const { needs, set } = rig()
    assert.equal(needs.blockedBy('lamps'), undefined)
    set('mosquitto', { status: 'unavailable', sinceMs: at(14, 2) })
    set('bridge', { status: 'unavailable', sinceMs: at(14, 3) })
    assert.equal(needs.blockedBy('bridge'), 'mosquitto is down since 14:02')
    assert.equal(needs.blockedBy('lamps'), 'mosquitto is down since 14:02')
    set('mosquitto', { status: 'available', sinceMs: at(14, 4) })
    assert.equal(needs.blockedBy('lamps'), 'bridge is down since 14:03')
    set('bridge', { status: 'unknown', sinceMs: at(14, 4), reason: 'asleep' })
    assert.equal(needs.blockedBy('lamps'), undefined)
    set('hue', { status: 'unavailable', sinceMs: at(23, 59, 0) })
    assert.equal(needs.blockedBy('lamps'), 'hue is down since 2026-05-31 23:59')
  })

  test('who is needed', () => {
    const { needs } = rig()
    assert.deepEqual(['mosquitto', 'bridge', 'hue', 'lamps'].map(needs.isNeeded), [true, true, true, false])
  })

  test('whoever needs it hears of its changes, until it listens no more', () => {
    const { needs, set } = rig()
    let changes = 0
    const end = needs.watch('lamps', () => (changes += 1))
    for (const name of ['bridge', 'hue', 'mosquitto', 'lamps']) set(name, { status: 'degraded', sinceMs: 1 })
    assert.equal(changes, 2)
    end()
    set('hue', { status: 'available', sinceMs: 1 })
    assert.equal(changes, 2)
    needs.close()
  })

  test('a chain heals from its beginning to its end by itself', async () => {
    const { needs, set } = rig()
    set('mosquitto', { status: 'unavailable', sinceMs: at(14, 2) })
    const lives = ['bridge', 'lamps'].map((name) => {
      const life = testLife({ blockedBy: () => needs.blockedBy(name), onChange: () => set(name, life.life.report()) })
      needs.watch(name, () => life.life.needsChanged())
      life.life.start()
      return life
    })
    await turn()
    assert.deepEqual(
      lives.map(({ opens }) => opens()),
      [0, 0],
    )
    set('mosquitto', { status: 'available', sinceMs: at(14, 5) })
    await lives[0]?.succeed()
    await lives[1]?.succeed()
    assert.deepEqual(
      lives.map(({ life }) => life.state.is),
      ['ready', 'ready'],
    )
  })
})
