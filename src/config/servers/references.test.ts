import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import { parseEnvFile } from './env-file.ts'
import { identifierOf } from './identifier.ts'
import { resolveText, type References } from './references.ts'
import { isSensitive, sensitiveInArguments, sensitiveInUrl, sensitiveParts } from './sensitive.ts'
import { Unusable } from './unusable.ts'

const VARIABLES: Readonly<Record<string, string>> = { A: 'a', EMPTY: '', API_KEY: 'k-123', NESTED: '${A}' }

const FROM: References = {
  variable: (name) => VARIABLES[name],
  secret: (name) => (name === 'brave-key' ? 's-456' : undefined),
  input: (id) =>
    id === 'shown' ? { value: 'v', isSecret: false } : id === 'hidden' ? { value: 'h', isSecret: true } : undefined,
  file: (path) => (path === '~/key' ? 'f-789' : undefined),
  userHome: '/home/ann',
  workspaceFolder: '/work',
  cwd: '/cwd',
  pathSeparator: '/',
}

suite('references', () => {
  const resolved: [string, string, string[]?][] = [
    ['', ''],
    ['plain $A {A} $(A)', 'plain $A {A} $(A)'],
    ['${A}-${env:A}', 'a-a'],
    ['${B:-b}${env:B:-c}', 'bc'],
    ['${B:-${A}}${B:-${C:-${env:D:-d}}}${A:-${B}}', 'ada'],
    ['${B:-{"a":{}}}${B:-${A}', '{"a":{}}${B:-a'],
    ['${EMPTY:-x}', 'x'],
    ['${B:-}', ''],
    ['${A:-x}', 'a'],
    ['${B:-a:b-c}', 'a:b-c'],
    ['${NESTED}', '${A}'],
    ['$${A} $${secret:x}', '${A} ${secret:x}'],
    ['${userHome}/x${/}y${pathSeparator}z', '/home/ann/x/y/z'],
    ['${workspaceFolder} ${cwd}', '/work /cwd'],
    ['for a shell: ${1} ${x[@]} ${A:+y}', 'for a shell: ${1} ${x[@]} ${A:+y}'],
    ['${API_KEY}', 'k-123', ['k-123']],
    ['Bearer ${secret:brave-key}', 'Bearer s-456', ['s-456']],
    ['${file:~/key}', 'f-789', ['f-789']],
    ['${input:shown}${input:hidden}', 'vh', ['h']],
  ]
  for (const [text, expected, hidden = []] of resolved)
    test(`${text} → ${expected}`, () => {
      const secrets = new Set<string>()
      assert.equal(resolveText(text, FROM, secrets), expected)
      assert.deepEqual([...secrets], hidden)
    })

  const refused: [string, Unusable['is'], RegExp][] = [
    ['${B}', 'missing', /^the variable B is not set$/],
    ['${env:B}', 'missing', /^the variable B is not set$/],
    ['${EMPTY}', 'missing', /^the variable EMPTY is not set$/],
    ['${secret:none}', 'missing', /^the secret none is not set; set it with: alicia secret set none$/],
    ['${input:none}', 'missing', /^the input none is not set/],
    ['${file:none}', 'missing', /^the file none cannot be read$/],
    ['${evn:A}', 'wrong', /^\$\{evn:…\} is not known here \(did you mean env\?\)$/],
    ['${constructor:A}', 'wrong', /^\$\{constructor:…\} is not known/],
  ]
  for (const [text, is, says] of refused)
    test(`${text}: ${is}`, () =>
      assert.throws(
        () => resolveText(text, FROM, new Set()),
        (error) => error instanceof Unusable && error.is === is && says.test(error.message),
      ))

  test('text without ${ stays as it is', () =>
    fc.assert(
      fc.property(fc.string(), (text) => {
        fc.pre(!text.includes('${'))
        assert.equal(resolveText(text, FROM, new Set()), text)
      }),
    ))
})

