import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { suite, test } from 'node:test'
import { runCampaign } from './engine/campaign.ts'
import { TARGETS } from './targets.ts'

/** Inputs for each target: enough to see that its properties hold at all. `npm run fuzz` looks longer. */
const RUNS = 400
/** Always the same: a change that has nothing to do with a parser must not fail for it. */
const SEED = 20_261_121

suite('parsers of what comes from outside', () => {
  for (const target of TARGETS)
    test(target.name, async () => {
      const { findings } = await runCampaign(target, { seed: SEED, goesOn: (runs) => runs < RUNS })
      assert.deepEqual(
        findings.map(({ input, error }) => `${JSON.stringify(input.toString('latin1'))}: ${String(error)}`),
        [],
      )
    })

  test('each has a name of its own, and files that are there', () => {
    assert.equal(new Set(TARGETS.map(({ name }) => name)).size, TARGETS.length)
    for (const { covers } of TARGETS) for (const file of covers) assert.ok(existsSync(file), file)
  })
})
