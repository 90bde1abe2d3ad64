import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { Fault, faultBody } from '../../kernel/fault.ts'
import { faultOf } from './messages.ts'

suite('messages on the bus', () => {
  const faults: Record<string, Fault> = {
    'one that helps to try again': new Fault('timeout', 'Late.', { hint: 'Again.', retryAfterMs: 5 }),
    'one of a call that may have been done': new Fault('timeout', 'Late.', { retryable: false }),
    'one with facts': new Fault('conflict', 'No.', { details: { state: 'held' } }),
  }
  for (const [name, fault] of Object.entries(faults))
    test(`a fault arrives as it was thrown: ${name}`, () =>
      assert.deepEqual(faultBody(faultOf(faultBody(fault))), faultBody(fault)))
})
