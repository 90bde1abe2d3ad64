import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { silentLog } from '../../kernel/log.ts'
import { openChainKeys, readChainKeys, type PrivateText } from './chain-keys.ts'

/** Seals with the number of a key in front; only the newest three open. */
function setUp() {
  let newest = 1
  let text: string | undefined
  const file: PrivateText = { path: '/data/audit-keys.json', read: () => text, write: (next) => void (text = next) }
  const secrets = {
    seal: (plain: string, context: string) => `${newest}|${context}|${plain}`,
    open(sealed: string, context: string) {
      const [number, sealedFor, plain = ''] = sealed.split('|')
      if (sealedFor !== context || Number(number) < newest - 2) throw new Error('gone')
      return plain
    },
    isStale: (sealed: string) => !sealed.startsWith(`${newest}|`),
  }
  const open = () => openChainKeys({ file, secrets, log: silentLog })
  return {
    open,
    read: () => readChainKeys({ file, secrets, log: silentLog }),
    secrets,
    rotate: () => void newest++,
    file,
  }
}

suite('keys of the audit', () => {
  test('one is made once, and kept', () => {
    const { open, read } = setUp()
    const [key] = open().keys()
    assert.equal(key?.bytes.length, 32)
    assert.deepEqual(open().keys(), [key])
    assert.deepEqual(read(), [key])
  })

  test('when the key that seals it was rotated there is a new one, and the old one still verifies', () => {
    const { open, rotate } = setUp()
    const before = open().keys()
    rotate()
    const after = open().keys()
    assert.equal(after.length, 2)
    assert.deepEqual(after.slice(1), before)
  })

  test('they are sealed anew like other stored texts', async () => {
    const { open, rotate, secrets, file } = setUp()
    const kept = open()
    rotate()
    const stored = await kept.texts.read(undefined, 10)
    for (const one of stored)
      await kept.texts.replace(one, secrets.seal(secrets.open(one.sealed, one.context), one.context))
    assert.match(file.read() ?? '', /"sealed": "2\|/)
    const [first] = stored
    assert.deepEqual(await kept.texts.read(first?.id, 10), [])
    // Nothing is stale: the chain goes on under the same key.
    assert.deepEqual(open().keys(), kept.keys())
  })

  test('one that cannot be opened stays in the file, and a new one signs', () => {
    const { open, rotate, read, file } = setUp()
    open()
    for (let time = 0; time < 3; time++) rotate()
    assert.equal(open().keys().length, 1)
    assert.equal((JSON.parse(file.read() ?? '') as { keys: unknown[] }).keys.length, 2)
    file.write('broken')
    assert.deepEqual(read(), [])
    assert.equal(open().keys().length, 1)
  })
})
