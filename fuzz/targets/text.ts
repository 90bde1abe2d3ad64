import { deepEqual, equal, ok } from 'node:assert/strict'
import * as fc from 'fast-check'
import { inputOf } from '../../src/adapters/cli/arguments.ts'
import { heldToolLines } from '../../src/adapters/cli/held-tool.ts'
import { readable } from '../../src/adapters/cli/log-lines.ts'
import { entryOf } from '../../src/adapters/cli/server-entry.ts'
import { PLAIN } from '../../src/adapters/cli/style.ts'
import { wordDiff } from '../../src/adapters/cli/word-diff.ts'
import { claimName } from '../../src/kernel/mcp/exposed-name.ts'
import { paramHeadersOf } from '../../src/kernel/mcp/param-headers.ts'
import { isObject } from '../../src/kernel/mcp/message.ts'
import { nearest } from '../../src/kernel/nearest.ts'
import { visibleText } from '../../src/kernel/visible-text.ts'
import { compileTemplate } from '../../src/services/capabilities/mapping/template.ts'
import type { Target } from '../target.ts'
import { faultOr, joined, jsonOf, partsOf } from '../expect.ts'

const TARGET = {
  name: 'demo.thing',
  inputSchema: {
    type: 'object',
    properties: {
      text: { type: 'string' },
      count: { type: 'integer' },
      on: { anyOf: [{ type: 'boolean' }, { type: 'null' }] },
      list: { type: 'array', items: { $ref: '#/$defs/item' } },
      any: {},
    },
    $defs: { item: { type: ['number', 'object'] } },
  },
} as const
const words = fc.array(
  fc.oneof(
    fc
      .tuple(
        fc.constantFrom('text', 'count', 'on', 'list', 'any', '__proto__', 'constructor'),
        fc.constantFrom('=', ':='),
        fc.oneof(fc.string(), fc.json()),
      )
      .map((parts) => parts.join('')),
    fc
      .dictionary(fc.constantFrom('text', '__proto__'), fc.jsonValue(), { noNullPrototype: false })
      .map((value) => JSON.stringify(value)),
  ),
)

/** No control character but the end of a line and a tab, and nothing that turns the direction of what follows. */
const CALM = /^(?:[\n\t]|[^\p{Cc}\u202a-\u202e\u2066-\u2069])*$/u
const CALM_LINE = /^(?:[\n\t]|\P{Cc})*$/u

const SCHEMAS = [
  '{"properties":{"region":{"type":"string","x-mcp-header":"Region"},"a":{"properties":{"b":{"type":"integer","x-mcp-header":"B"}}}}}',
  '{"properties":{"a":{"type":"string","x-mcp-header":"X"},"b":{"type":"string","x-mcp-header":"x"}}}',
  '{"items":{"x-mcp-header":"A"}}',
]

const TEMPLATES = [
  '"{{input.text}}"',
  '{"a":"x {{ input.n ?? \\"y\\" | upper }}","b":["{{input.list | first}}"]}',
  '"{{ input.list | like: \\"*a*\\" | json }}"',
  '"{{constructor}}"',
  '"{{"',
  '"{{ input.__proto__.x }}"',
]

