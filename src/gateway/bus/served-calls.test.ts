import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { ServedCalls } from './served-calls.ts'

suite('calls that may come twice', () => {
  test('one that runs is not run again, one that is answered is answered again, one that is settled is nothing', () => {
    const calls = new ServedCalls()
    assert.equal(calls.look(1), 'run')
    calls.begin(1, new AbortController())
    assert.equal(calls.look(1), 'ignore')
    calls.end(1, 'one')
    assert.deepEqual(calls.look(1), { answer: 'one' })
    assert.equal(calls.look(2), 'run')
    calls.settle(2)
    assert.equal(calls.look(1), 'ignore')
  })

  test('one that was lost on the way is run when it comes after later ones', () => {
    const calls = new ServedCalls()
    calls.begin(7, new AbortController())
    calls.end(7, 'seven')
    assert.equal(calls.look(6), 'run')
  })

  test('an old floor takes nothing back', () => {
    const calls = new ServedCalls()
    calls.settle(5)
    calls.settle(2)
    assert.equal(calls.look(4), 'ignore')
  })

  test('answers that are too many bytes are lost, and are not run again for it', () => {
    const calls = new ServedCalls()
    for (const number of [1, 2, 3]) {
      calls.begin(number, new AbortController())
      calls.end(number, 'x'.repeat(8_000_000))
    }
    assert.equal(calls.look(1), 'lost')
    assert.equal(typeof calls.look(3), 'object')
  })

  test('who is cancelled hears why; who does not run is not asked', () => {
    const calls = new ServedCalls()
    const controller = new AbortController()
    const reason = new Error('withdrawn')
    calls.begin(1, controller)
    calls.cancel(2, reason)
    calls.cancel(1, reason)
    assert.equal(controller.signal.reason, reason)
    assert.equal(calls.running, 1)
  })
})
