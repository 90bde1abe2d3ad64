import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import { temporaryFolder } from '../../testing/folder.ts'
import { asNobody } from '../../testing/nobody.ts'
import { withoutServer, withServer } from './edit.ts'
import { withoutProperty } from './remove-property.ts'
import { readServerFile } from './server-file.ts'
import { backUp, writeWhole } from './whole-file.ts'

const BEFORE = `{
    // Servers of the house.
    "mcpServers": {
        "a": { "command": "x" }, // the first
        "b": {
            "command": "y",
        },
    },
    "unknown": [1, 2],
}
`

/** The parser's objects have no prototype. */
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

suite('changing mcp.json', () => {
  test('a new server: comments, layout and unknown keys stay', () => {
    const after = withServer('f', BEFORE, { name: 'c', entry: { command: 'z', args: ['-y'] } })
    assert.deepEqual(
      readServerFile('f', after).servers.map(({ name }) => name),
      ['a', 'b', 'c'],
    )
    for (const kept of [
      '// Servers of the house.',
      '// the first',
      '"unknown": [1, 2]',
      '\n        "c": {\n            "command": "z"',
    ])
      assert.ok(after.includes(kept), `${kept} in ${after}`)
  })

  test('another in its place, and one out', () => {
    const replaced = withServer('f', BEFORE, { name: 'a', entry: { command: 'z' } })
    assert.deepEqual(plain(readServerFile('f', replaced).servers[0]?.value), { command: 'z' })
    assert.ok(replaced.includes('// the first'))
    const removed = withoutServer('f', BEFORE, 'b') ?? assert.fail('it was not there')
    assert.deepEqual(
      readServerFile('f', removed).servers.map(({ name }) => name),
      ['a'],
    )
    assert.ok(removed.includes('// the first'))
    assert.equal(withoutServer('f', BEFORE, 'z'), undefined)
  })

  const starts: [string, string][] = [
    ['', 'mcpServers'],
    ['{}', 'mcpServers'],
    ['// only a comment\n{}\n', 'mcpServers'],
    ['{"servers": {"a": {"command": "x"}}}', 'servers'],
    ['{\r\n\t"mcpServers": {}\r\n}\r\n', 'mcpServers'],
  ]
  for (const [text, container] of starts)
    test(`into ${JSON.stringify(text)}`, () => {
      const after = withServer('f', text, { name: 'n', entry: { command: 'z' } })
      assert.deepEqual(readServerFile('f', after).servers.at(-1)?.path, [container, 'n'])
      if (text.includes('\t')) assert.match(after, /\r\n\t\t"n": \{\r\n\t\t\t"command"/)
    })

  test('only what is new is laid out', () =>
    assert.equal(
      withServer('f', '{\n  "mcpServers": {\n    "a": {"command":"x"} // A\n  }\n}\n', {
        name: 'b',
        entry: { command: 'y' },
      }),
      '{\n  "mcpServers": {\n    "a": {"command":"x"}, // A\n    "b": {\n      "command": "y"\n    }\n  }\n}\n',
    ))

  const removals: [string, string, string][] = [
    ['{"s":{"a":1,"b":2}}', 'a', '{"s":{"b":2}}'],
    ['{"s":{"a":1,"b":2}}', 'b', '{"s":{"a":1}}'],
    ['{"s":{"a":1}}', 'a', '{"s":{}}'],
    ['{"s":{\n  "a":1, // A\n  "b":2 // B\n}}', 'b', '{"s":{\n  "a":1 // A\n}}'],
    ['{"s":{\n  "a":1, // A\n  "b":2, // B\n}}', 'b', '{"s":{\n  "a":1, // A\n}}'],
    ['{"s":{\r\n  "a":1, // A\r\n  "b":2\r\n}}', 'a', '{"s":{\r\n  "b":2\r\n}}'],
    ['{"s":{"a":1 /* , */ , "b":2}}', 'b', '{"s":{"a":1 /* , */  }}'],
    ['{"s":{}}', 'z', '{"s":{}}'],
  ]
  for (const [text, name, expected] of removals)
    test(`${JSON.stringify(text)} without ${name}`, () => assert.equal(withoutProperty(text, ['s', name]), expected))

  test('a broken file is not touched', () => {
    assert.throws(() => withServer('f', '{"mcpServers": {', { name: 'n', entry: {} }), { code: 'invalid_input' })
    assert.throws(() => withoutServer('f', '[]', 'n'), { code: 'invalid_input' })
  })

  test('what was added and taken out again left the rest as it was', () =>
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), fc.jsonValue(), (name, value) => {
        fc.pre(name !== 'a' && name !== 'b' && name !== '__proto__')
        const added = withServer('f', BEFORE, { name, entry: { command: 'z', value } })
        const found = readServerFile('f', added).servers.find((server) => server.name === name)
        assert.deepEqual(plain(found?.value), plain({ command: 'z', value }))
        const removed = withoutServer('f', added, name) ?? assert.fail('it is gone')
        assert.deepEqual(readServerFile('f', removed).servers, readServerFile('f', BEFORE).servers)
      }),
    ))
})

test('a line of a hundred thousand blanks takes no time', () => {
  const before = `{"mcpServers": {\n  "a": {"command":${' '.repeat(100_000)}"x"}\n}}\n`
  const added = withServer('f', before, { name: 'b', entry: { command: 'y' } })
  assert.deepEqual(
    readServerFile('f', added).servers.map(({ name }) => name),
    ['a', 'b'],
  )
  assert.equal(withoutServer('f', added, 'b'), before)
})

