import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { heldClock } from './clock.ts'
import { Failures } from './failures.ts'
import type { Fault } from './fault.ts'
import { createLoginThrottle, type LoginThrottle } from './login-throttle.ts'
import { networkOf } from './network-of.ts'

const MINUTE_MS = 60_000

/** How long the next attempt has to wait, in seconds; 0: it was made. */
function guess(throttle: LoginThrottle, name: string | undefined, address: string): number {
  try {
    throttle.begin(name, address)
    return 0
  } catch (error) {
    return Math.ceil(((error as Fault).retryAfterMs ?? Number.NaN) / 1000)
  }
}

const guesses = (throttle: LoginThrottle, count: number, name: string | undefined, address: string): number[] =>
  Array.from({ length: count }, () => guess(throttle, name, address))

suite('login throttle', () => {
  test('five wrong guesses are free, each one more waits twice as long, up to a quarter of an hour', () => {
    const clock = heldClock()
    const throttle = createLoginThrottle(clock)
    assert.deepEqual(guesses(throttle, 7, 'mia', '192.0.2.1'), [0, 0, 0, 0, 0, 1, 1])
    const waits: number[] = []
    for (let at = 0; at < 12; at++) {
      clock.advance((waits.at(-1) ?? 1) * 1000)
      guess(throttle, 'mia', '192.0.2.1')
      waits.push(guess(throttle, 'mia', '192.0.2.1'))
    }
    assert.deepEqual(waits, [2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900])
  })

  test('what waits counts no further, and after half an hour of quiet all is forgotten', () => {
    const clock = heldClock()
    const throttle = createLoginThrottle(clock)
    guesses(throttle, 100, 'mia', '192.0.2.1')
    clock.advance(1000)
    assert.equal(guess(throttle, 'mia', '192.0.2.1'), 0)
    clock.advance(40 * MINUTE_MS)
    assert.deepEqual(guesses(throttle, 6, 'mia', '192.0.2.1'), [0, 0, 0, 0, 0, 1])
  })

  test('many at once count before any of them is decided', () => {
    const throttle = createLoginThrottle(heldClock())
    const begun = guesses(throttle, 1000, 'mia', '192.0.2.1').filter((wait) => wait === 0)
    assert.equal(begun.length, 5)
  })

  test('a right one clears the name there; one that was not looked at counts for nothing', () => {
    const throttle = createLoginThrottle(heldClock())
    guesses(throttle, 4, 'mia', '192.0.2.1')
    throttle.begin('mia', '192.0.2.1').succeeded()
    assert.deepEqual(guesses(throttle, 6, 'mia', '192.0.2.1'), [0, 0, 0, 0, 0, 1])
    for (let at = 0; at < 100; at++) throttle.begin('ben', '192.0.2.2').undecided()
    assert.deepEqual(guesses(throttle, 6, 'ben', '192.0.2.2'), [0, 0, 0, 0, 0, 1])
  })

  test('an address that tries names waits, whatever name it tries next; others do not', () => {
    const throttle = createLoginThrottle(heldClock())
    const waits = Array.from({ length: 30 }, (_, at) => guess(throttle, `name-${at}`, '192.0.2.1'))
    assert.equal(waits.indexOf(1), 20)
    assert.equal(guess(throttle, 'mia', '192.0.2.1'), 1)
    assert.equal(guess(throttle, undefined, '192.0.2.1'), 1)
    assert.equal(guess(throttle, 'mia', '192.0.2.2'), 0)
  })

  test('a login of one’s own does not buy guesses at others', () => {
    const throttle = createLoginThrottle(heldClock())
    let made = 0
    for (let at = 0; at < 100; at++) {
      throttle.begin('eve', '192.0.2.1').succeeded()
      if (guess(throttle, `name-${at}`, '192.0.2.1') === 0) made++
    }
    assert.equal(made, 20)
  })

  test('a name that is tried from everywhere waits a little, but not where its owner has logged in before', () => {
    const clock = heldClock()
    const throttle = createLoginThrottle(clock)
    throttle.begin('mia', '198.51.100.7').succeeded()
    for (let at = 0; at < 200; at++) {
      guess(throttle, 'mia', `192.0.2.${at}`)
      clock.advance(10)
    }
    assert.ok(guess(throttle, 'mia', '203.0.113.1') > 0)
    throttle.begin('mia', '198.51.100.7').succeeded()
    clock.advance(30_000)
    assert.equal(guess(throttle, 'mia', '203.0.113.1'), 0)
  })

  test('who guesses next door locks out nobody who is known there', () => {
    const throttle = createLoginThrottle(heldClock())
    const first = throttle.begin('mia', '192.0.2.1')
    first.succeeded()
    for (let at = 0; at < 100; at++) guess(throttle, `name-${at}`, '192.0.2.1')
    const second = throttle.begin('mia', '192.0.2.1')
    second.succeeded()
    assert.deepEqual([first.isKnown, second.isKnown], [false, true])
  })

  test('memory is bounded, and a flood of names and addresses does not wash away who failed often', () => {
    const clock = heldClock()
    const failures = new Failures(clock, { free: 5, firstWaitMs: 1000, longestWaitMs: 15 * MINUTE_MS })
    for (let at = 0; at < 15; at++) failures.add('mia')
    for (let at = 0; at < 60_000; at++) {
      failures.add(`name ${at}`)
      clock.advance(1)
    }
    assert.equal(failures.size, 5000)
    assert.ok(failures.waitMs('mia') > 0)
  })

  const networks: [address: string | undefined, network: string][] = [
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::ffff', '2001:db8:1:2::/64'],
    ['2001:db8:1:3::1', '2001:db8:1:3::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['::1', 'local'],
    ['127.0.0.1', 'local'],
    ['127.8.9.1', 'local'],
    ['::ffff:127.0.0.1', 'local'],
    [undefined, 'local'],
    ['not an address', 'local'],
  ]
  for (const [address, network] of networks)
    test(`${address} is of the network ${network}`, () => assert.equal(networkOf(address), network))
})
