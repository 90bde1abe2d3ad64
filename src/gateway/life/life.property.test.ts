import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import { Fault } from '../../kernel/fault.ts'
import { DEFINITION, testLife, turn, type TestLife } from './life.testing.ts'
import type { LifeState } from './state.ts'

/** The fields that each state has, and no other. */
const FIELDS: Record<LifeState['is'], readonly string[]> = {
  stopped: ['is', 'reason', 'sinceMs', 'wakes'],
  starting: ['attempt', 'is', 'reason', 'sinceMs'],
  ready: ['is', 'sinceMs'],
  degraded: ['is', 'reason', 'sinceMs'],
  backing_off: ['attempts', 'is', 'nextAtMs', 'reason', 'sinceMs'],
  failed: ['attempts', 'is', 'reason', 'sinceMs'],
  needs_login: ['is', 'reason', 'sinceMs'],
}

type Step = (rig: TestLife, world: { running: number; megabytes: number }) => unknown

const STEPS: Record<string, Step> = {
  start: ({ life }) => life.start(),
  stop: ({ life }) => void life.stop('it was stopped by owner'),
  restart: ({ life }) => life.restart(),
  'needs login': ({ life }) => life.needsLogin('it wants a login'),
  'login done': ({ life }) => life.loginDone(),
  call: ({ life }) => void life.obtain(new AbortController().signal).catch(() => undefined),
  'call begins': ({ life }, world) => {
    world.running++
    life.busy(1)
  },
  'call ends': ({ life }, world) => {
    if (world.running === 0) return
    world.running--
    life.busy(-1)
  },
  'call fails': ({ life }) => life.noteFailure('late'),
  'call answered': ({ life }) => life.noteSuccess(),
  opens: ({ openings }) => openings[0]?.succeed(),
  'does not open': ({ openings }) => openings[0]?.fail(new Fault('unavailable', 'no')),
  'opens after a login': ({ openings }) => openings[0]?.fail(new Fault('unauthenticated', 'who are you')),
  'breaks while opening': ({ openings }) => openings[0]?.lose('it broke'),
  breaks: ({ opened }) => opened.at(-1)?.lose('it broke'),
  'an old one breaks': ({ opened }) => opened[0]?.lose('it broke long ago'),
  'closes slowly': ({ world }) => (world.holdCloses = true),
  closed: ({ closing, world }) => {
    world.holdCloses = false
    for (const end of closing.splice(0)) end()
  },
  'need down': ({ world, life }) => {
    world.needDown = 'mosquitto is down'
    life.needsChanged()
  },
  'need up': ({ world, life }) => {
    world.needDown = undefined
    life.needsChanged()
  },
  'grows fat': (_, world) => (world.megabytes = 999),
  'grows thin': (_, world) => (world.megabytes = 1),
  'a moment': ({ clock }) => clock.advance(1000),
  'a while': ({ clock }) => clock.advance(30_000),
  'a long time': ({ clock }) => clock.advance(700_000),
}

/** What somebody stopped stays so until somebody asks for something else. */
const isForPeople = (state: LifeState) => state.is === 'stopped' && !state.wakes
const ASKING = new Set(['start', 'stop', 'restart', 'needs login'])

function assertPossible({ life, opened, openings, violations }: TestLife): void {
  const { state } = life
  assert.deepEqual(violations, [])
  // A start has a reason only where the hub itself wanted it.
  const fields = state.is === 'starting' ? { reason: undefined, ...state } : state
  assert.deepEqual(Object.keys(fields).sort(), FIELDS[state.is])
  const open = opened.filter(({ closes }) => closes === 0)
  const isUp = state.is === 'ready' || state.is === 'degraded'
  assert.ok(
    opened.every(({ closes }) => closes <= 1),
    'closed twice',
  )
  assert.ok(isUp ? open.length === 1 && openings.length === 0 : open.length === 0, `${open.length} open in ${state.is}`)
  const current = life.current()
  assert.ok(current === undefined || (isUp && current === open[0]))
  assert.equal(life.report().status === 'available' && isUp, state.is === 'ready' && current !== undefined)
}

suite('life, whatever happens', () => {
  test('no impossible state, never two at once, and everything that was opened is closed once', async () => {
    const steps = fc.array(fc.constantFrom(...Object.keys(STEPS)), { maxLength: 80, size: 'max' })
    await fc.assert(
      fc.asyncProperty(steps, async (names) => {
        const world = { running: 0, megabytes: 1 }
        const definition = { ...DEFINITION, idleStopMs: 600_000, memoryMegabytes: 500 }
        const rig = testLife({
          definition,
          memory: () => Promise.resolve(world.megabytes),
          probe: () => (world.megabytes > 500 ? Promise.reject(new Error('too fat to speak')) : Promise.resolve()),
        })
        for (const name of names) {
          const before = rig.life.state
          const isLongGone = name === 'an old one breaks' && rig.opened[0]?.closes === 1
          STEPS[name]?.(rig, world)
          await turn()
          assertPossible(rig)
          if (isLongGone || (isForPeople(before) && !ASKING.has(name))) assert.equal(rig.life.state, before, name)
        }
        const closed = rig.life.close()
        STEPS['closed']?.(rig, world)
        await turn()
        rig.openings[0]?.succeed()
        await closed
        assert.equal(rig.life.state.is, 'stopped')
        assert.ok(
          rig.opened.every(({ closes }) => closes === 1),
          'something was left open',
        )
        rig.life.start()
        await turn()
        rig.clock.advance(1_000_000)
        await turn()
        assert.deepEqual([rig.life.state.is, rig.openings.length], ['stopped', 0], 'it started after its end')
      }),
      { numRuns: 500 },
    )
  })
})
