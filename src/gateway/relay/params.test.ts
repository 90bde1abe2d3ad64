import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import { META, MODERN_REVISION, type Revision } from '../../kernel/mcp/protocol.ts'
import type { Peer } from '../../kernel/mcp/peer.ts'
import { contextFor, legacyPeer, modernMeta, modernPeer, testRelay } from '../../testing/relay.ts'
import { forLegacy, forModern, identityOf, ofHub, prepend, unchanged, withAnswers } from './params.ts'

const IDENTITY = identityOf({ clientInfo: { name: 'c' }, capabilities: {} })
/** JSON as programs write it that are not this one: numbers that no double holds, escapes, spaces. */
const RAW = fc.oneof(
  fc.jsonValue().map((value) => JSON.stringify(value)),
  fc.constantFrom('12345678901234567890', '1.0', '-0', '1e400', String.raw`"\u00e9\/"`, '[ 1 , 2 ]', '{"a" : 1}'),
)
const OBJECT = fc.dictionary(fc.string(), RAW).map(
  (members) =>
    `{${Object.entries(members)
      .map(([key, text]) => `${JSON.stringify(key)}: ${text}`)
      .join(', ')}}`,
)

suite('params', () => {
  const same: readonly [Revision, Peer][] = [
    ['2025-11-25', legacyPeer().peer],
    [MODERN_REVISION, modernPeer().peer],
  ]
  for (const [revision, peer] of same)
    test(`whatever goes from ${revision} to ${revision}, either way, arrives with the same bytes`, async () => {
      let result = ''
      const { relay, shared } = testRelay({ revision, serve: () => result })
      await fc.assert(
        fc.asyncProperty(OBJECT, OBJECT, async (params, answer) => {
          result = answer
          assert.equal((await relay.request('tools/call', params, contextFor(peer))).text, answer)
          assert.equal(shared.served.at(-1)?.text, params)
        }),
      )
    })

  test('nothing but the progress token changes, wherever it stands', () => {
    fc.assert(
      fc.property(OBJECT, fc.oneof(fc.string(), fc.integer()), (text, progressToken) => {
        const params = JSON.parse(text) as Record<string, unknown>
        const outbound = unchanged(JSON.stringify({ ...params, _meta: { a: 1, progressToken, b: 2 } }))
        assert.equal(outbound.token, JSON.stringify(progressToken))
        assert.deepEqual(
          JSON.parse(outbound.write(7)),
          JSON.parse(JSON.stringify({ ...params, _meta: { a: 1, progressToken: 7, b: 2 } })),
        )
      }),
    )
  })

  test('a token is found however its name is spelt', () => {
    const outbound = unchanged(String.raw`{"\u005fmeta":{"progress\u0054oken":"mine"}}`)
    assert.equal(outbound.token, '"mine"')
    assert.equal(outbound.write(3), '{"_meta":{"progressToken":3}}')
  })

  for (const [name, params, expected] of [
    ['empty', '{ }', `{"_meta":{${IDENTITY}}}`],
    ['without _meta', '{"a":1.0}', `{"_meta":{${IDENTITY}},"a":1.0}`],
    ['with _meta', '{"a":1,"_meta":{"x":2}}', `{"a":1,"_meta":{${IDENTITY},"x":2}}`],
    ['claims to be another', `{"_meta":{"${META.clientInfo}":{"name":"liar"}}}`, `{"_meta":{${IDENTITY}}}`],
    ['_meta is no object', '{"_meta":5}', `{"_meta":{${IDENTITY}}}`],
  ] as const)
    test(`to 2026-07-28, ${name}`, () => assert.equal(forModern(params, IDENTITY, false).write(1), expected))

  for (const [name, params, expected] of [
    ['nothing else in _meta', JSON.stringify({ a: 1, _meta: modernMeta() }), '{"a":1}'],
    ['something else in _meta', JSON.stringify({ _meta: { ...modernMeta(), x: 1 } }), '{"_meta":{"x":1}}'],
    ['a token', JSON.stringify({ _meta: { ...modernMeta(), progressToken: 'p' } }), '{"_meta":{"progressToken":9}}'],
    ['answers', '{"a":1,"inputResponses":{},"requestState":"s"}', '{"a":1}'],
  ] as const)
    test(`to a server of before, ${name}`, () => assert.equal(forLegacy(params).write(9), expected))

  test('the hub asks for progress beside what there is', () => {
    assert.equal(ofHub('{}').write(4), '{"_meta":{"progressToken":4}}')
    assert.equal(ofHub('{"_meta":{"a":1},"b":2}').write(4), '{"_meta":{"a":1,"progressToken":4},"b":2}')
  })

  test('answers replace those of the round before', () => {
    const first = withAnswers('{"a":1}', { inputResponses: '{"q":1}', requestState: '"s"' })
    assert.equal(first, '{"a":1,"inputResponses":{"q":1},"requestState":"s"}')
    assert.equal(withAnswers(first, { inputResponses: undefined, requestState: undefined }), '{"a":1}')
  })

  test('prepend keeps every object valid', () => {
    fc.assert(
      fc.property(OBJECT, (text) => {
        assert.deepEqual(JSON.parse(prepend(text, '"the new one":1')), { ...JSON.parse(text), 'the new one': 1 })
      }),
    )
  })
})
