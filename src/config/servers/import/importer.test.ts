import assert from 'node:assert/strict'
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { suite, test, type TestContext } from 'node:test'
import { parse as parseToml } from 'smol-toml'
import { temporaryFolder } from '../../../testing/folder.ts'
import { asNobody } from '../../../testing/nobody.ts'
import { readIfThere } from '../book.ts'
import { readServerFile } from '../server-file.ts'
import { createImporter } from './importer.ts'

const NOW = Date.UTC(2026, 1, 3, 4, 5, 6)
const ALICIA = { command: 'alicia', args: ['stdio'] }

/** A home with those files, and an importer over it. */
function home(t: TestContext, files: Readonly<Record<string, string>>) {
  const folder = temporaryFolder(t)
  const path = (name: string) => join(folder, name)
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(path(name)), { recursive: true })
    writeFileSync(path(name), text)
  }
  const importer = createImporter({
    machine: { env: {}, cwd: path('project'), home: folder, platform: 'linux' },
    readFile: readIfThere,
    target: path('data/mcp.json'),
    record: path('data/last-import.json'),
    reserved: ['mqtt'],
    now: () => NOW,
  })
  return { importer, path, read: (name: string) => readFileSync(path(name), 'utf8') }
}

const CURSOR = `{
  // mine
  "mcpServers": {
    "a": { "command": "a" },
    "b": { "command": "b", "env": { "API_KEY": "hunter2" } } // B
  },
  "other": true
}
`

const modeOf = (file: string) => statSync(file).mode & 0o777
const names = (text: string) => readServerFile('f', text).servers.map(({ name }) => name)

