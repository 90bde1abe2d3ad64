import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { createCallLimits, type CallLimitsOptions } from './call-limits.ts'
import { anonymous, type Caller } from './caller.ts'
import { heldClock } from './clock.ts'
import { Fault } from './fault.ts'
import type { Tool } from './tool.ts'

const tool = (name = 'lamps.set_level', rate?: Tool['rate']) => ({ name, ...(rate && { rate }) })

const caller = (id: string, address?: string): Caller => ({
  id,
  name: id,
  scopes: ['*'],
  via: 'rest',
  ...(address !== undefined && { address }),
})

function limits(options: Partial<CallLimitsOptions> = {}) {
  const clock = heldClock()
  const refused: string[] = []
  const made = createCallLimits({ callsPerMinute: 60, clock, onRefused: (limit) => refused.push(limit), ...options })
  /** How many of so many calls are let through, and the fault of the first that is not. */
  const ask = (who: Caller, times: number, what = tool()) => {
    let passed = 0
    let fault: Fault | undefined
    for (let call = 0; call < times; call++)
      try {
        made.take(who, what)
        passed++
      } catch (error) {
        assert.ok(error instanceof Fault)
        fault ??= error
      }
    return { passed, fault }
  }
  return { ...made, ask, clock, refused }
}

suite('limits of calls', () => {
  test('each caller has a minute at once, and gets it back evenly', () => {
    const { ask, clock } = limits()
    const { passed, fault } = ask(caller('a'), 100)
    assert.equal(passed, 60)
    assert.equal(fault?.code, 'rate_limited')
    assert.match(fault?.message ?? '', /^a made too many calls: .*60 a minute/)
    assert.deepEqual([fault?.retryAfterMs, fault?.hint], [1000, 'Try again in 1 s.'])
    assert.deepEqual(fault?.details, { limit: 'caller', per_minute: 60, burst: 60 })
    assert.equal(ask(caller('b'), 1).passed, 1)
    clock.advance(2000)
    assert.equal(ask(caller('a'), 5).passed, 2)
  })

  test('those without an identity share what their network may do', () => {
    const { ask, refused } = limits({ callsPerMinute: 2 })
    const cases: [string | undefined, number][] = [
      ['198.51.100.1', 2],
      ['::ffff:198.51.100.1', 0],
      ['198.51.100.2', 2],
      ['2001:db8:1:2::1', 2],
      ['2001:db8:1:2:ffff::9', 0],
      ['2001:db8:1:3::1', 2],
      ['127.0.0.1', 2],
      ['::1', 0],
      [undefined, 0],
    ]
    for (const [address, passed] of cases)
      assert.equal(ask(anonymous('rest', address), 2).passed, passed, `at ${address}`)
    assert.deepEqual(new Set(refused), new Set(['anonymous']))
    assert.equal(ask(caller('a', '198.51.100.1'), 1).passed, 1)
  })

  test('an address is a lid over all who call from there; loopback has none', () => {
    const { ask } = limits({ addressCallsPerMinute: 5 })
    assert.equal(ask(caller('a', '192.0.2.1'), 3).passed, 3)
    const { passed, fault } = ask(caller('b', '192.0.2.1'), 3)
    assert.equal(passed, 2)
    assert.equal(fault?.details?.['limit'], 'address')
    assert.equal(ask(caller('b', '192.0.2.2'), 3).passed, 3)
    assert.equal(ask(caller('c', '127.0.0.1'), 10).passed, 10)
  })

  test('an operation has the rate of the first pattern that fits it, else its own, for each caller by itself', () => {
    const { ask } = limits({
      operations: { 'voice.speak': { perMinute: 1, burst: 1 }, 'voice.*': { perMinute: 6, burst: 2 } },
    })
    const own = { perMinute: 60, burst: 4 }
    const cases = [
      ['voice.speak', 1],
      ['voice.listen', 2],
      ['lamps.blink', 4],
    ] as const
    for (const [name, expected] of cases)
      for (const id of ['a', 'b']) assert.equal(ask(caller(id), 10, tool(name, own)).passed, expected, `${name} ${id}`)
    const { fault } = ask(caller('a'), 1, tool('voice.listen'))
    assert.match(fault?.message ?? '', /^a made too many calls of voice\.listen: .*6 a minute, 2 at once/)
    assert.equal(fault?.retryAfterMs, 10_000)
  })

  test('what one budget refuses costs the others nothing', () => {
    const { ask, quotaOf } = limits({
      operations: { 'voice.*': { perMinute: 1, burst: 1 } },
      addressCallsPerMinute: 10,
    })
    const who = caller('a', '192.0.2.1')
    assert.equal(ask(who, 50, tool('voice.speak')).passed, 1)
    assert.equal(quotaOf(who)?.left, 59)
    assert.equal(ask(caller('b', '192.0.2.1'), 20).passed, 9)
    assert.equal(quotaOf(caller('b'))?.left, 51)
  })

  test('without a limit there is no quota', () => {
    const { ask, quotaOf } = limits({ callsPerMinute: Number.POSITIVE_INFINITY })
    assert.equal(ask(caller('a'), 1000).passed, 1000)
    assert.equal(quotaOf(caller('a')), undefined)
  })

  test('a flood from made-up addresses is bounded, and drives nobody with an identity out', () => {
    const operations = { 'lamps.*': { perMinute: 1, burst: 1 } }
    const { ask, tables, clock } = limits({ callsPerMinute: 60, operations })
    ask(caller('a'), 1)
    clock.advance(2000)
    for (let at = 0; at < 30_000; at++) ask(anonymous('rest', `2001:db8:${at.toString(16)}::1`), 1)
    for (const [, table] of tables()) assert.ok(table.size <= 10_000)
    assert.equal(ask(caller('a'), 1).passed, 0)
  })
})
