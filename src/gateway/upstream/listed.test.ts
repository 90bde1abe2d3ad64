import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { RelayedResult } from '../../kernel/mcp/relayed.ts'
import { entriesOf } from './listed.ts'

const nested = (levels: number) => `${'{"0":'.repeat(levels)}1${'}'.repeat(levels)}`

suite('entries of a list', () => {
  for (const [what, tool, names] of [
    ['a tool', '{"name":"a"}', ['a']],
    ['one without a name', '{"title":"a"}', []],
    ['something else', '"a"', []],
    ['a schema of many levels', `{"name":"a","inputSchema":${nested(90)}}`, ['a']],
    ['one that nests too deep to be written', `{"name":"a","_meta":${nested(4000)}}`, []],
  ] as const)
    test(what, () => {
      const found = entriesOf('tools', new RelayedResult(`{"tools":[${tool}]}`))
      assert.deepEqual(
        found.map(({ key }) => key),
        names,
      )
    })
})
