import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import { claimName, forgetUnused } from './exposed-name.ts'

const claim = (owners: Map<string, string>, provider: string, own: string) =>
  claimName(owners, { owner: `${provider} ${own}`, provider, own })

suite('names that clients see', () => {
  for (const [own, expected] of [
    ['echo', /^echo$/],
    ['get.user/name', /^get_user_name$/],
    ['a'.repeat(64), /^a{64}$/],
    ['a'.repeat(65), /^a{55}_[0-9a-f]{8}$/],
    ['気温', /^__[0-9a-f]{8}$/],
    ['', /^_[0-9a-f]{8}$/],
  ] as const)
    test(`${own.slice(0, 20)} (${own.length})`, () => assert.match(claim(new Map(), 'up', own), expected))

  test('the first keeps its own name, others get theirs before it, and each keeps what it got', () => {
    const owners = new Map<string, string>()
    const names = () => [
      claim(owners, 'a', 'x'),
      claim(owners, 'b', 'x'),
      claim(owners, 'b_x', ''),
      claim(owners, 'b', 'x'),
    ]
    const first = names()
    assert.deepEqual(first.slice(0, 2), ['x', 'b_x'])
    assert.deepEqual(names(), first)
  })

  test('one that takes every name another would get does not take the last', () => {
    const owners = new Map<string, string>()
    const would = [
      'read',
      'files_read',
      claim(
        new Map([
          ['read', ''],
          ['files_read', ''],
        ]),
        'files',
        'read',
      ),
    ]
    for (const name of would) assert.equal(claim(owners, 'squatter', name), name)
    const left = claim(owners, 'files', 'read')
    assert.ok(!would.includes(left))
    assert.equal(claim(owners, 'files', 'read'), left)
  })

  test('are kept while they are used, and not without end', () => {
    const owners = new Map(Array.from({ length: 60_000 }, (_, at) => [`n${at}`, `up n${at}`]))
    const isUsed = (name: string) => name.endsWith('7')
    forgetUnused(owners, isUsed)
    assert.equal(owners.size, 50_000)
    assert.ok(owners.has('n7') && owners.has('n59998') && !owners.has('n6'))
    forgetUnused(owners, isUsed)
    assert.equal(owners.size, 50_000)
  })

  test('whatever they are called, all fit and no two are the same', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.tuple(fc.constantFrom('a', 'b', 'a_b'), fc.string({ unit: 'binary' })), { selector: String }),
        (things) => {
          const owners = new Map<string, string>()
          const names = things.map(([provider, own]) => claim(owners, provider, own))
          assert.equal(new Set(names).size, new Set(things.map(([provider, own]) => `${provider} ${own}`)).size)
          for (const name of names) assert.match(name, /^[A-Za-z0-9_-]{1,64}$/)
        },
      ),
    )
  })
})
