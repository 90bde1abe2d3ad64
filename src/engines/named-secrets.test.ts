import assert from 'node:assert/strict'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test, type TestContext } from 'node:test'
import { silentLog } from '../kernel/log.ts'
import { temporaryFolder } from '../testing/folder.ts'
import { openNamedSecrets } from './named-secrets.ts'
import { loadSecrets } from './secrets.ts'

const open = (t: TestContext) => {
  const folder = temporaryFolder(t)
  const file = join(folder, 'secrets.json')
  const secrets = loadSecrets({ file: join(folder, 'secret.key'), log: silentLog })
  return { file, named: openNamedSecrets({ file, secrets, log: silentLog }) }
}

suite('named secrets', () => {
  test('set, get, list, replace, remove; nothing readable on the disk', (t) => {
    const { file, named } = open(t)
    assert.deepEqual(named.list(), [])
    assert.equal(named.get('a'), undefined)
    named.set('b.key', 'hunter2')
    named.set('a', 'first')
    named.set('a', 'second')
    assert.deepEqual(
      named.list().map(({ name }) => name),
      ['a', 'b.key'],
    )
    assert.equal(named.get('a'), 'second')
    assert.doesNotMatch(readFileSync(file, 'utf8'), /hunter2|second/)
    assert.equal(statSync(file).mode & 0o777, 0o600)
    assert.equal(named.remove('a'), true)
    assert.equal(named.remove('a'), false)
    assert.equal(named.get('a'), undefined)
    assert.equal(named.get('toString'), undefined)
  })

  test('what was sealed for one name does not open as another', (t) => {
    const { file, named } = open(t)
    named.set('a', 'x')
    writeFileSync(file, readFileSync(file, 'utf8').replace('"a"', '"b"'))
    assert.throws(() => named.get('b'), { code: 'storage_failed' })
  })

  for (const name of ['', 'a b', '-a', 'a}', '../a', 'x'.repeat(101)])
    test(`no name: ${JSON.stringify(name)}`, (t) =>
      assert.throws(() => open(t).named.set(name, 'value'), { code: 'invalid_input' }))

  test('an empty value is refused, a file that is something else too', (t) => {
    const { file, named } = open(t)
    assert.throws(() => named.set('a', ''), { code: 'invalid_input' })
    writeFileSync(file, '{"secrets": 1}')
    assert.throws(() => named.get('a'), { code: 'storage_failed' })
  })
})
