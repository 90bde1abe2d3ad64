import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import { compileTemplate } from './template.ts'

const ROOTS = ['input', 'result', 'now']

const variables = {
  input: { text: 'hi', count: 3, flag: false, nothing: null, list: [1, { a: 'x' }], quote: '"; exit(); "' },
  result: { text: '### Result\n[1,{"a":"]"}]\n### Code [0]' },
  now: '2026-01-01T00:00:00.000Z',
}

const render = (template: unknown) => compileTemplate(template, ROOTS)(variables)

suite('mapping', () => {
  const cases: [string, unknown, unknown][] = [
    ['a constant', { a: 1, b: [true, null, 'x'] }, { a: 1, b: [true, null, 'x'] }],
    ['an empty text', '', ''],
    ['a text with expressions', 'say {{input.text}} {{ input.count }}!', 'say hi 3!'],
    [
      'only one expression keeps its type',
      ['{{input.count}}', '{{input.flag}}', '{{input.list}}'],
      [3, false, [1, { a: 'x' }]],
    ],
    ['a step into a list', '{{input.list[1].a}}', 'x'],
    ['a missing member is left out', { a: '{{input.none}}', b: 1, c: ['{{input.none}}'] }, { b: 1, c: [] }],
    ['and nothing in a text', '<{{input.none}}>', '<>'],
    ['null is a value', { a: '{{input.nothing}}' }, { a: null }],
    ['a default', '{{input.none ?? input.nothing ?? "alloy"}}', 'alloy'],
    ['false is no reason for a default', '{{input.flag ?? true}}', false],
    ['a default with signs of the language in it', '{{input.none ?? "a | b ?? }} \\" c"}}', 'a | b ?? }} " c'],
    ['an object inside a text', 'see {{input.list}}', 'see [1,{"a":"x"}]'],
    ['a value as source text', 'const q = {{input.quote | json}}', 'const q = "\\"; exit(); \\""'],
    ['JSON in prose', '{{result.text | parse}}', [1, { a: ']' }]],
    ['filters in a row', '{{input.list | first | text}}', '1'],
    ['lines like a pattern', '{{result.text | lines | like: "cod*0"}}', ['### Code [0]']],
    [
      'lines like what was asked for',
      '{{result.text | lines | like: input.none}}',
      ['### Result', '[1,{"a":"]"}]', '### Code [0]'],
    ],
    ['a number', '{{"12" | number}}', 12],
    ['what is no number is missing', { a: '{{input.text | number}}' }, {}],
    ['braces', '{{"{{"}}', '{{'],
    [
      'no way to a prototype',
      { a: '{{input.constructor}}', b: '{{input.__proto__.x}}', c: '{{input.list.length}}' },
      { c: 2 },
    ],
  ]
  for (const [name, template, expected] of cases) test(name, () => assert.deepEqual(render(template), expected))

  const mistakes: [string, unknown, RegExp][] = [
    ['an unknown root', { a: ['{{inptu.text}}'] }, /^TypeError: a\[0\]: .*did you mean input\?/],
    ['something that is no path', '{{input.text()}}', /neither a path .* nor a JSON value/],
    ['an unknown filter', '{{input.text | shout}}', /there is no filter "shout"/],
    ['a filter that everything has', '{{input.text | constructor}}', /there is no filter "constructor"/],
    ['never closed', 'a {{input.text', /a \{\{ is never closed/],
    ['empty', '{{}}', /neither a path/],
  ]
  for (const [name, template, says] of mistakes)
    test(`refuses: ${name}`, () => assert.throws(() => compileTemplate(template, ROOTS), says))

  test('JSON without expressions is itself', () =>
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        fc.pre(!JSON.stringify(value).includes('{{'))
        const made = compileTemplate(value, ROOTS)(variables)
        assert.equal(JSON.stringify(made), JSON.stringify(value))
      }),
    ))

  test('whatever comes in, it ends, and changes nothing', () =>
    fc.assert(
      fc.property(
        fc.anything(),
        fc.constantFrom('', ' | json', ' | parse', ' | number', ' | lines', ' | first'),
        (input, filter) => {
          const template = compileTemplate(
            { a: `{{input.a.b${filter}}}`, b: `{{input${filter}}}`, c: `<{{input${filter}}}>` },
            ROOTS,
          )
          const made = template({ input })
          assert.equal(Object.getPrototypeOf(made), Object.prototype)
          assert.equal(({} as Record<string, unknown>)['polluted'], undefined)
        },
      ),
    ))

  test('a value comes through a text of source code whole', () =>
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const source = compileTemplate('[{{input.value | json}}, 1]', ROOTS)({ input: { value } })
        const expected = `[${JSON.stringify(value)}, 1]`
        assert.equal(source, expected)
      }),
    ))

  test('any text compiles or is refused by a TypeError', () =>
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('{', '}', '"', '\\', '|', '?', '.', 'input', ' ', '[', ']', '0') }),
        (text) => {
          try {
            compileTemplate(text, ROOTS)(variables)
          } catch (error) {
            assert.ok(error instanceof TypeError)
          }
        },
      ),
    ))
})