suite('what is hidden', () => {
  const names: [string, boolean][] = [
    ['API_KEY', true],
    ['BRAVE_API_KEY', true],
    ['apiKey', true],
    ['GITHUB_PERSONAL_ACCESS_TOKEN', true],
    ['GITHUB_PAT', true],
    ['Authorization', true],
    ['X-Api-Key', true],
    ['DB_PASSWORD', true],
    ['PWD_DB', false],
    ['PATH', false],
    ['KEYBOARD', false],
    ['MONKEY', false],
    ['NODE_ENV', false],
  ]
  for (const [name, expected] of names) test(`${name}: ${expected}`, () => assert.equal(isSensitive(name), expected))

  const parts: [Iterable<string>, string[]][] = [
    [sensitiveParts('Bearer abc'), ['Bearer abc', 'abc']],
    [sensitiveParts('abc'), ['abc']],
    [sensitiveInUrl('https://u:p%20w@h/?token=a%2Fb&q=1'), ['p%20w', 'p w', 'a/b', 'a%2Fb']],
    [sensitiveInUrl('no address'), []],
    [sensitiveInArguments(['--api-key', 'k', '--token=t', '-v', 'x']), ['k', 't']],
    [sensitiveInArguments(['postgresql://u:pw@h/db', '--db=mysql://u:qw@h/db']), ['pw', 'pw', 'qw', 'qw']],
    [sensitiveInArguments(['--token']), []],
  ]
  for (const [found, expected] of parts) test(expected.join(' '), () => assert.deepEqual([...found], expected))
})

suite('files of variables', () => {
  const cases: [string, Record<string, string>][] = [
    ['A=1\r\nB = two words # note\n\n# C=3', { A: '1', B: 'two words' }],
    ['export A="x\\ny" # z', { A: 'x\ny' }],
    [
      'A="-----BEGIN-----\r\nb c # d\r\n-----END-----" # key\r\nB=\'1\n2\'\nC=3',
      { A: '-----BEGIN-----\nb c # d\n-----END-----', B: '1\n2', C: '3' },
    ],
    ['A="C:\\Users\\ann"\nB="say \\"x\\" \\\\ \\$y"', { A: 'C:\\Users\\ann', B: 'say "x" \\ $y' }],
    ["A=\"open\nB='x' y\nC=1", { A: '"open', B: "'x' y", C: '1' }],
    ["A='$x # y'", { A: '$x # y' }],
    ['A=\nB=a#b', { A: '', B: 'a#b' }],
    ['A=x=y==', { A: 'x=y==' }],
    ['no variable\n=x', {}],
    ['__proto__=x', JSON.parse('{"__proto__":"x"}')],
    [`A=${' '.repeat(100_000)}\u2028x # y`, { A: 'x' }],
  ]
  for (const [text, expected] of cases)
    test(JSON.stringify(text.slice(0, 50)), () => assert.deepEqual(parseEnvFile(text), expected))
})

suite('ids', () => {
  const cases: [string, string][] = [
    ['brave', 'brave'],
    ['Brave Search', 'brave-search'],
    ['@scope/server.x', 'scope-server-x'],
    ['Füße 2', 'fu-e-2'],
    ['9lives', 'lives'],
    ['snake_case', 'snake_case'],
  ]
  for (const [name, id] of cases) test(name, () => assert.equal(identifierOf(name), id))

  test('any name has one, short enough and always the same', () =>
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (name) => {
        assert.match(identifierOf(name), /^[a-z][a-z0-9_-]{0,31}$/)
        assert.equal(identifierOf(name), identifierOf(name))
      }),
    ))

  test('names without a usable letter, and long ones, stay different', () => {
    assert.notEqual(identifierOf('天气'), identifierOf('新闻'))
    assert.notEqual(identifierOf(`${'x'.repeat(40)}a`), identifierOf(`${'x'.repeat(40)}b`))
  })
})
