import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { suite, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { Target } from '../target.ts'
import { runCampaign } from './campaign.ts'
import { findingOf } from './finding.ts'
import { walkMaze } from './maze.fixture.ts'
import { mutate, stretch, type Material } from './mutate.ts'
import { createRandom } from './random.ts'

const target = (check: Target['check'], more: Partial<Target> = {}): Target => ({
  name: 'demo/check',
  covers: ['fuzz/engine/maze.fixture.ts'],
  seeds: ['----'],
  tokens: ['{', '"', '['],
  longestBytes: 8,
  check,
  ...more,
})
const maze = target((input) => void walkMaze(input.toString('latin1')))

suite('a campaign', () => {
  test('gets by coverage to where chance alone does not, and goes on from there', () => {
    const child = fileURLToPath(new URL('./maze.child.ts', import.meta.url))
    const { blind, guided, kept, resumed } = JSON.parse(execFileSync(process.execPath, [child], { encoding: 'utf8' }))
    assert.equal(blind, 0)
    assert.deepEqual(guided, [['{"[', 'RangeError: the end of the maze']])
    assert.ok(kept > 0)
    assert.equal(resumed, kept)
  })

  test('runs the same inputs for the same seed', async () => {
    const inputsOf = async (seed: number) => {
      const inputs: string[] = []
      const onRun = (input: Buffer) => void inputs.push(input.toString('hex'))
      await runCampaign(maze, { seed, onRun, goesOn: (runs) => runs < 300 })
      return inputs
    }
    assert.deepEqual(await inputsOf(1), await inputsOf(1))
    assert.notDeepEqual(await inputsOf(1), await inputsOf(2))
  })
})

suite('a finding', () => {
  const rows: readonly [what: string, check: Target['check'], kind: RegExp][] = [
    ['what throws', () => void walkMaze('{"['), /^RangeError/],
    ['what rejects', () => Promise.reject(new TypeError('no')), /^TypeError/],
    ['a polluted prototype', () => void Object.assign(Object.prototype, { polluted: 1 }), /^TypeError/],
    ['a changed input', (input) => void input.fill(1), /^TypeError/],
    ['what throws no error', () => Promise.reject('no'), /^string/],
  ]
  for (const [what, check, kind] of rows)
    test(what, async () => {
      assert.match((await findingOf(target(check), Buffer.from('x')))?.kind ?? '', kind)
      assert.equal(Reflect.get({}, 'polluted'), undefined)
    })

  test('is none where all holds', async () => {
    assert.equal(
      await findingOf(
        target(() => undefined),
        Buffer.from('x'),
      ),
      undefined,
    )
  })
})

test('mutations keep to the longest length, of empty inputs too', () => {
  const random = createRandom(3)
  const material: Material = { random, other: Buffer.from('other'), tokens: [Buffer.from('token')], longestBytes: 20 }
  let input = Buffer.alloc(0)
  for (let count = 0; count < 5000; count++) {
    input = Buffer.from((random.oneIn(10) ? stretch : mutate)(input, material))
    assert.ok(input.length <= 20)
    if (random.oneIn(20)) input = Buffer.alloc(0)
  }
})
