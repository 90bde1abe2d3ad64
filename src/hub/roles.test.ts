import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { DEFAULT_ROLES } from '../kernel/role.ts'
import { covers, mayUse } from '../kernel/scope.ts'
import { services } from '../services.ts'

/** Who may do what, which keys there are, what is on record: the owner's, until the owner gives it to somebody. */
const SECURITY: ReadonlySet<string> = new Set(['people', 'security', 'crypto', 'audit', 'keys'])

const scopes = [
  ...new Set(services.flatMap(({ operations }) => operations.flatMap(({ meta }) => meta.scope ?? []))),
].sort()

suite('default roles', () => {
  for (const scope of scopes)
    test(`${scope}: an adult's, or a matter of security`, () => {
      const [area = ''] = scope.split(':')
      const isOpenToAdults = mayUse(DEFAULT_ROLES.adult.scopes, scope)
      if (scope === 'people:own') assert.ok(isOpenToAdults)
      else
        assert.equal(
          isOpenToAdults,
          !SECURITY.has(area),
          `Put the area ${area} into DEFAULT_ROLES (kernel/role.ts), or into the list of this test.`,
        )
    })

  test('each role may no more than the one above it', () => {
    const { owner, adult, child, guest } = DEFAULT_ROLES
    for (const [more, less] of [
      [owner, adult],
      [adult, child],
      [child, guest],
    ] as const)
      for (const scope of less.scopes) assert.ok(covers(more.scopes, scope), scope)
  })
})