export const TEXT_TARGETS: readonly Target[] = [
  {
    name: 'text/arguments',
    covers: ['src/adapters/cli/arguments.ts'],
    seeds: [
      ['text=a', 'count=5'],
      ['{"text":"a"}', 'on=true'],
      ['list=1,2', 'any:={"a":1}'],
      ['nope=1'],
      ['constructor=1'],
      ['__proto__:={"a":1}'],
    ].map(joined),
    generate: words.map(joined),
    tokens: ['\u001e', 'text=', 'count=', ':=', 'list=[1]', '__proto__', 'constructor', 'toString='],
    longestBytes: 4096,
    check(input) {
      const given = input.toString().split('\u001e')
      const read = faultOr(() => inputOf(given, TARGET), 'invalid_input')
      if (!read) return
      equal(Object.getPrototypeOf(read), Object.prototype)
      ok(JSON.stringify(read).length <= 10 * input.length + 100)
      for (const [key, value] of Object.entries(read)) {
        ok(['string', 'number', 'boolean', 'object'].includes(typeof value), `${key} became a ${typeof value}`)
        // Only JSON brings other keys along: whether those are known is for the hub to say.
        if (!given.some((word) => word.trimStart().startsWith('{')))
          ok(Object.hasOwn(TARGET.inputSchema.properties, key), `${key} is known`)
      }
    },
  },
  {
    name: 'text/add-arguments',
    covers: ['src/adapters/cli/server-entry.ts'],
    seeds: [joined(['https://h.example', 'A: b', 'C=d']), joined(['npx', '', 'A=b']), joined(['x', 'no header', '='])],
    check(input) {
      const [command = '', header = '', env = ''] = partsOf(input, 3)
      const flags = { header: header === '' ? [] : [header], env: env === '' ? [] : [env], profile: [] }
      const entry = faultOr(() => entryOf([command], flags), 'invalid_input')
      if (entry) equal(entry['url'] ?? entry['command'], command)
    },
  },
  {
    name: 'text/template',
    covers: ['template', 'expression', 'filters'].map((file) => `src/services/capabilities/mapping/${file}.ts`),
    seeds: TEMPLATES,
    generate: fc.json({ maxDepth: 3 }),
    tokens: [
      '{{',
      '}}',
      'input.',
      'text',
      ' | ',
      '??',
      'json',
      'parse',
      'like: \\"*\\"',
      'first',
      'number',
      '[0]',
      '__proto__',
      '\\"',
    ],
    longestBytes: 8192,
    check(input) {
      const parsed = jsonOf(input.toString())
      if (!parsed) return
      let template: ReturnType<typeof compileTemplate>
      try {
        template = compileTemplate(parsed.value, ['input'])
      } catch (error) {
        return ok(error instanceof TypeError && error.message.length < 2 * input.length + 500, String(error))
      }
      const value: unknown = { text: 'a {"b":[1]} c', n: 1, list: ['xay', 'b'], deep: { x: null } }
      const made = template({ input: value })
      ok(typeof made !== 'function' && typeof made !== 'symbol')
      const text = JSON.stringify(made) ?? ''
      ok(text.length <= 100 * input.length + 100)
      if (!input.includes('{{') && !input.includes('\\')) deepEqual(made, parsed.value)
    },
  },
  {
    name: 'text/visible',
    covers: ['src/kernel/visible-text.ts'],
    seeds: ['a\u001b[2Jb', 'x\u202ey', 'line\nline', '\ud83d'],
    generate: fc.string({ unit: 'binary' }),
    check(input) {
      const shown = visibleText(input.toString('utf16le'))
      ok(CALM.test(shown) && !shown.includes('\n') && shown.isWellFormed())
      equal(visibleText(shown), shown)
    },
  },
  {
    name: 'text/log-line',
    covers: ['src/adapters/cli/log-lines.ts', 'src/adapters/cli/style.ts'],
    seeds: [
      '{"level":30,"time":1,"msg":"hi","a":{"b":1}}',
      'no json',
      '{"msg":"\\u001b[2J"}',
      '{"time":"x","level":"y"}',
      '{"time":1e300}',
    ],
    generate: fc.json(),
    tokens: ['"level":50', '"time":', '"msg":', '"err":{"stack":"x"}', '\\u001b'],
    check(input) {
      const parsed = jsonOf(input.toString())?.value
      if (!isObject(parsed)) return
      // Time and level are the log's own words; everything else may come from elsewhere.
      const line = { ...parsed, time: '2026-01-01T00:00:00.000Z', level: 30 }
      ok(CALM_LINE.test(readable(JSON.stringify(line), PLAIN)), 'it moves the cursor')
    },
  },
  {
    name: 'text/held-tool',
    covers: ['src/adapters/cli/held-tool.ts', 'src/adapters/cli/json-diff.ts', 'src/adapters/cli/word-diff.ts'],
    seeds: [
      joined(['"a\\u001b[2J b"', '"a c"']),
      joined(['{"a":[1,{"b":2}]}', '{"a":[1,{"c":2}]}']),
      joined(['null', '"\\u202e"']),
    ],
    generate: fc.tuple(fc.json(), fc.json()).map(joined),
    longestBytes: 8192,
    check(input) {
      const [before, now] = partsOf(input, 2).map(jsonOf)
      if (!before || !now) return
      const lines = heldToolLines(
        {
          server: 'x',
          tool: 'y',
          why: 'changed',
          fingerprint: '',
          changes: [{ member: 'description', before: before.value, now: now.value }],
        },
        PLAIN,
      )
      ok(
        lines.every((line) => CALM.test(line)),
        'it moves the cursor',
      )
    },
  },
  {
    name: 'text/word-diff',
    covers: ['src/adapters/cli/word-diff.ts'],
    seeds: [joined(['a b c', 'a x c']), joined(['', 'a']), joined(['  ', ' '])],
    check(input) {
      const [before = '', now = ''] = partsOf(input, 2)
      const stretches = wordDiff(before, now)
      const side = (other: 'before' | 'now') =>
        stretches.flatMap((each) => (each.in === other ? [] : [each.text])).join('')
      deepEqual([side('now'), side('before')], [before, now])
    },
  },
  {
    name: 'text/exposed-name',
    covers: ['src/kernel/mcp/exposed-name.ts'],
    seeds: [joined(['files', 'read_file']), joined(['x', 'ä'.repeat(80)]), joined(['', ''])],
    check(input) {
      const [provider = '', own = ''] = partsOf(input, 2)
      const owners = new Map<string, string>()
      const names = ['one', 'two', 'three', 'one'].map((owner) => claimName(owners, { owner, provider, own }))
      ok(names.every((name) => /^[A-Za-z0-9_-]{1,64}$/.test(name)))
      equal(new Set(names).size, 3)
      equal(names[3], names[0])
    },
  },
  {
    name: 'text/param-headers',
    covers: ['src/kernel/mcp/param-headers.ts'],
    seeds: SCHEMAS,
    generate: fc.json(),
    tokens: ['"x-mcp-header":"A"', '"properties":{', '"type":"string"', '"__proto__":{'],
    longestBytes: 8192,
    check(input) {
      const parsed = jsonOf(input.toString())
      if (!parsed) return
      for (const { name, path } of paramHeadersOf(parsed.value) ?? []) {
        ok(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name))
        ok(path.length > 0)
      }
    },
  },
  {
    name: 'text/nearest',
    covers: ['src/kernel/nearest.ts'],
    seeds: [joined(['prot', 'port']), joined(['a-b', 'a_b']), joined(['x'.repeat(128), 'y'.repeat(128)])],
    check(input) {
      const [word = '', ...candidates] = input.toString().split('\u001e')
      const found = nearest(word, candidates.slice(0, 20))
      if (found !== undefined)
        ok(candidates.includes(found) && Math.abs(found.length - word.length) <= Math.max(1, word.length / 3))
    },
  },
]