suite('import', () => {
  test('what is chosen is added, with a copy of what was there', (t) => {
    const { importer, path, read } = home(t, {
      '.cursor/mcp.json': CURSOR,
      'data/mcp.json': '{"mcpServers": {"old": {"command": "old"}}} // keep',
    })
    const done = importer.import([{ file: path('.cursor/mcp.json'), servers: ['a'] }])
    assert.deepEqual(done, {
      added: ['a'],
      changed: [{ file: path('data/mcp.json'), backup: path('data/mcp.json.20260203T040506Z.backup') }],
    })
    assert.deepEqual(names(read('data/mcp.json')), ['old', 'a'])
    assert.match(read('data/mcp.json'), /\/\/ keep/)
    assert.equal(read('.cursor/mcp.json'), CURSOR)
  })

  test('the preview: new, the same, another of that name, a name of ours, a secret', (t) => {
    const { importer } = home(t, {
      '.cursor/mcp.json': CURSOR,
      '.codeium/windsurf/mcp_config.json':
        '{"mcpServers":{"b":{"command":"c"},"mqtt":{"command":"m"},"x":{"command":"a"}}}',
      'data/mcp.json': '{"mcpServers": {"mine": {"command": "a", "timeoutSeconds": 5}}}',
    })
    const [cursor, windsurf] = importer.importable(undefined)
    assert.deepEqual(cursor?.servers, [
      { name: 'a', as: 'mine', is: 'same', target: 'a', notes: [] },
      {
        name: 'b',
        as: 'b',
        is: 'new',
        target: 'b',
        notes: ['env.API_KEY in cleartext: keep it with `alicia secret set` afterwards'],
      },
    ])
    assert.deepEqual(
      windsurf?.servers.map(({ name, as, is }) => [name, as, is]),
      [
        ['b', 'b-windsurf', 'new'],
        ['mqtt', 'mqtt-windsurf', 'new'],
        ['x', 'mine', 'same'],
      ],
    )
    assert.doesNotMatch(JSON.stringify([cursor, windsurf]), /hunter2/)
    assert.deepEqual(importer.importable('codex'), [])
  })

  test('rewritten, the client starts Alicia instead; restored, all is as it was', (t) => {
    const { importer, path, read } = home(t, { '.cursor/mcp.json': CURSOR })
    const done = importer.import([{ file: path('.cursor/mcp.json'), servers: ['a', 'b'] }], { replacement: ALICIA })
    assert.deepEqual(
      done.changed.map(({ file }) => file),
      [path('data/mcp.json'), path('.cursor/mcp.json')],
    )
    assert.deepEqual(names(read('data/mcp.json')), ['a', 'b'])
    assert.equal(statSync(path('data/mcp.json')).mode & 0o777, 0o600)
    assert.deepEqual(names(read('.cursor/mcp.json')), ['alicia'])
    assert.match(read('.cursor/mcp.json'), /\/\/ mine[\s\S]*"other": true/)
    assert.deepEqual(importer.importable(undefined), [])
    assert.deepEqual(importer.restoreImport(), {
      restored: [path('.cursor/mcp.json'), path('data/mcp.json')],
      kept: [],
    })
    assert.equal(read('.cursor/mcp.json'), CURSOR)
    assert.equal(existsSync(path('data/mcp.json')), false)
    assert.deepEqual(importer.restoreImport(), { restored: [], kept: [] })
  })

  test('what was not chosen stays with the client', (t) => {
    const { importer, path, read } = home(t, { '.cursor/mcp.json': CURSOR })
    importer.import([{ file: path('.cursor/mcp.json'), servers: ['a'] }], { replacement: ALICIA })
    assert.deepEqual(names(read('.cursor/mcp.json')).sort(), ['alicia', 'b'])
  })

  test('VS Code: inputs come along, once', (t) => {
    const text =
      '{"inputs":[{"id":"k","type":"promptString"}],"servers":{"p":{"command":"p","env":{"K":"${input:k}"}}}}'
    const { importer, path, read } = home(t, {
      '.config/Code/User/mcp.json': text,
      'project/.vscode/mcp.json': text.replace('"p"', '"q"'),
    })
    importer.import(
      ['.config/Code/User/mcp.json', 'project/.vscode/mcp.json'].map((name) => ({
        file: path(name),
        servers: ['p', 'q'],
      })),
    )
    const { inputs, servers } = readServerFile('f', read('data/mcp.json'))
    assert.deepEqual(
      inputs.map(({ id }) => id),
      ['k'],
    )
    assert.deepEqual(
      servers.map(({ name }) => name),
      ['p', 'q'],
    )
  })

  test('Codex: tables go, comments and the rest stay', (t) => {
    const before =
      '# my codex\nmodel = "o4"\n\n[mcp_servers.a]\ncommand = "a"\n\n[mcp_servers.a.env]\nX = "1"\n\n[mcp_servers."b.c"]\ncommand = "b"\n\n[tui]\ntheme = "x" # nice\n'
    const { importer, path, read } = home(t, { '.codex/config.toml': before })
    importer.import([{ file: path('.codex/config.toml'), servers: ['a', 'b.c'] }], { replacement: ALICIA })
    const after = read('.codex/config.toml')
    assert.match(after, /# my codex[\s\S]*# nice/)
    assert.deepEqual(JSON.parse(JSON.stringify(parseToml(after))), {
      model: 'o4',
      tui: { theme: 'x' },
      mcp_servers: { alicia: ALICIA },
    })
    importer.restoreImport()
    assert.equal(read('.codex/config.toml'), before)
  })

  test('Codex with its servers in one line is refused before anything is written', (t) => {
    const { importer, path } = home(t, { '.codex/config.toml': 'mcp_servers = { a = { command = "a" } }\n' })
    assert.throws(
      () => importer.import([{ file: path('.codex/config.toml'), servers: ['a'] }], { replacement: ALICIA }),
      { code: 'conflict' },
    )
    assert.equal(existsSync(path('data/mcp.json')), false)
  })

  test('Codex with a text that looks like a table is refused too', (t) => {
    const before = 'notes = """\n[mcp_servers.a]\nkeep me\n"""\n\n[mcp_servers.a]\ncommand = "a"\n'
    const { importer, path, read } = home(t, { '.codex/config.toml': before })
    assert.throws(
      () => importer.import([{ file: path('.codex/config.toml'), servers: ['a'] }], { replacement: ALICIA }),
      { code: 'conflict' },
    )
    assert.equal(read('.codex/config.toml'), before)
  })

  test('restored byte by byte, with the mode it had', (t) => {
    const { importer, path } = home(t, { 'data/mcp.json': '{}' })
    const bytes = Buffer.from(`\uFEFF${CURSOR.replaceAll('\n', '\r\n')}`)
    mkdirSync(path('.cursor'))
    writeFileSync(path('.cursor/mcp.json'), bytes)
    const modes = [
      ['.cursor/mcp.json', 0o664],
      ['data/mcp.json', 0o644],
    ] as const
    for (const [file, mode] of modes) chmodSync(path(file), mode)
    importer.import([{ file: path('.cursor/mcp.json'), servers: ['a', 'b'] }], { replacement: ALICIA })
    assert.equal(modeOf(path('.cursor/mcp.json')), 0o664)
    assert.equal(modeOf(path('data/mcp.json')), 0o600)
    importer.restoreImport()
    assert.ok(readFileSync(path('.cursor/mcp.json')).equals(bytes))
    for (const [file, mode] of modes) assert.equal(modeOf(path(file)), mode)
  })

  test('what was changed since is kept beside it', (t) => {
    const { importer, path, read } = home(t, { '.cursor/mcp.json': CURSOR })
    importer.import([{ file: path('.cursor/mcp.json'), servers: ['a'] }], { replacement: ALICIA })
    writeFileSync(path('.cursor/mcp.json'), '{"later": true}')
    writeFileSync(path('data/mcp.json'), '{"mcpServers": {"mine": {"command": "m"}}}')
    const { kept } = importer.restoreImport()
    assert.deepEqual(
      kept.map((copy) => readFileSync(copy, 'utf8')),
      ['{"later": true}', '{"mcpServers": {"mine": {"command": "m"}}}'],
    )
    assert.equal(read('.cursor/mcp.json'), CURSOR)
    assert.equal(existsSync(path('data/mcp.json')), false)
  })

  test('cut off before a file was written: that one is left alone', (t) => {
    const { importer, path, read } = home(t, { '.cursor/mcp.json': CURSOR, 'data/mcp.json': '{}' })
    importer.import([{ file: path('.cursor/mcp.json'), servers: ['a'] }], { replacement: ALICIA })
    writeFileSync(path('.cursor/mcp.json'), CURSOR)
    const before = statSync(path('.cursor/mcp.json')).ino
    assert.deepEqual(importer.restoreImport().kept, [])
    assert.equal(statSync(path('.cursor/mcp.json')).ino, before)
    assert.equal(read('data/mcp.json'), '{}')
  })

  test('a file that cannot be written after others were: said, and they can be taken back', (t) => {
    const { importer, path, read } = home(t, { '.cursor/mcp.json': CURSOR, 'data/mcp.json': '{}' })
    chmodSync(path('.cursor/mcp.json'), 0o444)
    asNobody(path('.'), () => {
      assert.throws(
        () => importer.import([{ file: path('.cursor/mcp.json'), servers: ['a'] }], { replacement: ALICIA }),
        { code: 'storage_failed', message: /\.cursor.*EACCES/, hint: /import --restore/ },
      )
      assert.deepEqual(names(read('data/mcp.json')), ['a'])
      importer.restoreImport()
    })
    assert.equal(read('data/mcp.json'), '{}')
    assert.equal(read('.cursor/mcp.json'), CURSOR)
  })

  test('a record that is none, and a copy that is gone: said, and nothing is put back', (t) => {
    const { importer, path, read } = home(t, { '.cursor/mcp.json': CURSOR, 'data/last-import.json': '{' })
    assert.throws(() => importer.restoreImport(), { code: 'storage_failed', hint: /end with \.backup/ })
    const { changed } = importer.import([{ file: path('.cursor/mcp.json'), servers: ['a'] }], { replacement: ALICIA })
    const rewritten = read('.cursor/mcp.json')
    rmSync(changed.at(-1)?.backup ?? assert.fail())
    assert.throws(() => importer.restoreImport(), { code: 'not_found' })
    assert.equal(read('.cursor/mcp.json'), rewritten)
    assert.deepEqual(names(read('data/mcp.json')), ['a'])
  })

  test('rewritten once more: a server that came since leaves too, and Alicia stands there once', (t) => {
    const codex = '[mcp_servers.a]\ncommand = "a"\n'
    const { importer, path, read } = home(t, { '.codex/config.toml': codex })
    const file = path('.codex/config.toml')
    importer.import([{ file, servers: ['a'] }], { replacement: ALICIA })
    writeFileSync(file, `${read('.codex/config.toml')}\n[mcp_servers.b]\ncommand = "b"\n`)
    importer.import([{ file, servers: ['b'] }], { replacement: ALICIA })
    assert.deepEqual(JSON.parse(JSON.stringify(parseToml(read('.codex/config.toml')))), {
      mcp_servers: { alicia: ALICIA },
    })
  })

  test('a file that is not UTF-8 is not changed', (t) => {
    const { importer, path } = home(t, { '.cursor/mcp.json': '' })
    const bytes = Buffer.from('{"mcpServers":{"a":{"command":"jos\xE9"}}}', 'latin1')
    writeFileSync(path('.cursor/mcp.json'), bytes)
    assert.throws(
      () => importer.import([{ file: path('.cursor/mcp.json'), servers: ['a'] }], { replacement: ALICIA }),
      {
        code: 'conflict',
        message: /is not UTF-8/,
      },
    )
    assert.ok(readFileSync(path('.cursor/mcp.json')).equals(bytes))
    assert.equal(existsSync(path('data/mcp.json')), false)
  })
})
