import assert from 'node:assert/strict'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { licenceProblems, lockedIn, pageIn, problemsIn, scriptProblems, type Locked } from './dependencies.ts'

const page = pageIn(`
## Packages with an install script

| package | may it run | why |
|---|---|---|
| \`node\` | yes | picks a binary |

## Licences

| licence | where | why |
|---|---|---|
| MIT | anywhere | permissive |
| MPL-2.0 | development | by file |

## Packages that were looked into

| package | licence | how |
|---|---|---|
| \`silent\` | MIT | its LICENSE |
| \`odd\` | GPL-3.0 | its LICENSE |
`)

const made = (more: Partial<Locked>): Locked => ({
  name: 'x',
  hasInstallScript: false,
  isDev: false,
  licence: 'MIT',
  ...more,
})
const NODE = made({ name: 'node', hasInstallScript: true })

suite('dependencies', () => {
  test('the page says what is so', () => assert.deepEqual(problemsIn(join(import.meta.dirname, '..')), []))

  test('each package once; one that runs anywhere is not for development alone', () => {
    const lock = {
      packages: {
        '': { license: 'Apache-2.0' },
        'node_modules/@a/b': { license: 'MIT', dev: true },
        'node_modules/c/node_modules/@a/b': { license: 'MIT', hasInstallScript: true },
        'node_modules/c': { name: 'd' },
      },
    }
    assert.deepEqual(lockedIn(lock), [
      made({ name: '@a/b', hasInstallScript: true }),
      made({ name: 'd', licence: undefined }),
    ])
  })

  const scripts: [locked: Locked[], allowed: Record<string, boolean>, problems: string[]][] = [
    [[NODE], { node: true }, []],
    [[NODE], { node: false }, ['node: the page says yes, allowScripts says no.']],
    [[NODE], {}, ['node: the page says yes, allowScripts says nothing.']],
    [[NODE, made({ hasInstallScript: true })], { node: true }, ['x has an install script: say why.']],
    [[NODE, made({})], { node: true, x: false }, ['allowScripts names x, which has no install script.']],
    [[], {}, ['node has no install script (any more).']],
  ]
  for (const [locked, allowed, problems] of scripts)
    test(problems[0] ?? 'scripts as they are said', () =>
      assert.deepEqual(scriptProblems(locked, page, allowed), problems),
    )

  const tool = made({ licence: 'MPL-2.0', isDev: true })
  const licences: [locked: Locked[], problems: string[]][] = [
    [[NODE, tool], []],
    [[tool, made({ name: 'silent', licence: undefined })], []],
    [[NODE, tool, made({ licence: undefined })], ['x is under no licence that it says: may it be used?']],
    [[NODE, tool, made({ licence: 'AGPL-3.0' })], ['x is under AGPL-3.0: may it be used?']],
    [[NODE, made({ licence: 'MPL-2.0' })], ['x is under MPL-2.0, which is for development alone.']],
    [[NODE, tool, made({ name: 'odd', licence: 'OWN' })], ['odd is under GPL-3.0, which is not among the licences.']],
    [[NODE], ['Nothing is under MPL-2.0 (any more).']],
  ]
  for (const [locked, problems] of licences)
    test(problems[0] ?? locked.map(({ name }) => name).join(), () =>
      assert.deepEqual(licenceProblems(locked, page), problems),
    )

  test('a page without its tables is no page', () => assert.throws(() => pageIn('# Dependencies'), TypeError))
})
