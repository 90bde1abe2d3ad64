import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { suite, test, type TestContext } from 'node:test'
import { silentLog } from '../kernel/log.ts'
import { temporaryFolder } from '../testing/folder.ts'
import { asNobody } from '../testing/nobody.ts'
import { openDataFolder, readToken, runningHub } from './data-folder.ts'

const open = (path: string, token?: string) =>
  openDataFolder({ path, log: silentLog, ...(token !== undefined && { token }) })

const hub = {
  url: 'http://127.0.0.1:8765',
  mqttUrl: 'mqtt://127.0.0.1:1883',
  version: '0.1.0',
  startedAt: 1_767_225_600_000,
}

/** A hub's data folder held by another process, which waits to be killed. */
async function otherProcess(t: TestContext, path: string): Promise<ChildProcess> {
  const code = `
    const { openDataFolder } = await import(${JSON.stringify(new URL('data-folder.ts', import.meta.url).href)})
    const { silentLog } = await import(${JSON.stringify(new URL('../kernel/log.ts', import.meta.url).href)})
    openDataFolder({ path: ${JSON.stringify(path)}, log: silentLog }).announce(${JSON.stringify(hub)})
    console.log('ready')
    setInterval(() => {}, 60_000)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.after(() => child.kill('SIGKILL'))
  await Promise.race([
    once(child.stdout, 'data'),
    once(child, 'exit').then(() => assert.fail('the other process ended before it was ready')),
  ])
  return child
}

suite('data folder', () => {
  test('is made for its owner, with a token that stays', (t) => {
    const path = join(temporaryFolder(t), 'new', 'data')
    const first = open(path)
    assert.equal(statSync(path).mode & 0o777, 0o700)
    assert.equal(statSync(first.tokenFile).mode & 0o777, 0o600)
    assert.match(first.token, /^[0-9a-f]{64}$/)
    first.close()
    const second = open(path)
    t.after(() => second.close())
    assert.deepEqual([second.token, second.tokenSource], [first.token, 'file'])
    assert.equal(readToken(path, silentLog), first.token)
    assert.equal(second.file('alicia.db'), join(path, 'alicia.db'))
  })

  test('a new token takes the place of the old one', (t) => {
    const path = temporaryFolder(t)
    const folder = open(path)
    t.after(() => folder.close())
    const token = folder.rotateToken()
    assert.notEqual(token, folder.token)
    assert.equal(readToken(path, silentLog), token)
  })

  test('a token from the environment is used and not written', (t) => {
    const path = temporaryFolder(t)
    const folder = open(path, 'a-token-from-the-environment')
    t.after(() => folder.close())
    assert.deepEqual([folder.token, folder.tokenSource], ['a-token-from-the-environment', 'environment'])
    assert.equal(existsSync(folder.tokenFile), false)
    assert.throws(() => folder.rotateToken(), { code: 'conflict', hint: /ALICIA_TOKEN/ })
  })

  for (const [why, token] of [
    ['empty', ''],
    ['short', 'secret'],
    ['no header could carry it', 'a token with spaces in it'],
  ] as const)
    test(`refuses a token: ${why}`, (t) => {
      const path = temporaryFolder(t)
      assert.throws(
        () => open(path, token),
        (fault: Error) => /ALICIA_TOKEN/.test(fault.message) && (token === '' || !fault.message.includes(token)),
      )
      open(path).close()
    })

  test('a second hub hears who has the folder', (t) => {
    const path = temporaryFolder(t)
    const first = open(path)
    assert.throws(() => open(path), { code: 'conflict', message: /Another hub is starting/ })
    assert.equal(runningHub(path), undefined, 'it does not listen yet')
    first.announce(hub)
    assert.throws(() => open(path), {
      code: 'conflict',
      message: new RegExp(`Process ${process.pid} at http://127.0.0.1:8765 runs on the data folder`),
      details: { pid: process.pid, url: hub.url },
    })
    assert.deepEqual(runningHub(path), { pid: process.pid, ...hub })
    first.close()
    first.close()
    assert.equal(runningHub(path), undefined)
    assert.equal(existsSync(join(path, 'hub.json')), false)
    open(path).close()
  })

  test('looking whether a hub runs neither takes the folder nor makes one', (t) => {
    const path = join(temporaryFolder(t), 'data')
    assert.equal(runningHub(path), undefined)
    assert.equal(existsSync(path), false)
  })

  test('a hub that is killed lets the folder go, and what it left does not count', async (t) => {
    const path = temporaryFolder(t)
    const child = await otherProcess(t, path)
    assert.deepEqual(runningHub(path), { pid: child.pid, ...hub })
    assert.throws(() => open(path), { code: 'conflict', message: new RegExp(`Process ${child.pid} `) })
    const exit = once(child, 'exit')
    child.kill('SIGKILL')
    await exit
    assert.ok(existsSync(join(path, 'hub.json')))
    assert.equal(runningHub(path), undefined)
    open(path).close()
  })

  test('says when the folder cannot be made', (t) => {
    const file = join(temporaryFolder(t), 'file')
    writeFileSync(file, '')
    for (const [path, reason] of [
      [file, /there is a file of that name/],
      [join(file, 'data'), /a part of the path is a file/],
    ] as const)
      assert.throws(
        () => open(path),
        (fault: Error & { code?: string; hint?: string }) => {
          assert.equal(fault.code, 'storage_failed')
          assert.ok(fault.message.includes(path))
          assert.match(fault.message, reason)
          assert.match(fault.hint ?? '', /Choose another folder/)
          return true
        },
      )
  })

  test('says when the folder cannot be written', (t) => {
    const parent = temporaryFolder(t)
    const path = join(parent, 'data')
    mkdirSync(path, { mode: 0o500 })
    asNobody(parent, () =>
      assert.throws(() => open(path), {
        code: 'storage_failed',
        message: `The data folder ${path} cannot be written: permission denied.`,
      }),
    )
  })

  test('a token file that is damaged is refused, and left as it is', (t) => {
    const path = temporaryFolder(t)
    writeFileSync(join(path, 'token'), 'x\n', { mode: 0o600 })
    assert.throws(() => open(path), { code: 'invalid_input', message: /shorter than 16/ })
    assert.equal(readFileSync(join(path, 'token'), 'utf8'), 'x\n')
    writeFileSync(join(path, 'token'), '')
    const folder = open(path)
    assert.equal(folder.token.length, 64, 'an empty one is what a full disk leaves behind: made anew')
    folder.close()
  })
})
