import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { heldClock } from './clock.ts'
import { createEvents } from './events.ts'
import { Fault } from './fault.ts'
import { createLifecycle, type Part, type RunningPart } from './lifecycle.ts'
import { silentLog } from './log.ts'

const clock = heldClock()
const events = createEvents(() => undefined)
const lifecycle = (parts: Part[]) =>
  createLifecycle(parts, { clock, events, log: silentLog, startTimeoutMs: 1000, stopTimeoutMs: 1000 })

/** A part that writes down when it starts and stops. */
function part(name: string, needs: string[], journal: string[], more: Partial<Part> = {}): Part {
  return {
    name,
    needs,
    async start() {
      journal.push(`+${name}`)
      return { stop: async () => void journal.push(`-${name}`) }
    },
    ...more,
  }
}

suite('life cycle', () => {
  test('starts in the order of needs, stops in reverse', async () => {
    const journal: string[] = []
    const life = lifecycle([
      part('top', ['middle'], journal),
      part('middle', ['base'], journal),
      part('base', [], journal),
    ])
    await life.start()
    assert.equal(life.report('top').status, 'available')
    await life.stop()
    assert.deepEqual(journal, ['+base', '+middle', '+top', '-top', '-middle', '-base'])
    assert.equal(life.report('top').status, 'unavailable')
  })

  test('starts side by side what does not depend on each other', async () => {
    let other = (_: RunningPart) => {}
    const waitsForOther: Part = {
      name: 'a',
      needs: [],
      start: () => new Promise((resolve) => (other = resolve)),
    }
    const wakesOther: Part = {
      name: 'b',
      needs: [],
      async start() {
        other({ stop: async () => {} })
        return { stop: async () => {} }
      },
    }
    await lifecycle([waitsForOther, wakesOther]).start()
  })

  test('hands over the values of needed parts, and no others', async () => {
    let got: object = {}
    const secrets = { seal: (plain: string) => plain, open: (sealed: string) => sealed, isStale: () => false }
    await lifecycle([
      { name: 'secrets', needs: [], start: async () => ({ value: secrets, stop: async () => {} }) },
      { name: 'other', needs: [], start: async () => ({ stop: async () => {} }) },
      { name: 'user', needs: ['secrets'], start: async (ports) => ((got = ports), { stop: async () => {} }) },
    ]).start()
    assert.deepEqual(got, { secrets })
  })

  test('a part that fails takes down those that need it, with its reason, and nobody else', async () => {
    const journal: string[] = []
    const life = lifecycle([
      part('broken', [], journal, { start: () => Promise.reject(new Fault('unavailable', 'the disk is gone')) }),
      part('user', ['broken'], journal),
      part('bystander', [], journal),
    ])
    await life.start()
    assert.deepEqual(
      life.reports().map(({ name, status, reason }) => [name, status, reason]),
      [
        ['broken', 'unavailable', 'the disk is gone'],
        ['user', 'unavailable', 'broken is down (the disk is gone)'],
        ['bystander', 'available', undefined],
      ],
    )
    await life.stop()
    assert.deepEqual(journal, ['+bystander', '-bystander'])
  })

  test('an essential part that fails is the failure of the start', async () => {
    const failing = { essential: true, start: () => Promise.reject(new Fault('conflict', 'port taken')) }
    await assert.rejects(lifecycle([part('http', [], [], failing)]).start(), { code: 'conflict' })
  })

  test('a part that hangs at its start is given up, and stopped when it comes up after all', async () => {
    let comeUp = (_: RunningPart) => {}
    const life = lifecycle([part('slow', [], [], { start: () => new Promise((resolve) => (comeUp = resolve)) })])
    const started = life.start()
    await new Promise(setImmediate)
    clock.advance(1000)
    await started
    assert.match(life.report('slow').reason ?? '', /did not start within 1 s/)
    const { promise: stopped, resolve } = Promise.withResolvers<void>()
    comeUp({ stop: async () => resolve() })
    await stopped
  })

  test('a part that hangs at its stop does not keep the others', async () => {
    const journal: string[] = []
    const hanging = { start: async () => ({ stop: () => new Promise<void>(() => {}) }) }
    const life = lifecycle([part('base', [], journal), part('hangs', ['base'], journal, hanging)])
    await life.start()
    const stopped = life.stop()
    await new Promise(setImmediate)
    clock.advance(1000)
    await stopped
    assert.deepEqual(journal, ['+base', '-base'])
  })

  test('a moment in which the whole process stood still is not held against a part that stops', async () => {
    const timers: (() => void)[] = []
    const warned: string[] = []
    let end = () => {}
    const slow = { start: async () => ({ stop: () => new Promise<void>((resolve) => (end = resolve)) }) }
    const life = createLifecycle([part('slow', [], [], slow)], {
      clock: { ...clock, after: (_ms, task) => (timers.push(task), () => {}) },
      events,
      log: { ...silentLog, warn: (message) => void warned.push(message) },
      startTimeoutMs: 1000,
      stopTimeoutMs: 1000,
    })
    await life.start()
    const stopped = life.stop()
    await new Promise(setImmediate)
    // Whatever time it is by then: what is due comes before anything else has its turn.
    timers.at(-1)?.()
    await new Promise(setImmediate)
    end()
    await stopped
    assert.deepEqual(warned, [])
  })

  test('stopping while starting waits for nothing that hangs', async () => {
    const life = lifecycle([part('slow', [], [], { start: () => new Promise(() => {}) })])
    const started = life.start()
    await new Promise(setImmediate)
    await Promise.all([life.stop(), started])
    assert.equal(life.report('slow').status, 'unavailable')
  })

  test("a running part's own word counts, and changes are announced", async () => {
    const seen: string[] = []
    const stop = events.on('status.changed', ({ name, status }) => seen.push(`${name} ${status}`))
    const report = () => ({ status: 'degraded' as const, sinceMs: 5, reason: 'reconnecting' })
    const life = lifecycle([part('bus', [], [], { start: async () => ({ report, stop: async () => {} }) })])
    await life.start()
    stop()
    assert.deepEqual(life.report('bus'), { status: 'degraded', sinceMs: 5, reason: 'reconnecting' })
    assert.deepEqual(seen, ['bus unavailable', 'bus degraded'])
  })

  suite('single parts', () => {
    const chain = (journal: string[], more: Partial<Part> = {}) =>
      lifecycle([
        part('base', [], journal, { essential: true }),
        part('bus', ['base'], journal, more),
        part('lamps', ['bus'], journal),
        part('doors', ['bus'], journal),
        part('clock', ['base'], journal),
      ])
    const started = async (journal: string[], more?: Partial<Part>) => {
      const life = chain(journal, more)
      await life.start()
      journal.length = 0
      return life
    }

    test('one is started anew between those that need it', async () => {
      const journal: string[] = []
      const life = await started(journal)
      await life.control.restart('bus')
      assert.deepEqual(journal, ['-lamps', '-doors', '-bus', '+bus', '+lamps', '+doors'])
      const restarts = life.control.states().map(({ name, restarts }) => [name, restarts])
      assert.deepEqual(Object.fromEntries(restarts), { base: 0, bus: 1, lamps: 1, doors: 1, clock: 0 })
      await life.stop()
      assert.deepEqual(journal.slice(6).sort(), ['-base', '-bus', '-clock', '-doors', '-lamps'])
    })

    test('what was stopped on request stays so until somebody starts it', async () => {
      const journal: string[] = []
      const life = await started(journal)
      await life.control.stop('doors')
      await life.control.restart('bus')
      assert.equal(life.report('doors').reason, 'it was stopped')
      assert.deepEqual(journal, ['-doors', '-lamps', '-bus', '+bus', '+lamps'])
      await life.control.stop('bus')
      await life.control.start('doors')
      assert.deepEqual(journal.slice(5), ['-lamps', '-bus', '+bus', '+doors'])
      await life.stop()
    })

    test('one that failed is tried again, with what failed for its sake', async () => {
      const journal: string[] = []
      let isBroken = true
      const life = await started(journal, {
        start: async () => {
          if (isBroken) throw new Error('no cable')
          return { stop: async () => {} }
        },
      })
      await assert.rejects(life.control.start('lamps'), { code: 'unavailable', message: /bus is down \(no cable\)/ })
      await assert.rejects(life.control.start('bus'), { code: 'unavailable', message: /did not start: no cable/ })
      isBroken = false
      await life.control.start('bus')
      assert.deepEqual(journal, ['+lamps', '+doors'])
      await life.stop()
    })

    test('what the hub cannot do without is refused with the reason', async () => {
      const life = await started([])
      await assert.rejects(life.control.stop('base'), { code: 'conflict', message: /the hub is of no use without it/ })
      await assert.rejects(life.control.restart('nobody'), { code: 'not_found' })
      assert.deepEqual(life.control.affected('bus'), ['bus', 'lamps', 'doors'])
      await life.stop()
      await assert.rejects(life.control.start('bus'), { code: 'stopping' })
    })
  })

  for (const [why, parts, says] of [
    ['a cycle', [part('a', ['b'], []), part('b', ['a'], [])], /a → b → a/],
    ['a need that does not exist', [part('a', ['x'], [])], /a needs x/],
  ] as const)
    test(`refuses ${why}`, () => assert.throws(() => lifecycle([...parts]), says))
})
