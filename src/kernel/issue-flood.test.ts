import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { z } from 'zod'
import type { Fault } from './fault.ts'
import { operation } from './operation.ts'

const { meta } = operation()({
  name: 'lamps.set_lamps',
  summary: 'Switches lamps.',
  scope: null,
  effect: 'write',
  input: z.object({ lamps: z.array(z.string()).optional() }),
  output: z.null(),
  handler: async () => null,
})

const faultOf = (input: unknown): Fault => {
  try {
    meta.parse(input)
  } catch (fault) {
    return fault as Fault
  }
  assert.fail('nothing is wrong')
}

const THOUSAND = Array.from({ length: 1000 }, (_, at) => at)

suite('an input with more faults than anybody reads', () => {
  for (const [title, input] of [
    ['unknown keys', Object.fromEntries(THOUSAND.map((at) => [`key${at}`, at]))],
    ['wrong elements', { lamps: THOUSAND }],
  ] as const)
    test(`of a thousand ${title} the first 20 are told, and how many more there are`, () => {
      const { message, details } = faultOf(input)
      assert.match(message, /; and 980 more\.$/)
      assert.equal((details?.['issues'] as unknown[]).length, 21)
    })

  test('of a long unknown key the beginning is shown', () => {
    assert.match(faultOf({ ['k'.repeat(100_000)]: 1 }).message, /^lamps\.set_lamps: k{100}: unknown\.$/)
  })
})
