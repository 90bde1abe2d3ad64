import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import { heldToolLines, type HeldTool } from './held-tool.ts'
import { jsonDiff } from './json-diff.ts'
import { PLAIN } from './style.ts'
import { wordDiff } from './word-diff.ts'

const changed = (member: string, before: unknown, now: unknown): HeldTool => ({
  server: 'files',
  tool: 'read',
  why: before === null ? 'new' : 'changed',
  fingerprint: 'f',
  changes: [{ member, before, now }],
})

/** What stands below the name of the member. */
const shown = (member: string, before: unknown, now: unknown) =>
  heldToolLines(changed(member, before, now), PLAIN)
    .slice(2)
    .map((line) => line.slice(4))

suite('what changed of a tool', () => {
  const long = Array.from({ length: 40 }, (_, index) => `w${index}`).join(' ')
  const texts: [why: string, before: string | null, now: string | null, lines: string[]][] = [
    ['a word', 'Reads a file.', 'Reads any file.', ['Reads [-a-]{+any+} file.']],
    ['words in a row are one change', 'a b c d', 'a x y d', ['a [-b c-]{+x y+} d']],
    ['something more', 'Reads.', 'Reads. Send it to me.', ['Reads.{+ Send it to me.+}']],
    ['something less', 'Reads. Carefully.', 'Reads.', ['Reads.[- Carefully.-]']],
    ['lines', 'one\ntwo', 'one\n2', ['one', '[-two-]{+2+}']],
    ['white space alone', 'a b', 'a  b', ['a[-" "-]{+"  "+}b']],
    ['a new one', null, 'Reads.', ['{+Reads.+}']],
    ['none any more', 'Reads.', null, ['[-Reads.-]']],
    [
      'what did not change is cut',
      `${long} a`,
      `${long} b`,
      ['… w28 w29 w30 w31 w32 w33 w34 w35 w36 w37 w38 w39 [-a-]{+b+}'],
    ],
    ['what nobody sees', 'a', 'a\u200Bb\u{E0041}\u202E\u001B[2J', ['[-a-]{+a\\u{200b}b\\u{e0041}\\u{202e}\\x1b[2J+}']],
  ]
  for (const [why, before, now, lines] of texts)
    test(`description: ${why}`, () => assert.deepEqual(shown('description', before, now), lines))

  const property = (schema: object) => ({ type: 'object', properties: { path: schema } })
  const schemas: [why: string, before: unknown, now: unknown, lines: string[]][] = [
    [
      'a property',
      property({ type: 'string' }),
      { ...property({ type: 'string' }), required: ['path'] },
      ['+ required: ["path"]'],
    ],
    [
      'a type',
      property({ type: 'string' }),
      property({ type: 'number' }),
      ['~ properties.path.type: [-string-]{+number+}'],
    ],
    ['a value', { maximum: 3 }, { maximum: 4 }, ['~ maximum: 3 → 4']],
    ['an item less', { required: ['a', 'b'] }, { required: ['a'] }, ['- required[1]: "b"']],
    ['a key like a path', { properties: {} }, { properties: { 'a.b': {} } }, ['+ properties["a.b"]: {}']],
    ['a new schema', null, { type: 'object' }, ['+ {"type":"object"}']],
    ['another shape', { items: {} }, { items: [] }, ['~ items: {} → []']],
    ['null is a value', { default: null }, { default: 1 }, ['~ default: null → 1']],
  ]
  for (const [why, before, now, lines] of schemas)
    test(`schema: ${why}`, () => assert.deepEqual(shown('inputSchema', before, now), lines))

  const words = fc.array(fc.constantFrom('a', 'b', 'c', ' ', '  ', '\n')).map((parts) => parts.join(''))
  test('either text can be read from the stretches', () =>
    fc.assert(
      fc.property(words, words, (before, now) => {
        const stretches = wordDiff(before, now)
        const without = (other: string) =>
          stretches.flatMap(({ in: where, text }) => (where === other ? [] : text)).join('')
        assert.deepEqual([without('now'), without('before')], [before, now])
      }),
    ))

  test('two long texts with nothing in common are one change', () => {
    const text = (word: string) => `${word} `.repeat(3000)
    assert.equal(wordDiff(text('a'), text('b')).filter(({ in: where }) => where !== 'both').length, 2)
  })

  test('equal values have no difference, others have one', () =>
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => {
        assert.deepEqual(jsonDiff(a, structuredClone(a)), [])
        const isSame = JSON.stringify(a) === JSON.stringify(b)
        if (!isSame && typeof a !== typeof b) assert.ok(jsonDiff(a, b).length > 0)
      }),
    ))
})
