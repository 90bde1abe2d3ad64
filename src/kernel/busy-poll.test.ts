import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { BusyPoll, busyPoll, startBusyPoll } from './busy-poll.ts'

/** An event loop whose turns take 10 µs each. */
function loop(microseconds: number) {
  let nowMs = 1000
  let turns = 0
  const waiting: (() => void)[] = []
  const poll = new BusyPoll({ now: () => nowMs, nextTurn: (task) => void waiting.push(task) })
  poll.microseconds = microseconds
  return {
    poll,
    /** How many turns it took until the loop may sleep. */
    run(each: (turn: number) => void = () => {}) {
      turns = 0
      for (let task = waiting.shift(); task; task = waiting.shift()) {
        assert.equal(waiting.length, 0, 'one turn at a time')
        nowMs += 0.01
        each(++turns)
        task()
      }
      return turns
    },
  }
}

suite('busy poll', () => {
  test('the loop stays awake for as long as was said, and sleeps then', () => {
    const { poll, run } = loop(50)
    poll.stayAwake()
    // From the end of the turn in which it was asked for.
    assert.equal(run(), 1 + 5)
    assert.equal(run(), 0)
    poll.stayAwake()
    assert.equal(run(), 1 + 5)
  })

  test('what comes meanwhile begins the time anew, and takes no turns of its own', () => {
    const { poll, run } = loop(50)
    poll.stayAwake()
    poll.stayAwake()
    assert.equal(
      run((turn) => {
        if (turn === 3) poll.stayAwake()
      }),
      8,
    )
  })

  test('on a single processor the other side could not run meanwhile', (t) => {
    t.after(() => startBusyPoll(0))
    startBusyPoll(50, 2)
    assert.equal(busyPoll.microseconds, 50)
    startBusyPoll(50, 1)
    assert.equal(busyPoll.microseconds, 0)
  })

  test('of no time at all, no turn', () => {
    const { poll, run } = loop(0)
    poll.stayAwake()
    assert.equal(run(), 0)
  })
})
