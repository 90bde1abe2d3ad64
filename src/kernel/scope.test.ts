import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { boundsFor, covers, intersect, isGrant, mayUse } from './scope.ts'

suite('grants', () => {
  const forms: [text: string, isOne: boolean][] = [
    ['*', true],
    ['mqtt:*', true],
    ['mqtt:read', true],
    ['mqtt:write@room/kitchen', true],
    ['*@profile/kids@room/kitchen', true],
    ['*@operation/mqtt.list_topics', true],
    ['mcp:home-assistant@device/Lampe oben', false],
    ['mqtt', false],
    ['*:*', false],
    ['mqtt:read@', false],
    ['mqtt:read@room/', false],
    ['mqtt:read@room/a/b', false],
    ['mqtt:read@floor/1', false],
    ['@room/kitchen', false],
    ['mqtt:read ', false],
    ['', false],
  ]
  for (const [text, isOne] of forms)
    test(`${JSON.stringify(text)} is ${isOne ? 'one' : 'none'}`, () => assert.equal(isGrant(text), isOne))

  const uses: [grants: string[], wanted: string | null, may: boolean][] = [
    [[], null, true],
    [['*'], 'mqtt:read', true],
    [['mqtt:*'], 'mqtt:read', true],
    [['mqtt:*'], 'mqtts:read', false],
    [['mqtt:read'], 'mqtt:write', false],
    [['*@room/kitchen'], 'mqtt:read', false],
    [['mqtt:read@profile/kids'], 'mqtt:read', false],
  ]
  for (const [grants, wanted, may] of uses)
    test(`${grants.join(' ')} ${may ? 'includes' : 'does not include'} ${wanted} anywhere`, () =>
      assert.equal(mayUse(grants, wanted), may))

  test('bounds are those of the grants that include the scope', () =>
    assert.deepEqual(
      boundsFor(['mqtt:*@room/kitchen', '*@profile/kids@room/hall', 'devices:read@room/attic'], 'mqtt:read'),
      [
        [{ kind: 'room', name: 'kitchen' }],
        [
          { kind: 'profile', name: 'kids' },
          { kind: 'room', name: 'hall' },
        ],
      ],
    ))

  const handed: [grants: string[], wanted: string, may: boolean][] = [
    [['*'], 'mqtt:read', true],
    [['*'], '*@room/kitchen', true],
    [['mqtt:*'], '*', false],
    [['mqtt:*'], 'mqtt:*', true],
    [['mqtt:read'], 'mqtt:*', false],
    [['mqtt:*@room/kitchen'], 'mqtt:read', false],
    [['mqtt:*@room/kitchen'], 'mqtt:read@room/hall', false],
    [['mqtt:*@room/kitchen'], 'mqtt:read@room/kitchen', true],
    [['mqtt:*@room/kitchen'], 'mqtt:read@profile/kids@room/kitchen', true],
    [['*'], 'nonsense', false],
  ]
  for (const [grants, wanted, may] of handed)
    test(`${grants.join(' ')} ${may ? 'may' : 'may not'} hand on ${wanted}`, () =>
      assert.equal(covers(grants, wanted), may))

  const meetings: [some: string[], others: string[], both: string[]][] = [
    [['*'], ['mqtt:read', 'devices:*'], ['mqtt:read', 'devices:*']],
    [['mqtt:read', 'health:read'], ['mqtt:*'], ['mqtt:read']],
    [['mqtt:*@room/kitchen'], ['*@profile/kids'], ['mqtt:*@profile/kids@room/kitchen']],
    [['mqtt:*', 'mqtt:*@room/kitchen'], ['*'], ['mqtt:*']],
    [['mqtt:read'], ['devices:read'], []],
    [['*'], [], []],
  ]
  for (const [some, others, both] of meetings)
    test(`${some.join(' ')} and ${others.join(' ')} allow ${both.join(' ') || 'nothing'}`, () => {
      assert.deepEqual(intersect(some, others), both)
      assert.deepEqual(intersect(others, some), both)
    })
})
