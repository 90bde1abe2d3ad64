import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { nearest } from './nearest.ts'

suite('what was probably meant', () => {
  for (const [word, candidates, meant] of [
    ['list_toppics', ['list_tools', 'list_topics'], 'list_topics'],
    ['maxMessages', ['max-messages'], 'max-messages'],
    ['weather', ['lights'], undefined],
    ['n'.repeat(128), ['n'.repeat(127)], 'n'.repeat(127)],
    ['too long to be typed'.repeat(10_000), [`${'too long to be typed'.repeat(10_000)}!`], undefined],
  ] as const)
    test(`${word.slice(0, 20)} (${word.length})`, () => assert.equal(nearest(word, candidates), meant))
})
