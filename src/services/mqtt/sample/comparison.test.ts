import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { countTokens } from 'gpt-tokenizer/encoding/o200k_base'
import { readFileSync } from 'node:fs'
import { compare, type Outcome } from './comparison.ts'

suite('ten minutes of a busy home as one answer, against the first 500 messages pruned to 50', () => {
  const { truth, plain, ours, raw } = compare(countTokens)

  test('the recording is busy, and something happens in it', () => {
    assert.deepEqual(
      [truth.messages, truth.devices > 40, truth.changes > 90, truth.errors >= 5],
      [10_000, true, true, true],
    )
  })

  test('ours: every device, every error, every change of a state, every state right, in 4,000 tokens', () => {
    const { tokens, ...found } = ours
    assert.deepEqual(found, {
      errors: truth.errors,
      devices: truth.devices,
      changes: truth.changes,
      statesRight: truth.states,
    } satisfies Omit<Outcome, 'tokens'>)
    assert.ok(tokens <= 4000, `${tokens} tokens`)
  })

  test('the plain collector misses most of it', () => {
    assert.ok(plain.errors < truth.errors / 2)
    assert.ok(plain.changes < truth.changes / 4)
  })

  test('the guide shows these figures', () => {
    const guide = readFileSync(new URL('../../../../docs/guide/mqtt-for-assistants.md', import.meta.url), 'utf8')
    const row = (name: string, of: (outcome: Outcome) => number, all: number) =>
      `| ${name} | ${of(plain)} of ${all} | ${of(ours)} of ${all} |`
    const rows = [
      row('errors found', ({ errors }) => errors, truth.errors),
      row('devices seen', ({ devices }) => devices, truth.devices),
      row('changes of state told', ({ changes }) => changes, truth.changes),
      row('states right at the end', ({ statesRight }) => statesRight, truth.states),
    ]
    for (const line of rows) assert.ok(guide.includes(line), `the guide lacks: ${line}`)
    // Another word in a device's line is no other figure.
    const shown = /\| tokens \| ([\d,]+) \| ([\d,]+) \|[^]*as JSON would be ([\d,]+) tokens/.exec(guide)?.slice(1) ?? []
    for (const [at, tokens] of [plain.tokens, ours.tokens, raw].entries()) {
      const inGuide = Number(shown[at]?.replaceAll(',', ''))
      assert.ok(Math.abs(inGuide / tokens - 1) < 0.1, `${tokens} tokens; the guide says ${inGuide}`)
    }
  })
})
