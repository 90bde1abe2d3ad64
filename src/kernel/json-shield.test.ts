import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { after, before, suite, test } from 'node:test'
import { shieldJson } from './json-shield.ts'

const { parse } = JSON

suite('JSON.parse with its shield', () => {
  before(shieldJson)
  after(() => void (JSON.parse = parse))

  for (const [what, text] of [
    ['a list that breaks off', '[1,'.repeat(4097)],
    ['objects, closed', `${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}`],
    ['bytes', Buffer.from('[1,'.repeat(20_000))],
  ] as const)
    test(`refuses what nests too deep: ${what}`, () =>
      assert.throws(() => JSON.parse(text as string) as unknown, { name: 'SyntaxError', message: /deeper than 4096/ }))

  for (const [what, text] of [
    ['4096 levels', `${'['.repeat(4096)}${']'.repeat(4096)}`],
    ['many values side by side', `[${'[],'.repeat(10_000)}{}]`],
    ['brackets in a text', JSON.stringify({ a: '[{"'.repeat(10_000) })],
    ['a number', '5'],
  ] as const)
    test(`reads ${what}`, () => assert.equal(typeof JSON.parse(text), typeof parse(text)))

  test('calls the reviver', () => {
    assert.deepEqual(
      JSON.parse('{"a":1}', (_, value: unknown) => (value === 1 ? 2 : value)),
      { a: 2 },
    )
  })
})

test('a process with it outlives what would crash it', () => {
  const shield = new URL('./json-shield.ts', import.meta.url).href
  const script = `
    const { shieldJson } = await import(${JSON.stringify(shield)})
    shieldJson()
    for (let round = 0; round < 50; round++) {
      try { JSON.parse('[1,'.repeat(20000) + '2') } catch {}
      gc()
    }
    console.log('alive')`
  const { stdout } = spawnSync(process.execPath, ['--expose-gc', '--input-type=module', '-e', script], {
    encoding: 'utf8',
  })
  assert.equal(stdout, 'alive\n')
})
