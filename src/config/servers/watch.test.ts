import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test, type TestContext } from 'node:test'
import { systemClock } from '../../kernel/clock.ts'
import type { Fault } from '../../kernel/fault.ts'
import { temporaryFolder } from '../../testing/folder.ts'
import type { ServerChange } from './compare.ts'
import { readServers } from './read.ts'
import { watchServers } from './watch.ts'

type Seen = { readonly change: ServerChange } | { readonly problem: string }

/** A folder with an mcp.json that is watched; `next` is the first thing that is reported after `act`. */
function watched(t: TestContext, servers: object) {
  const folder = temporaryFolder(t)
  const file = join(folder, 'mcp.json')
  const secretFile = join(folder, 'secrets.json')
  let secret: string | undefined
  const write = (value: object | string) =>
    writeFileSync(file, typeof value === 'string' ? value : JSON.stringify({ mcpServers: value }))
  write(servers)
  const read = () =>
    readServers([file], {
      env: {},
      cwd: folder,
      home: folder,
      platform: 'linux',
      readFile(path) {
        try {
          return readFileSync(path, 'utf8')
        } catch {
          return undefined
        }
      },
      secret: () => secret,
      reserved: [],
    })
  const waiting: ((seen: Seen) => void)[] = []
  const report = (seen: Seen) => waiting.shift()?.(seen)
  const watch = watchServers({
    initial: read(),
    read,
    also: [secretFile],
    clock: systemClock,
    onChange: (change) => report({ change }),
    onProblem: (fault: Fault) => report({ problem: fault.message }),
  })
  t.after(() => watch.close())
  const next = async (act: () => void): Promise<Seen> => {
    const seen = new Promise<Seen>((resolve) => waiting.push(resolve))
    act()
    // The watching alone keeps no process alive.
    const alive = setInterval(() => {}, 1000)
    return seen.finally(() => clearInterval(alive))
  }
  const setSecret = (value: string) => {
    secret = value
    writeFileSync(secretFile, value)
  }
  return { folder, file, write, next, watch, setSecret }
}

const lists = (seen: Seen) => {
  assert.ok('change' in seen, JSON.stringify(seen))
  const { added, changed, removed, same } = seen.change
  return [added.map(({ id }) => id), changed.map(({ id }) => id), removed, same]
}

const ONE = { command: 'one' }
const TWO = { command: 'two' }

