import assert from 'node:assert/strict'
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { suite, test, type TestContext } from 'node:test'
import { silentLog } from '../../kernel/log.ts'
import { temporaryFolder } from '../../testing/folder.ts'
import { createGuard } from './guard.ts'
import { memoryOf, membersOf } from './process-table.ts'
import type { ServerProcess } from './server-process.ts'
import { spawnServer, type SpawnOptions, type StdioTransport } from './spawn-server.ts'

const PATH = process.env['PATH'] ?? ''

function start(t: TestContext, transport: Partial<StdioTransport>, more: Partial<SpawnOptions> = {}) {
  const guard = createGuard({ log: silentLog })
  const heard: string[] = []
  const server = spawnServer(
    { kind: 'stdio', command: 'sh', args: [], env: {}, ...transport },
    {
      name: 'lamps',
      log: silentLog,
      guard,
      environment: { PATH },
      secrets: [],
      onStderr: (line) => heard.push(line),
      ...more,
    },
  )
  t.after(async () => {
    await server.stop()
    await guard.close()
  })
  return { server, heard }
}

const shell = (t: TestContext, script: string, more: Partial<SpawnOptions> = {}) =>
  start(t, { args: ['-c', script] }, more)

/** The next thing it says. */
const said = async ({ stdout }: ServerProcess) =>
  new Promise<string>((resolve) => stdout.once('data', (chunk: Buffer) => resolve(String(chunk).trim())))

const isGroupGone = (group: number) => membersOf(group).length === 0

suite('a server as a child', () => {
  test('reads and writes, in its folder, with its variables and none of the hub’s', async (t) => {
    const cwd = temporaryFolder(t)
    const environment = { PATH, ALICIA_OWNER_TOKEN: 'secret' }
    const script = 'read line; echo "$line $PWD $KEY [$ALICIA_OWNER_TOKEN]"'
    const { server } = start(t, { args: ['-c', script], cwd, env: { KEY: 'k' } }, { environment })
    server.stdin.write('hello\n')
    assert.equal(await said(server), `hello ${cwd} k []`)
  })

  test('a polite one ends when its input closes', async (t) => {
    const { server } = shell(t, 'echo up; cat >/dev/null; exit 3')
    await said(server)
    await server.stop()
    assert.deepEqual(await server.ended, { code: 3, signal: null, reason: 'it was stopped' })
  })

  test('one that ignores its input and SIGTERM is killed, with its children', async (t) => {
    const script = `trap '' TERM; sleep 1000 & echo up; while :; do wait; sleep 1000; done`
    const { server } = shell(t, script, { graceMs: 100 })
    await said(server)
    await server.stop()
    assert.equal((await server.ended).signal, 'SIGKILL')
    assert.ok(isGroupGone(server.pid))
  })

  test('what it leaves behind ends with it', async (t) => {
    const { server } = shell(t, 'sleep 1000 & (sleep 1001 &) & echo up; read line; exit 0')
    await said(server)
    assert.ok(membersOf(server.pid).length >= 2)
    server.stdin.write('die\n')
    await server.ended
    await server.stop()
    assert.ok(isGroupGone(server.pid))
  })

  const ends: [string, string, string][] = [
    ['its exit code', 'exit 7', 'it ended with exit code 7'],
    ['its last words', 'echo a >&2; echo b >&2; exit 1', 'it ended with exit code 1; it said: a | b'],
    [
      'its last words, without a stack trace',
      "printf '%s\\n' loader:1 'throw err' '  ^' '' 'Error: no key' '    at f (x:1)' '    at g (x:2) {' \"  code: 'E'\" '}' '' 'Node.js v24.1.0' >&2; exit 1",
      'it ended with exit code 1; it said: loader:1 | throw err | Error: no key',
    ],
    ['a signal', 'kill -TERM $$', 'it was ended by SIGTERM'],
    ['memory', 'kill -KILL $$', 'it was ended by SIGKILL (the system does that when memory runs out)'],
    ['no secret', 'echo "key tops3cret!" >&2; exit 1', 'it ended with exit code 1; it said: key [hidden]'],
  ]
  for (const [name, script, reason] of ends)
    test(`says why it ended: ${name}`, async (t) => {
      const { server } = shell(t, script, { secrets: ['tops3cret!'] })
      server.stdout.resume()
      assert.equal((await server.ended).reason, reason)
    })

  test('what it wrote right before its end is there first', async (t) => {
    const { server } = shell(t, 'head -c 300000 /dev/zero; exit 1')
    let bytes = 0
    server.stdout.on('data', (chunk: Buffer) => (bytes += chunk.length))
    await server.ended
    assert.equal(bytes, 300_000)
  })

  test('stopping twice, or after its end, is one stop', async (t) => {
    const { server } = shell(t, 'exit 0')
    server.stdout.resume()
    await server.ended
    assert.equal(server.stop(), server.stop())
    await server.stop()
  })

  test('memory is that of the whole group', async (t) => {
    const script = `const { spawn } = require('child_process')
      spawn(process.execPath, ['-e', 'globalThis.kept = Buffer.alloc(60e6, 1); console.log(1); setInterval(() => {}, 1e6)'], { stdio: 'inherit' })`
    const { server } = start(t, { command: process.execPath, args: ['-e', script] }, { graceMs: 100 })
    await said(server)
    const megabytes = await memoryOf(server.pid)
    assert.ok(megabytes !== undefined && megabytes > 90 && megabytes < 600, `${megabytes} MB`)
    await server.stop()
    assert.equal(await memoryOf(server.pid), undefined)
  })
})

suite('a server that cannot be started says why', () => {
  const cases: [string, (folder: string) => Partial<StdioTransport>, RegExp, RegExp][] = [
    ['no such program', () => ({ command: 'npx' }), /npx was not found/, /comes with Node\.js.*shorter PATH/s],
    ['an unknown one', () => ({ command: 'no-such-thing' }), /no-such-thing was not found/, /Install no-such-thing/],
    ['no such path', () => ({ command: './nope' }), /\.\/nope was not found/, /counts from cwd/],
    ['no such folder', (folder) => ({ command: '/bin/sh', cwd: join(folder, 'no') }), /no does not exist/, /cwd/],
    ['not executable', (folder) => ({ command: script(folder, '', 0o600) }), /may not be run/, /chmod/],
    [
      'no interpreter',
      (folder) => ({ command: script(folder, '#!/no/such\n', 0o700) }),
      /\/no\/such.*first line/,
      /Inst/,
    ],
  ]
  for (const [name, transport, message, hint] of cases)
    test(name, (t) => {
      const folder = temporaryFolder(t)
      assert.throws(() => start(t, transport(folder), { environment: { PATH: folder } }), {
        code: 'unavailable',
        message: new RegExp(`^lamps cannot be started: .*${message.source}`, 's'),
        hint,
      })
    })

  function script(folder: string, text: string, mode: number): string {
    const file = join(folder, 'program')
    writeFileSync(file, text)
    chmodSync(file, mode)
    return file
  }
})
