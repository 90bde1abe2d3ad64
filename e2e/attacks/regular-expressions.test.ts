import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { createContext, Script } from 'node:vm'
import { hostileTexts } from './support/hostile-texts.ts'
import { patternsInSource } from './support/patterns.ts'

const LENGTH = 50_000
/** In proportion to its length such a text takes a millisecond, to its square a second. */
const PATIENCE_MS = 250

/** What takes its length squared, and may: why nobody can make it long. */
const BOUNDED: Readonly<Record<string, string>> = {
  'config/servers/identifier.ts /-+$/': 'every run of dashes is one dash by then',
  'config/servers/import/rewrite.ts /^\\s*\\[\\[?\\s*(.+?)\\s*\\]\\]?\\s*(?:#.*)?$/': 'a line of a file of the user',
  'engines/people/password-hash.ts /=+$/': 'base64 that was made a moment ago',
  'gateway/process/windows-command.ts /(\\\\*)"/g': 'arguments that the user configured',
  'gateway/process/windows-command.ts /(\\\\*)$/': 'arguments that the user configured',
  'services/mqtt/decode/key-value.ts /\\s*,\\s*/': 'texts of up to 4096 characters',
  'services/mqtt/decode/key-value.ts /\\s*;\\s*/': 'texts of up to 4096 characters',
}

const box: { pattern: RegExp; text: string } = { pattern: /x/, text: '' }
const context = createContext(box)
const script = new Script('text.replace(pattern, "")')

/** The machine may stand still for a moment; a slow pattern is slow each time. */
const ATTEMPTS = 3

/** Whether the pattern is through with the text in time. */
const ends = (pattern: RegExp, text: string): boolean =>
  Array.from({ length: ATTEMPTS }).some(() => endsNow(pattern, text))

function endsNow(pattern: RegExp, text: string): boolean {
  Object.assign(box, { pattern, text })
  try {
    script.runInContext(context, { timeout: PATIENCE_MS })
    return true
  } catch (error) {
    // An error of the other context is none of this one's.
    if ((error as { code?: unknown }).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') return false
    throw error
  }
}

suite('regular expressions', () => {
  const patterns = patternsInSource()

  test('those in the sources are found', () => assert.ok(patterns.length > 400))

  test('none takes the square of the length of what somebody sends', () => {
    const slow = patterns
      .filter(({ where, pattern }) => BOUNDED[`${where.split(':')[0]} ${String(pattern)}`] === undefined)
      .flatMap(({ where, pattern }) => {
        const text = hostileTexts(pattern, LENGTH).find((hostile) => !ends(pattern, hostile))
        return text === undefined ? [] : [`${where} ${String(pattern)} ${JSON.stringify(text.slice(0, 40))}`]
      })
    assert.deepEqual(slow, [])
  })

  test('what is excepted is still there', () => {
    const known = new Set(patterns.map(({ where, pattern }) => `${where.split(':')[0]} ${String(pattern)}`))
    for (const exception of Object.keys(BOUNDED)) assert.ok(known.has(exception), exception)
  })

  for (const [pattern, isSlow] of [
    [/(a+)+$/, true],
    [/^(\w+\s?)*$/, true],
    [/\s+$/, true],
    [/^bearer +([\w-]+) *$/, false],
    [/^(?:ab|cd)+$/, false],
  ] as const)
    test(`${pattern} ${isSlow ? 'would be found' : 'is none of those'}`, () =>
      assert.equal(
        hostileTexts(pattern, LENGTH).some((hostile) => !ends(pattern, hostile)),
        isSlow,
      ))
})
