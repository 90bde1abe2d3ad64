import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { Fault } from '../fault.ts'
import { RelayedError } from '../mcp/relayed.ts'
import { verdictOf, type Verdict } from './blame.ts'

suite('what an error says about who was asked', () => {
  const cases: [string, unknown, number, Verdict][] = [
    ['its own error', new RelayedError('x', { code: -32603, message: 'no' }), 5, 'answer'],
    ['a refusal', new Fault('invalid_input', 'no'), 5, 'answer'],
    ['a broken pipe', new Fault('unavailable', 'gone'), 5, 'failure'],
    ['nonsense', new Fault('upstream_failed', 'not JSON'), 5, 'failure'],
    ['a defect', new TypeError('x'), 5, 'failure'],
    ['withdrawn', new Fault('cancelled', 'gone'), 5000, 'nothing'],
    ['the hub stops', new Fault('stopping', 'bye'), 5000, 'nothing'],
    ['too late', new Fault('timeout', 'late'), 5000, 'failure'],
    ['an impatient caller', new Fault('timeout', 'late'), 5, 'nothing'],
  ]
  for (const [name, error, afterMs, expected] of cases)
    test(name, () => assert.equal(verdictOf(error, afterMs), expected))
})
