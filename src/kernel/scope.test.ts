import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
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

  test('many scopes of somebody with many bounds are found together at once', () => {
    const some = Array.from({ length: 1000 }, (_, at) => `a${at}:read`)
    const others = Array.from({ length: 50 }, (_, at) => `*@room/r${at}`)
    assert.equal(intersect(some, others).length, 50_000)
  })
})

/** What the words mean, as plainly as it can be said: one grant has to include the scope, and each of its bounds has to hold. */
const allows = (grants: readonly string[], scope: string, held: ReadonlySet<string>): boolean =>
  grants.some((grant) => {
    const [own = '', ...bounds] = grant.split('@')
    const [area, verb] = own.split(':')
    const isIn = own === '*' || (area === scope.split(':')[0] && (verb === '*' || own === scope))
    return isIn && bounds.every((bound) => held.has(bound))
  })

suite('grants mean what a plain model says', () => {
  const scopes = ['mqtt:read', 'mqtt:write', 'mqtts:read', 'm:read']
  const bounds = [
    'room/a',
    'room/A',
    'room/b',
    'device/a',
    'profile/a',
    'operation/m.x',
    'room/ä',
    'room/a\u0308',
    'room/*',
  ]
  const aGrant = fc
    .tuple(fc.constantFrom('*', 'mqtt:*', 'm:*', ...scopes), fc.array(fc.constantFrom(...bounds), { maxLength: 3 }))
    .map(([scope, own]) => [scope, ...own].join('@'))
  const aList = fc.array(aGrant, { maxLength: 5 })
  const held = fc.subarray(bounds).map((some) => new Set(some))
  const wanted = fc.constantFrom(...scopes)

  test('mayUse and boundsFor', () =>
    fc.assert(
      fc.property(aList, wanted, held, (grants, scope, there) => {
        const within = boundsFor(grants, scope).some((all) =>
          all.every(({ kind, name }) => there.has(`${kind}/${name}`)),
        )
        assert.equal(mayUse(grants, scope) || within, allows(grants, scope, there))
        assert.equal(mayUse(grants, scope), allows(grants, scope, new Set()))
      }),
    ))

  test('intersect allows what both allow, and nothing else', () =>
    fc.assert(
      fc.property(aList, aList, wanted, held, (some, others, scope, there) => {
        const both = allows(some, scope, there) && allows(others, scope, there)
        assert.equal(allows(intersect(some, others), scope, there), both)
      }),
    ))

  test('what is handed on allows nothing that its giver may not', () =>
    fc.assert(
      fc.property(aList, aGrant, wanted, held, (grants, given, scope, there) => {
        if (covers(grants, given) && allows([given], scope, there)) assert.ok(allows(grants, scope, there))
      }),
    ))
})
