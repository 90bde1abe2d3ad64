import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { heldClock } from '../clock.ts'
import { Breaker, DEFAULT_BREAKER, REFUSED } from './breaker.ts'

/** A breaker and a script for it: `s` a call succeeds, `f` fails, `d` is dropped, a number passes so many milliseconds. */
function breaker(options = {}) {
  const clock = heldClock()
  const breaker = new Breaker(clock, { ...DEFAULT_BREAKER, ...options })
  const play = (...script: (string | number)[]) => {
    for (const step of script) {
      if (typeof step === 'number') clock.advance(step)
      else for (const end of step) finish(breaker.begin(), end)
    }
    return breaker.state.is
  }
  const finish = (ticket: number, end: string) => {
    if (end === 's') breaker.succeeded(ticket, clock.monotonic())
    else if (end === 'f') breaker.failed(ticket, clock.monotonic(), 'pipe broke')
    else breaker.dropped(ticket)
  }
  return { breaker, clock, play, finish }
}

suite('breaker', () => {
  const cases: [string, (string | number)[], string][] = [
    ['closed while calls succeed', ['ssss'], 'closed'],
    ['a success between failures keeps it closed', ['ffffsffff'], 'closed'],
    ['five failures in a row open it', ['fffff'], 'open'],
    ['half of at least twenty calls open it', ['sfsfsfsfsfsfsfsfsfsf'], 'open'],
    ['nineteen do not', ['sfsfsfsfsfsfsfsfsfs'], 'closed'],
    ['failures long ago do not count', ['sfsfsfsfsfsfsfsf', 31_000, 'sfsf'], 'closed'],
    ['those within the window do', ['sfsfsfsfsfsfsfsf', 20_000, 'sfsf'], 'open'],
    ['what was dropped says nothing', ['ffffddddddd'], 'closed'],
    ['it is open until its time is over', ['fffff', 1999], 'open'],
    ['one trial succeeded', ['fffff', 2000, 's'], 'half_open'],
    ['two trials succeeded', ['fffff', 2000, 'ss'], 'closed'],
    ['a trial failed', ['fffff', 2000, 'sf'], 'open'],
    ['a dropped trial gives its place back', ['fffff', 2000, 'dddss'], 'closed'],
  ]
  for (const [name, script, expected] of cases)
    test(name, () => assert.equal(breaker({ firstOpenMs: 2000, mostOpenMs: 2000 }).play(...script), expected))

  test('lets so many trials through at once', () => {
    const { breaker: one, clock, play } = breaker()
    play('fffff')
    assert.equal(one.begin(), REFUSED)
    clock.advance(1000)
    assert.equal(one.admits(), true)
    const tickets = [one.begin(), one.begin(), one.begin()]
    assert.deepEqual(
      tickets.map((ticket) => ticket !== REFUSED),
      [true, true, false],
    )
  })

  test('stays open longer each time, up to its ceiling, and begins anew after a good while', () => {
    const { breaker: one, clock, play } = breaker({ mostOpenMs: 4000 })
    const openMs: number[] = []
    const trip = (script: string) => {
      play(script)
      openMs.push(one.waitMs())
      clock.advance(one.waitMs())
    }
    for (const script of ['fffff', 'f', 'f', 'f', 'ssfffff']) trip(script)
    play('ss', 4000)
    trip('fffff')
    assert.deepEqual(openMs, [1000, 2000, 4000, 4000, 4000, 1000])
  })

  test('the end of a call counts only in the state that it began in', () => {
    const { breaker: one, clock, play, finish } = breaker()
    const late = [one.begin(), one.begin(), one.begin()] as const
    play('fffff')
    finish(late[0], 's')
    assert.equal(one.state.is, 'open')
    clock.advance(1000)
    play('s')
    finish(late[1], 'f')
    finish(late[2], 's')
    assert.equal(one.state.is, 'half_open')
  })

  test('says in words why it is open', () => {
    const { breaker: one, play } = breaker()
    play('fffff')
    assert.ok(one.state.is === 'open')
    assert.equal(one.state.reason, '5 calls in a row failed, the last at 2026-01-01T00:00:00.000Z with "pipe broke"')
    play(1000, 'f')
    assert.ok(one.state.is === 'open')
    assert.equal(one.state.reason, 'a trial call failed with "pipe broke"')
  })

  test('a reset closes it', () => {
    const { breaker: one, play } = breaker()
    play('fffff')
    one.reset()
    assert.equal(play('ffff'), 'closed')
  })
})
