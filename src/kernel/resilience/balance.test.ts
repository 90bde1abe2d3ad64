import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { array, assert as check, constantFrom, boolean, integer, nat, property, record } from 'fast-check'
import { Balance, STRATEGIES, type Candidate, type Strategy } from './balance.ts'

type Change = { -readonly [Key in keyof Candidate]?: Candidate[Key] }

const candidates = (...changes: Change[]): Required<Change>[] =>
  changes.map((change) => ({ weight: 1, running: 0, expectedMs: 0, isOpen: true, credit: 0, ...change }))

const choices = (strategy: Strategy, among: readonly Candidate[], count: number) => {
  const balance = new Balance(strategy)
  return Array.from({ length: count }, () => balance.choose(among)).join('')
}

suite('balance', () => {
  const cases: [string, Strategy, Required<Change>[], string][] = [
    ['in turn', 'round_robin', candidates({}, {}, {}), '012012'],
    ['in turn, without those that are closed', 'round_robin', candidates({}, { isOpen: false }, {}), '020202'],
    ['by weight, evenly spread', 'weighted', candidates({ weight: 5 }, {}, {}), '0010200'],
    ['by weight, among the open', 'weighted', candidates({ weight: 5, isOpen: false }, { weight: 2 }, {}), '121121'],
    ['the least loaded', 'least_loaded', candidates({ running: 2 }, { running: 1 }, { running: 3 }), '111'],
    ['load by weight', 'least_loaded', candidates({ running: 2, weight: 4 }, { running: 1 }), '000'],
    ['as loaded: the faster', 'least_loaded', candidates({ expectedMs: 9 }, { expectedMs: 3 }), '111'],
    ['all the same: in turn', 'least_loaded', candidates({}, {}, {}), '012012'],
  ]
  for (const [name, strategy, among, expected] of cases)
    test(name, () => assert.equal(choices(strategy, among, expected.length), expected))

  test('who was slow once is asked again after a while', () => {
    assert.match(choices('least_loaded', candidates({ expectedMs: 9 }, { expectedMs: 3 }), 100), /0/)
  })

  test('who is asked beside or after another uses up no turn', () => {
    const balance = new Balance('round_robin')
    const [a, b] = [candidates({}, {}), candidates({ isOpen: false }, {})]
    assert.deepEqual([balance.choose(a), balance.choose(b, true), balance.choose(a), balance.choose(a)], [0, 1, 1, 0])
  })

  test('a strategy can be changed while it runs', () => {
    const balance = new Balance('round_robin')
    const among = candidates({ running: 1 }, {})
    assert.deepEqual([balance.choose(among), balance.choose(among)], [0, 1])
    balance.strategy = 'least_loaded'
    assert.deepEqual([balance.choose(among), balance.choose(among)], [1, 1])
  })

  test('chooses an open one wherever there is one', () =>
    check(
      property(
        constantFrom(...STRATEGIES),
        array(record({ isOpen: boolean(), weight: integer({ min: 1, max: 9 }), running: nat(5) }), {
          maxLength: 6,
        }),
        (strategy, changes) => {
          const among = candidates(...changes)
          const balance = new Balance(strategy)
          for (let turn = 0; turn < 10; turn++) {
            const at = balance.choose(among)
            assert.equal(at === -1, !among.some(({ isOpen }) => isOpen))
            if (at !== -1) assert.equal(among[at]?.isOpen, true)
          }
        },
      ),
    ))

  test('weights are kept exactly over a round', () =>
    check(
      property(array(integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 }), (weights) => {
        const balance = new Balance('weighted')
        const among = candidates(...weights.map((weight) => ({ weight })))
        const counts = weights.map(() => 0)
        for (let turn = weights.reduce((a, b) => a + b); turn > 0; turn--) {
          const at = balance.choose(among)
          counts[at] = (counts[at] ?? 0) + 1
        }
        assert.deepEqual(counts, weights)
      }),
    ))
})
