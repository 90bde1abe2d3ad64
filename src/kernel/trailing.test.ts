import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { withoutTrailing } from './trailing.ts'

suite('what stands at the end', () => {
  for (const [text, character, without] of [
    ['', '0', ''],
    ['000', '0', ''],
    ['100100', '0', '1001'],
    ['1001', '0', '1001'],
    ['it ended...', '.', 'it ended'],
  ] as const)
    test(`${JSON.stringify(text)} without ${character}`, () => assert.equal(withoutTrailing(text, character), without))
})
