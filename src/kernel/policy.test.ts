import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { heldClock } from './clock.ts'
import { Fault, type FaultOptions } from './fault.ts'
import { createPolicy } from './policy.ts'
import type { Entry } from './registry.ts'
import type { Tool } from './tool.ts'

const entry = (provider: string, idempotent = true, calls = 0) =>
  ({
    name: 'run',
    tool: { name: `${provider}.run`, idempotent } as Tool,
    provider: { id: provider },
    statistics: { calls, errors: 0 },
  }) as Entry

suite('who may call what', () => {
  const policy = createPolicy({ callsPerMinute: 1, timeoutMs: 1, clock: heldClock() })
  const hidden = { tool: { name: 'people.set_password', scope: 'people:own', forModels: false } } as Entry
  for (const via of ['mcp', 'rest', 'mqtt', 'cli', 'internal'] as const)
    test(`what is not for models, by ${via}`, () => {
      const call = () => policy.authorize({ id: 'mia', name: 'Mia', scopes: ['people:own'], via }, hidden)
      if (via === 'mcp') assert.throws(call, { code: 'forbidden', message: /not for models/ })
      else call()
    })
})

const away = (options?: FaultOptions) => new Fault('unavailable', 'away', options)

suite('retries', () => {
  const policy = createPolicy({ callsPerMinute: 1, timeoutMs: 1, clock: heldClock() })
  const cases: [string, Entry, Fault, number, number | undefined][] = [
    ['the first time after a moment', entry('a'), away(), 1, 100],
    ['then after a longer one', entry('a'), away(), 2, 400],
    ['and not again', entry('a'), away(), 3, undefined],
    ['not what may have taken effect', entry('a', false), away(), 1, undefined],
    ['not what would fail again', entry('a'), new Fault('not_found', 'gone'), 1, undefined],
    ['not sooner than it asks for', entry('a'), away({ retryAfterMs: 1500 }), 1, 1500],
    ['not at all when that is long', entry('a'), away({ retryAfterMs: 2500 }), 1, undefined],
    ['not while the hub stops', entry('a'), new Fault('stopping', 'stopping'), 1, undefined],
  ]
  for (const [name, of, fault, attempt, expected] of cases)
    test(name, () => assert.equal(policy.retryAfterMs(of, fault, attempt), expected))

  const retries = (policy: ReturnType<typeof createPolicy>, of: Entry, asked: number) =>
    Array.from({ length: asked }).filter(() => policy.retryAfterMs(of, away(), 1) !== undefined).length

  test('in an outage there is one for five calls, for each provider by itself', () => {
    const clock = heldClock()
    const policy = createPolicy({ callsPerMinute: 1, timeoutMs: 1, clock })
    const down = entry('down')
    assert.equal(retries(policy, down, 100), 20)
    assert.equal(retries(policy, entry('other'), 1), 1)
    down.statistics.calls += 50
    assert.equal(retries(policy, down, 100), 10)
    assert.equal(retries(policy, down, 100), 0)
    clock.advance(2000)
    assert.equal(retries(policy, down, 100), 4)
  })
})
