import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { windowsCommand } from './windows-command.ts'

const FILES = new Set(['C:\\node\\npx.cmd', 'C:\\node\\npx', 'C:\\node\\node.exe', 'D:\\home\\tool.bat'])
const place = {
  path: 'C:\\windows;C:\\node',
  pathExt: '.COM;.EXE;.BAT;.CMD',
  comSpec: 'C:\\windows\\cmd.exe',
  cwd: 'D:\\home',
  exists: (path: string) => FILES.has(path),
}

suite('a command on Windows', () => {
  const cases: [string, string, string[], string, string[]][] = [
    ['a program runs as it is', 'node', ['a b'], 'C:\\node\\node.exe', ['a b']],
    ['an unknown one is left to fail by its name', 'nope', ['x'], 'nope', ['x']],
    [
      'a script runs in cmd.exe',
      'npx',
      ['-y', 'pkg'],
      place.comSpec,
      ['/d', '/s', '/c', '"C:\\node\\npx.cmd ^^^"-y^^^" ^^^"pkg^^^""'],
    ],
    ['a script by its path', '.\\tool.bat', [], place.comSpec, ['/d', '/s', '/c', '"D:\\home\\tool.bat"']],
    [
      'an argument cannot become a command',
      'npx',
      ['a" & calc & "'],
      place.comSpec,
      ['/d', '/s', '/c', '"C:\\node\\npx.cmd ^^^"a\\^^^"^^^ ^^^&^^^ calc^^^ ^^^&^^^ \\^^^"^^^""'],
    ],
  ]
  for (const [name, command, args, file, expected] of cases)
    test(name, () => {
      const found = windowsCommand(command, args, place)
      assert.deepEqual({ file: found.file, args: found.args }, { file, args: expected })
      assert.equal(found.verbatim, file === place.comSpec)
    })
})
