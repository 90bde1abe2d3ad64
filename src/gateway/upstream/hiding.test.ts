import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { Fault } from '../../kernel/fault.ts'
import { hidingOf } from './hiding.ts'

suite('secrets in what is said of a server', () => {
  for (const [secrets, text, shown] of [
    [['abc'], 'node --key abc', 'node --key [hidden]'],
    [['abc', 'abcdef'], 'x abcdef y abc', 'x [hidden] y [hidden]'],
    [['a b/c'], 'http://x/a%20b%2Fc/mcp', 'http://x/[hidden]/mcp'],
    [[''], 'nothing is hidden', 'nothing is hidden'],
  ] as const)
    test(text, () => assert.equal(hidingOf(secrets).text(text), shown))

  test('a fault keeps everything else', () => {
    const { error } = hidingOf(['abc'])
    const plain = new Fault('unavailable', 'it is down')
    assert.equal(error(plain), plain)
    const told = error(new Fault('unauthenticated', 'no abc', { hint: 'set abc', details: { provider: 'up' } }))
    assert.ok(told instanceof Fault)
    assert.deepEqual(
      [told.code, told.message, told.hint, told.details],
      ['unauthenticated', 'no [hidden]', 'set [hidden]', { provider: 'up' }],
    )
  })
})