suite('files written whole', () => {
  test('a new one is private, its folder is made', (t) => {
    const path = join(temporaryFolder(t), 'new', 'mcp.json')
    writeWhole(path, 'x', { isPrivate: false })
    assert.equal(statSync(path).mode & 0o777, 0o600)
  })

  test('mode and link stay; private closes it; nothing is left beside it', (t) => {
    const folder = temporaryFolder(t)
    const [path, link] = [join(folder, 'real.json'), join(folder, 'link.json')]
    writeFileSync(path, 'old')
    chmodSync(path, 0o644)
    symlinkSync(path, link)
    writeWhole(link, 'new', { isPrivate: false })
    assert.equal(readFileSync(path, 'utf8'), 'new')
    assert.ok(lstatSync(link).isSymbolicLink())
    assert.equal(statSync(path).mode & 0o777, 0o644)
    writeWhole(link, 'newer', { isPrivate: true })
    assert.equal(statSync(path).mode & 0o777, 0o600)
    assert.deepEqual(readdirSync(folder).sort(), ['link.json', 'real.json'])
  })

  test('the mode stays whatever the umask; a link to what is not there yet leads there', (t) => {
    const folder = temporaryFolder(t)
    const [path, link] = [join(folder, 'real.json'), join(folder, 'link.json')]
    symlinkSync('real.json', link)
    writeWhole(link, 'new', { isPrivate: false })
    assert.equal(readFileSync(path, 'utf8'), 'new')
    assert.ok(lstatSync(link).isSymbolicLink())
    chmodSync(path, 0o666)
    writeWhole(link, 'newer', { isPrivate: false })
    assert.equal(statSync(path).mode & 0o777, 0o666)
    writeWhole(link, 'newest', { isPrivate: false, mode: 0o640 })
    assert.equal(statSync(path).mode & 0o777, 0o640)
  })

  test('what somebody made read-only, and links in a circle, are refused', (t) => {
    const folder = temporaryFolder(t)
    const path = join(folder, 'a.json')
    writeFileSync(path, 'old')
    chmodSync(path, 0o444)
    asNobody(folder, () =>
      assert.throws(() => writeWhole(path, 'x', { isPrivate: false }), { code: 'storage_failed', message: /EACCES/ }),
    )
    assert.equal(readFileSync(path, 'utf8'), 'old')
    const circle = join(folder, 'circle')
    symlinkSync('circle', circle)
    assert.throws(() => writeWhole(circle, 'x', { isPrivate: false }), { code: 'storage_failed', hint: /circle/ })
    assert.deepEqual(readdirSync(folder).sort(), ['a.json', 'circle'])
  })

  test('a file of somebody else that its group may write: its mode stays, though its owner cannot', (t) => {
    if (process.getuid?.() !== 0) return t.skip('only root can give a file to somebody')
    const folder = temporaryFolder(t)
    chmodSync(folder, 0o777)
    const path = join(folder, 'a.json')
    writeFileSync(path, 'old')
    chmodSync(path, 0o666)
    chownSync(path, 1234, 1234)
    asNobody(temporaryFolder(t), () => writeWhole(path, 'new', { isPrivate: false }))
    assert.equal(readFileSync(path, 'utf8'), 'new')
    assert.equal(statSync(path).mode & 0o777, 0o666)
  })

  test('a disk that gets full in the middle: the file is as it was', { skip: process.platform === 'win32' }, (t) => {
    const folder = temporaryFolder(t)
    const path = join(folder, 'a.json')
    writeFileSync(path, 'old')
    for (const [module, call] of [
      ['./whole-file.ts', `writeWhole(${JSON.stringify(path)}, 'x'.repeat(9000), { isPrivate: false })`],
      ['../../engines/private-file.ts', `writePrivateFile(${JSON.stringify(path)}, 'x'.repeat(9000))`],
    ] as const) {
      const url = new URL(module, import.meta.url).href
      const program = `import(${JSON.stringify(url)}).then(({ writeWhole, writePrivateFile }) => ${call})`
      // A limit on the size of files cuts a write short as a full disk does.
      const line = ['-c', 'ulimit -f 8 && exec "$@"', 'sh', process.execPath, '-e', program]
      const { status, stderr } = spawnSync('sh', line, { encoding: 'utf8' })
      assert.notEqual(status, 0)
      assert.match(stderr, /storage_failed/)
      assert.equal(readFileSync(path, 'utf8'), 'old')
    }
  })

  test('a backup says when; what cannot be written is a fault', (t) => {
    const folder = temporaryFolder(t)
    const path = join(folder, 'a.json')
    writeFileSync(path, 'old')
    const copy = backUp(path, Date.UTC(2026, 1, 3, 4, 5, 6))
    assert.equal(copy, `${path}.20260203T040506Z.backup`)
    assert.equal(readFileSync(copy, 'utf8'), 'old')
    assert.equal(backUp(path, Date.UTC(2026, 1, 3, 4, 5, 6)), `${path}.20260203T040506Z-2.backup`)
    mkdirSync(join(folder, 'dir'))
    assert.throws(() => writeWhole(join(folder, 'dir'), 'x', { isPrivate: false }), { code: 'storage_failed' })
    assert.throws(() => backUp(join(folder, 'none'), 0), { code: 'storage_failed' })
  })
})