suite('watching mcp.json', () => {
  test('only what changed is told', async (t) => {
    const { write, next, watch } = watched(t, { a: ONE, b: ONE, c: ONE })
    const seen = await next(() => write({ b: TWO, a: ONE, d: ONE }))
    assert.deepEqual(lists(seen), [['d'], ['b'], ['c'], ['a']])
    assert.equal(watch.current().definitions.length, 3)
  })

  test('an editor that replaces the file', async (t) => {
    const { folder, file, next } = watched(t, { a: ONE })
    const seen = await next(() => {
      writeFileSync(join(folder, 'mcp.json~'), '{"mcpServers":{"a":{"command":"two"}}}')
      renameSync(join(folder, 'mcp.json~'), file)
    })
    assert.deepEqual(lists(seen), [[], ['a'], [], []])
  })

  test('a file behind a link in another folder', { timeout: 20_000 }, async (t) => {
    const { folder, file, next } = watched(t, { a: ONE })
    const real = join(folder, 'dotfiles', 'servers.json')
    const write = (entry: object) => writeFileSync(real, JSON.stringify({ mcpServers: { a: entry } }))
    mkdirSync(join(folder, 'dotfiles'))
    const moved = await next(() => {
      write(TWO)
      rmSync(file)
      symlinkSync(real, file)
    })
    assert.deepEqual(lists(moved), [[], ['a'], [], []])
    assert.deepEqual(lists(await next(() => write(ONE))), [[], ['a'], [], []])
  })

  test('a folder that is made later, and one that another takes the place of', async (t) => {
    const { folder, write, next } = watched(t, { a: ONE })
    const more = join(folder, 'more')
    const variables = (value: string) => writeFileSync(join(more, 'deep', '.env'), `A=${value}`)
    const entry = { a: { command: 'one', envFile: 'more/deep/.env' } }
    assert.deepEqual(lists(await next(() => write(entry))), [[], [], ['a'], []])
    const made = await next(() => {
      mkdirSync(join(more, 'deep'), { recursive: true })
      variables('1')
    })
    assert.deepEqual(lists(made), [['a'], [], [], []])
    assert.deepEqual(lists(await next(() => variables('2'))), [[], ['a'], [], []])
    assert.deepEqual(lists(await next(() => rmSync(join(more, 'deep'), { recursive: true }))), [[], [], ['a'], []])
    const replaced = await next(() => {
      mkdirSync(join(more, 'deep'))
      variables('3')
    })
    assert.deepEqual(lists(replaced), [['a'], [], [], []])
    assert.deepEqual(lists(await next(() => variables('4'))), [[], ['a'], [], []])
  })

  test('a broken file changes nothing and says where; mended, only the difference counts', async (t) => {
    const { file, write, next, watch } = watched(t, { a: ONE, b: ONE })
    const before = watch.current()
    const seen = await next(() => write('{"mcpServers": {\n"a": {"command": "two"}'))
    assert.ok('problem' in seen && seen.problem.includes(`${file}:2:24: this is not JSON (close brace expected).`))
    assert.equal(watch.current(), before)
    assert.deepEqual(lists(await next(() => write({ a: ONE, b: TWO }))), [[], ['b'], [], ['a']])
  })

  test('a server that becomes wrong changes nothing either', async (t) => {
    const { file, write, next, watch } = watched(t, { a: ONE, b: ONE })
    assert.deepEqual(await next(() => write({ a: { command: 5 }, b: TWO })), {
      problem: `${file}:1: mcpServers.a.command must be text.`,
    })
    assert.equal(watch.current().definitions.length, 2)
  })

  test('a variable of an envFile in another folder, a secret that comes later', async (t) => {
    const { folder, write, next, setSecret } = watched(t, { a: ONE })
    mkdirSync(join(folder, 'more'))
    writeFileSync(join(folder, 'more', '.env'), 'A=1')
    const entry = { a: { command: 'one', envFile: 'more/.env', args: ['${secret:s}'] } }
    assert.deepEqual(lists(await next(() => write(entry))), [[], [], ['a'], []])
    assert.deepEqual(lists(await next(() => setSecret('hunter2'))), [['a'], [], [], []])
    assert.deepEqual(lists(await next(() => writeFileSync(join(folder, 'more', '.env'), 'A=2'))), [[], ['a'], [], []])
  })

  test('to read at once says what changed, and where a file is broken', (t) => {
    const { file, write, watch } = watched(t, { a: ONE })
    assert.equal(watch.reload(), undefined)
    write({ a: TWO, b: ONE })
    assert.deepEqual(lists({ change: watch.reload() ?? assert.fail() }), [['b'], ['a'], [], []])
    writeFileSync(file, '{"mcpServers": {')
    assert.throws(() => watch.reload(), { code: 'invalid_input', message: /mcp\.json:1:17: this is not JSON/ })
    assert.equal(watch.current().definitions.length, 2)
  })

  test('a comment is no change, and after close nothing is told', async (t) => {
    const { file, write, next, watch } = watched(t, { a: ONE })
    write(`// new\n${readFileSync(file, 'utf8')}`)
    watch.reload()
    const seen = await next(() => write({ a: TWO }))
    assert.deepEqual(lists(seen), [[], ['a'], [], []])
    watch.close()
    write({ a: ONE })
    watch.reload()
    assert.deepEqual(watch.current().definitions[0]?.replicas[0]?.transport, {
      kind: 'stdio',
      command: 'two',
      args: [],
      env: {},
    })
  })
})
