import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { RelayedResult } from '../../kernel/mcp/relayed.ts'
import { legacyResult } from './results.ts'

suite('a result of 2026-07-28 for a client of before', () => {
  for (const [what, result, expected] of [
    ['an object stays', '"content":[],"structuredContent":{"a":1.0}', '{"content":[],"structuredContent":{"a":1.0}}'],
    [
      'a list is left out where the content says it',
      '"content":[{"type":"text","text":"[1]"}],"structuredContent":[1]',
      '{"content":[{"type":"text","text":"[1]"}]}',
    ],
    [
      'a list that nothing else says becomes text',
      '"content":[ ],"structuredContent":[1.0,"a"]',
      String.raw`{"content":[{"type":"text","text":"[1.0,\"a\"]"}]}`,
    ],
    ['null', '"structuredContent":null', '{"content":[{"type":"text","text":"null"}]}'],
    ['no list of contents', '"content":{},"structuredContent":5', '{"content":{}}'],
  ] as const)
    test(`structured content: ${what}`, () =>
      assert.equal(legacyResult('tools/call', new RelayedResult(`{"resultType":"complete",${result}}`)).text, expected))
})
