import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { suite, test } from 'node:test'
import { Fault } from '../../kernel/fault.ts'
import { silentLog } from '../../kernel/log.ts'
import { memoryKeyFile, type KeyFile, type KeyFileContent } from './key-file.ts'
import { createKeyring } from './keyring.ts'
import { givenRootKeys } from './root-keys.ts'

const roots = givenRootKeys(randomBytes(32).toString('hex'))
const open = (file: KeyFile, mostSealed?: number) =>
  createKeyring({ file, roots, log: silentLog, ...(mostSealed !== undefined && { mostSealed }) })

/** A file whose disk can be full. */
function fullDisk() {
  const file = memoryKeyFile()
  const disk = { isFull: false }
  const change: KeyFile['change'] = (edit) => {
    if (disk.isFull) throw new Fault('storage_failed', 'The disk is full.')
    return file.change(edit)
  }
  return { disk, file: { ...file, change } }
}

suite('data keys', () => {
  test('a key that sealed as many texts as it may is replaced by itself, and all texts open', () => {
    const keyring = open(memoryKeyFile(), 10)
    const texts = Array.from({ length: 25 }, (_, number) => keyring.seal(`text ${number}`, 'context'))
    assert.deepEqual(
      texts.map((text) => keyring.describe(text)?.version),
      [...Array<number>(10).fill(1), ...Array<number>(10).fill(2), ...Array<number>(5).fill(3)],
    )
    for (const [number, text] of texts.entries()) assert.equal(keyring.open(text, 'context'), `text ${number}`)
    for (const { sealedAtMost } of keyring.get('hub')?.versions ?? []) assert.ok(sealedAtMost <= 10)
  })

  test('what was sealed counts over restarts: room is taken before it is used', () => {
    const file = memoryKeyFile()
    for (let start = 0; start < 3; start++) open(file, 200_000).seal('x', 'y')
    const [newest] = open(file).get('hub')?.versions ?? []
    assert.deepEqual([newest?.version, newest?.sealedAtMost], [1, 3 * 65_536])
    open(file, 200_000).seal('x', 'y')
    assert.equal(open(file).get('hub')?.versions[0]?.version, 2, 'another 65,536 would be too many')
  })

  test('a full disk keeps nobody from sealing, but from sealing more than a key may', () => {
    const { disk, file } = fullDisk()
    const keyring = open(file, 100_000)
    disk.isFull = true
    assert.throws(() => keyring.seal('x', 'y'), { code: 'storage_failed' })
    disk.isFull = false
    open(file, 100_000).rotate('hub')
    disk.isFull = true
    for (let count = 0; count < 65_536; count++) keyring.seal('', '')
    assert.throws(() => keyring.seal('', ''), { code: 'storage_failed' })
    disk.isFull = false
    assert.equal(keyring.describe(keyring.seal('', ''))?.version, 2)
  })

  const edits: [what: string, edit: (content: KeyFileContent) => unknown][] = [
    ['given to everyone', ({ keys }) => Object.assign(keys['diary'] ?? {}, { access: { is: 'everyone' } })],
    ['given to another maker', ({ keys }) => Object.assign(keys['diary'] ?? {}, { maker: 'person-bob' })],
    ['put in another key’s place', ({ keys }) => Object.assign(keys['diary'] ?? {}, keys['other'])],
    ['called another version', ({ keys }) => Object.assign(keys['diary']?.versions[0] ?? {}, { version: 2 })],
  ]
  for (const [what, edit] of edits)
    test(`a key that the file was changed for opens nothing: ${what}`, () => {
      const file = memoryKeyFile()
      const keyring = open(file)
      for (const name of ['diary', 'other']) keyring.create({ name, maker: 'person-ada', access: { is: 'maker' } })
      const text = keyring.encrypt('diary', Buffer.from('x'), Buffer.from('a'))
      file.change((content) => {
        const changed = structuredClone(content)
        edit(changed)
        return changed
      })
      assert.throws(() => open(file).decrypt(text, Buffer.from('a')), Fault)
      assert.throws(() => open(file).decrypt(text.replace('.1.', '.2.'), Buffer.from('a')), Fault)
    })
})
