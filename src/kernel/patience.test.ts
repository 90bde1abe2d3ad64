import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import { heldClock } from './clock.ts'
import { Patience, Waiting } from './patience.ts'

class Waiter extends Waiting {
  readonly name: number
  readonly #lost: number[]

  constructor(name: number, lost: number[]) {
    super()
    this.name = name
    this.#lost = lost
  }

  lose(): void {
    this.#lost.push(this.name)
  }
}

suite('patience', () => {
  test('whoever still waits when the time has passed loses it, in the order they began', () => {
    fc.assert(
      fc.property(fc.array(fc.record({ leaves: fc.boolean(), gapMs: fc.nat(40) })), (plan) => {
        const clock = heldClock()
        const lost: number[] = []
        const patience = new Patience(clock, 100)
        const waiters = plan.map(({ gapMs }, at) => {
          clock.advance(gapMs)
          const waiter = new Waiter(at, lost)
          patience.begin(waiter)
          return waiter
        })
        const early = new Set(lost)
        for (const [at, waiter] of waiters.entries()) if (plan[at]?.leaves) patience.end(waiter)
        clock.advance(100)
        const stayed = plan.flatMap(({ leaves }, at) => (leaves && !early.has(at) ? [] : [at]))
        assert.deepEqual(lost, stayed)
        for (const { before, after } of waiters) assert.deepEqual([before, after], [undefined, undefined])
      }),
    )
  })
})
