import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { assert as check, property, string } from 'fast-check'
import type { Entry } from '../../../kernel/registry.ts'
import { compactSchema } from '../compact-schema.ts'
import { createToolIndex } from './tool-index.ts'
import { stem, wordsOf } from './words.ts'

const entry = (name: string, summary: string, inputSchema: object = {}): Entry =>
  ({ name, provider: { id: 'x' }, tool: { name: `x.${name}`, summary, inputSchema } }) as Entry

const TOOLS = [
  entry('readFile', 'Reads the contents of a file.'),
  entry('write_file', 'Overwrites a file.'),
  entry('licht_schalten', 'Schaltet Lichter im Haus ein und aus.'),
  entry('lumiere', 'Allume la lumière du salon.'),
  entry('tianqi', '查询城市的天气预报'),
  entry('nalssi', '도시의 날씨를 알려줍니다'),
  entry('list-sensors', 'What is measured.', {
    properties: { room: { type: 'object', properties: { floor: { description: 'Storey of the building.' } } } },
  }),
  entry('log_in', 'Opens a session.'),
  entry('get-env', 'Prints all environment variables.'),
]

suite('search of tools', () => {
  const index = createToolIndex(() => TOOLS)
  const first = (query: string) => index.search(query, () => true, 1)[0]?.slice(2)

  for (const [title, query, expected] of [
    ['names in camel case', 'read file', 'readFile'],
    ['another form of the word', 'reading files', 'readFile'],
    ['a slip of the keyboard', 'contnets', 'readFile'],
    ['the beginning of a word', 'overwr', 'write_file'],
    ['another word for it', 'save a document', 'write_file'],
    ['German, as it is described', 'Licht einschalten', 'licht_schalten'],
    ['French, without its accents', 'lumieres du salon', 'lumiere'],
    ['French for what is described in English', 'lire un fichier', 'readFile'],
    ['Chinese', '天气', 'tianqi'],
    ['Korean', '날씨', 'nalssi'],
    ['an argument within an argument', 'storey', 'list-sensors'],
    ['two words for one', 'login', 'log_in'],
    ['two words written as one', 'Dateiinhalt lesen', 'readFile'],
    ['the same with a letter between', 'Umgebungsvariablen', 'get-env'],
    ['as a shell has it', 'ls', 'list-sensors'],
    ['only words that say nothing', 'what is', 'list-sensors'],
    ['nothing of it', 'zzzzzz', undefined],
    ['nothing at all', '', undefined],
  ] as const)
    test(title, () => assert.equal(first(query), expected))

  test('leaves out what the caller may not see', () => {
    assert.deepEqual(
      index.search('file', (operation) => operation === 'x.write_file', 5),
      ['x.write_file'],
    )
  })

  test('takes any text', () => {
    check(
      property(string({ unit: 'binary', maxLength: 200 }), (text) => index.search(text, () => true, 3).length <= 3),
      {
        numRuns: 30,
      },
    )
  })
})

suite('words', () => {
  for (const [text, words] of [
    ['listDNSRecords', ['list', 'dns', 'records']],
    ['get-tiny_image2', ['get', 'tiny', 'image2']],
    ['Große Übung', ['grosse', 'ubung']],
    ['天气预报', ['天气', '气预', '预报']],
  ] as const)
    test(text, () => assert.deepEqual(wordsOf(text), words))

  for (const [a, b] of [
    ['files', 'file'],
    ['dateien', 'datei'],
    ['messages', 'message'],
    ['running', 'run'],
    ['dispositivos', 'dispositivo'],
  ] as const)
    test(`${a} and ${b} meet`, () => assert.equal(stem(a), stem(b)))

  for (const [a, b] of [
    ['listen', 'list'],
    ['server', 'service'],
    ['process', 'proceed'],
  ] as const)
    test(`${a} and ${b} stay apart`, () => assert.notEqual(stem(a), stem(b)))
})

suite('a schema with fewer tokens', () => {
  test('keeps what a call needs, and names of arguments whatever they are', () => {
    const schema = {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      title: 'Input',
      type: 'object',
      properties: {
        title: { type: 'string', title: 'Title', description: `Long. ${'x'.repeat(200)}`, enum: ['a'], default: 'a' },
        extra: { type: 'object', additionalProperties: { type: 'number', title: 'N' } },
        list: { type: 'array', items: { anyOf: [{ type: 'string', title: 'S' }, { $ref: '#/$defs/d' }] } },
      },
      $defs: { d: { type: 'null', $comment: 'x' } },
      required: ['title'],
      additionalProperties: false,
    }
    assert.deepEqual(compactSchema(schema), {
      type: 'object',
      properties: {
        title: { type: 'string', description: `Long. ${'x'.repeat(153)}…`, enum: ['a'], default: 'a' },
        extra: { type: 'object', additionalProperties: { type: 'number' } },
        list: { type: 'array', items: { anyOf: [{ type: 'string' }, { $ref: '#/$defs/d' }] } },
      },
      $defs: { d: { type: 'null' } },
      required: ['title'],
    })
  })
})
