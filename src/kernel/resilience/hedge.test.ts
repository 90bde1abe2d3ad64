import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { heldClock } from '../clock.ts'
import { hedge, type Attempted } from './hedge.ts'

/** An attempt whose end the test decides. */
function attempt() {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  let signal: AbortSignal | undefined
  const run: Attempted<string> = (own) => {
    signal = own
    own.addEventListener('abort', () => reject(own.reason))
    return promise
  }
  return { run, resolve, reject, started: () => signal !== undefined, aborted: () => signal?.aborted === true }
}

function setUp(hasSecond = true) {
  const clock = heldClock()
  const caller = new AbortController()
  const [first, second] = [attempt(), attempt()]
  const result = hedge(first.run, () => (hasSecond ? second.run : undefined), {
    afterMs: 50,
    clock,
    signal: caller.signal,
  })
  return { clock, caller, first, second, result }
}

suite('hedge', () => {
  test('a quick first is alone', async () => {
    const { clock, first, second, result } = setUp()
    first.resolve('first')
    assert.equal(await result, 'first')
    clock.advance(100)
    assert.equal(second.started(), false)
  })

  test('a slow first is overtaken, and told to stop', async () => {
    const { clock, first, second, result } = setUp()
    clock.advance(50)
    second.resolve('second')
    assert.equal(await result, 'second')
    assert.deepEqual([first.aborted(), second.aborted()], [true, false])
  })

  test('a slow first may still win', async () => {
    const { clock, first, second, result } = setUp()
    clock.advance(50)
    first.resolve('first')
    assert.equal(await result, 'first')
    assert.equal(second.aborted(), true)
  })

  test('a first that fails early fails alone: somebody else decides what then', async () => {
    const { first, second, result } = setUp()
    first.reject(new Error('no'))
    await assert.rejects(result, /no/)
    assert.equal(second.started(), false)
  })

  test('when one fails the other goes on', async () => {
    const { clock, first, second, result } = setUp()
    clock.advance(50)
    second.reject(new Error('no'))
    await new Promise(setImmediate)
    first.resolve('first')
    assert.equal(await result, 'first')
  })

  test('when both fail, what failed first', async () => {
    const { clock, first, second, result } = setUp()
    clock.advance(50)
    second.reject(new Error('second'))
    first.reject(new Error('first'))
    await assert.rejects(result, /second/)
  })

  test('nobody else to ask: the first is waited for', async () => {
    const { clock, first, result } = setUp(false)
    clock.advance(50)
    first.resolve('first')
    assert.equal(await result, 'first')
  })

  test('a caller that goes away stops both', async () => {
    const { clock, caller, first, second, result } = setUp()
    clock.advance(50)
    caller.abort(new Error('gone'))
    await assert.rejects(result, /gone/)
    assert.deepEqual([first.aborted(), second.aborted()], [true, true])
  })
})
