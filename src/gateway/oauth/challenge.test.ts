import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import { readChallenge } from './challenge.ts'

const metadata = 'https://mcp.example/.well-known/oauth-protected-resource'

suite('challenges', () => {
  for (const [header, expected] of [
    [null, {}],
    ['', {}],
    ['Bearer', {}],
    ['Basic realm="x"', {}],
    ['Bearer scope="a b", error="insufficient_scope"', { scope: 'a b', error: 'insufficient_scope' }],
    ['bearer Error=invalid_token,scope=a', { error: 'invalid_token', scope: 'a' }],
    [`Bearer resource_metadata="${metadata}"`, { resourceMetadata: metadata }],
    ['Bearer resource_metadata="not a url", scope="a"', { scope: 'a' }],
    ['Basic realm="x, scope=\\"y\\"", Bearer scope="a"', { scope: 'a' }],
    ['Bearer scope="a", Basic scope="b"', { scope: 'a' }],
    ['Bearer error_description="you need scope=admin, error=none", scope="a"', { scope: 'a' }],
    ['Bearer scope="a", scope="b"', { scope: 'a' }],
    ['Bearer realm="with \\" quote", scope="a"', { scope: 'a' }],
    ['Negotiate abc==, Bearer scope="a"', { scope: 'a' }],
    ['Bearer scope="never closed', {}],
  ] as const)
    test(String(header), () => {
      const { resourceMetadata, ...rest } = readChallenge(header)
      assert.deepEqual({ ...rest, ...(resourceMetadata && { resourceMetadata: resourceMetadata.href }) }, expected)
    })

  test('any header is read in time, and any quoted scope comes back', () => {
    fc.assert(fc.property(fc.string({ maxLength: 5000 }), (header) => void readChallenge(header)))
    fc.assert(
      fc.property(fc.string(), (scope) => {
        const quoted = scope.replaceAll(/["\\]/g, '\\$&')
        fc.pre(!/[\n\r\u2028\u2029]/.test(scope))
        assert.equal(readChallenge(`Bearer error="x", scope="${quoted}"`).scope, scope)
      }),
    )
  })
})
