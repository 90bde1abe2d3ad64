import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { createInterface } from 'node:readline'
import { suite, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { silentLog } from '../../kernel/log.ts'
import { temporaryFolder } from '../../testing/folder.ts'
import { loadSecrets } from '../secrets.ts'
import { memoryKeyFile, type KeyFile } from './key-file.ts'
import { createKeyring } from './keyring.ts'
import { keptRootKeys, type KeyPlace } from './root-keys.ts'

/** A place and a file that fail at the n-th writing, as a power cut would have it. */
function failing(at: number) {
  let writings = 0
  let text: string | undefined
  const write = () => {
    if (++writings === at) throw new Error('the power is gone')
  }
  const place: KeyPlace = {
    source: 'file',
    where: 'the test',
    read: () => text,
    write: (next) => (write(), (text = next)),
  }
  const memory = memoryKeyFile()
  const file: KeyFile = { ...memory, change: (edit) => (write(), memory.change(edit)) }
  return { start: () => createKeyring({ file, roots: keptRootKeys(place, () => {}), log: silentLog }) }
}

suite('rotation of the root key', () => {
  test('every data key opens under the new one, and the old one is not in its file any more', (t) => {
    const file = join(temporaryFolder(t), 'secret.key')
    const keyring = loadSecrets({ file, log: silentLog })
    const text = keyring.seal('hunter2', 'broker')
    const before = readFileSync(file, 'utf8')
    const old = keyring.root()
    const { id, retired } = keyring.rotateRoot()
    assert.notEqual(id, old.id)
    assert.equal(retired, 1)
    assert.equal(keyring.open(text, 'broker'), 'hunter2')
    assert.equal(keyring.isStale(text), false)
    const [key] = (JSON.parse(before) as { keys: { key: string }[] }).keys
    assert.ok(key && !readFileSync(file, 'utf8').includes(key.key))
    assert.equal(loadSecrets({ file, log: silentLog }).open(text, 'broker'), 'hunter2')
  })

  // The first two writings make the root key and the data key.
  for (const at of [3, 4, 5])
    test(`a power cut at its writing ${at - 2} of 3 loses nothing, and the next start ends it`, () => {
      const { start } = failing(at)
      const text = start().seal('hunter2', 'broker')
      assert.throws(() => start().rotateRoot(), /power/)
      assert.equal(start().open(text, 'broker'), 'hunter2')
      start().settle()
      assert.equal(start().open(text, 'broker'), 'hunter2')
      start().rotateRoot()
      assert.equal(start().open(text, 'broker'), 'hunter2')
    })

  test('kill -9 while keys are rotated, again and again: everything that was sealed opens', async (t) => {
    const file = join(temporaryFolder(t), 'secret.key')
    const child = fileURLToPath(new URL('../../testing/rotating-keys.ts', import.meta.url))
    let opened = 0
    for (let round = 0; round < 4; round++) {
      const rotating = spawn(process.execPath, [child, file], { stdio: ['ignore', 'pipe', 'inherit'] })
      const ended = once(rotating, 'exit')
      const texts: string[] = []
      for await (const line of createInterface({ input: rotating.stdout })) {
        texts.push(line)
        // Another moment of its work each time.
        if (texts.length === 5 + round * 3) rotating.kill('SIGKILL')
      }
      await ended
      const keyring = loadSecrets({ file, log: silentLog })
      keyring.settle()
      for (const text of texts) {
        assert.equal(keyring.open(text, 'broker'), 'hunter2')
        opened += 1
      }
    }
    assert.ok(opened >= 4 * 5)
  })
})
