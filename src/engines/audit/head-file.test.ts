import assert from 'node:assert/strict'
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test, type TestContext } from 'node:test'
import { heldClock } from '../../kernel/clock.ts'
import { silentLog } from '../../kernel/log.ts'
import { temporaryFolder } from '../../testing/folder.ts'
import { openHeadFile } from './head-file.ts'

const head = (chain: string, seq: number) => ({ chain, seq, bytes: seq * 100, mac: `deadbeef.${seq}` })

function setUp(t: TestContext) {
  const path = join(temporaryFolder(t), 'audit-head.json')
  const clock = heldClock()
  const warnings: string[] = []
  const log = { ...silentLog, warn: (text: string) => void warnings.push(text) }
  const file = { path, read: () => (existsSync(path) ? readFileSync(path, 'utf8') : undefined) }
  const open = () => openHeadFile({ file, clock, log })
  return { path, clock, warnings, open }
}

suite('where a chain ends, in a file', () => {
  test('a new chain is noted at once, what follows within a second, the last at the end', async (t) => {
    const { open, clock, path } = setUp(t)
    const file = open()
    file.note(head('a', 0))
    assert.deepEqual(open().heads(), [head('a', 0)])
    file.note(head('a', 1))
    file.note(head('a', 2))
    assert.deepEqual(open().heads(), [head('a', 0)])
    clock.advance(1000)
    while (open().heads()[0]?.seq !== 2) await new Promise(setImmediate)
    file.note(head('a', 3))
    await file.close()
    assert.deepEqual(open().heads(), [head('a', 3)])
    assert.equal(statSync(path).mode & 0o077, 0)
  })

  test('chains of before stay, not without end', async (t) => {
    const { open } = setUp(t)
    const file = open()
    for (let number = 1; number <= 120; number++) file.note(head(`c${number}`, number))
    assert.deepEqual(
      open()
        .heads()
        .map(({ chain }) => chain),
      Array.from({ length: 100 }, (_, at) => `c${120 - at}`),
    )
    await file.close()
  })

  for (const [what, text] of [
    ['no JSON', '{"heads":[{'],
    ['something else', '{"heads":[{"chain":1}]}'],
    ['nothing', ''],
  ] as const)
    test(`a file with ${what} counts as missing, with a warning`, (t) => {
      const { open, path, warnings } = setUp(t)
      writeFileSync(path, text)
      assert.deepEqual([open().heads(), warnings.length], [[], 1])
    })
})
