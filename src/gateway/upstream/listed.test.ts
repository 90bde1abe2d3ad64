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

  for (const [what, tool, kept] of [
    ['what any parser reads alike is kept once', '{"name":"a","_meta":{"n":1}}', false],
    ['a number that no double holds is kept as it was written', '{ "name":"a","_meta":{"n":9007199254740993}}', true],
    ['not beside a name that stands twice', '{"name":"a","name":"a","_meta":{"n":1.0}}', false],
    // What a person approved, and what the next parser takes, would be two things.
    ['however deep that is', '{"name":"a","_meta":{"n":1.0,"d":[{"x":"good","\\u0078":"evil"}]}}', false],
  ] as const)
    test(what, () => {
      const [entry] = entriesOf('tools', new RelayedResult(`{"tools":[${tool}]}`))
      assert.equal(entry?.text, kept ? tool.replace(' ', '') : undefined)
    })
})
