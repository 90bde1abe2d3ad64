import { deepEqual, equal, ok } from 'node:assert/strict'
import * as fc from 'fast-check'
import { getNodeValue, parseTree } from 'jsonc-parser'
import { parse as parseToml, stringify as writeToml } from 'smol-toml'
import { parseConfigFile } from '../../src/config/file.ts'
import { loadConfig } from '../../src/config.ts'
import { hasSecretReferences, plainSecretsIn, resolveSecrets } from '../../src/config/secret-references.ts'
import { withoutServer, withServer } from '../../src/config/servers/edit.ts'
import { parseEnvFile } from '../../src/config/servers/env-file.ts'
import { identifierOf } from '../../src/config/servers/identifier.ts'
import { findClientServers } from '../../src/config/servers/import/client-servers.ts'
import { rewritten } from '../../src/config/servers/import/rewrite.ts'
import { readServers } from '../../src/config/servers/read.ts'
import { resolveText } from '../../src/config/servers/references.ts'
import { Unusable } from '../../src/config/servers/unusable.ts'
import { mosquittoConf } from '../../src/engines/broker/mosquitto-conf.ts'
import { isObject } from '../../src/kernel/mcp/message.ts'
import type { Target } from '../target.ts'
import { faultOr, joined, jsonOf, partsOf } from '../expect.ts'

const SERVERS = [
  '{"mcpServers":{"files":{"command":"npx","args":["-y","x"],"env":{"TOKEN":"${secret:t}"}}}}',
  '{\n  // mine\n  "servers": {\n    "web": { "url": "https://h.example/mcp", "headers": {"A": "${input:i}"} }, // one\n  },\n  "inputs": [{"id":"i","type":"promptString","password":true}]\n}\n',
  '{"mcp":{"servers":{"a":{"replicas":[{"command":"x"},{"url":"http://h"}],"needs":["b"]},"b":{"command":"y","needs":["a"]}}}}',
  '{"mcpServers":{"it":{"url":"x","tools":{"allow":["*"],"rename":{"a":"b"}},"profiles":["kids"]}},"profiles":{"kids":{"servers":["it"]}}}',
  '{"mcpServers":{"__proto__":{"command":"x"},"constructor":{"command":"x"}}}',
]
const FILE = '/home/ann/mcp.json'
const MACHINE = {
  env: { HOME: '/home/ann', A_TOKEN: 't0k' },
  cwd: '/work',
  home: '/home/ann',
  platform: 'linux',
} as const

const entry = fc.record(
  {
    command: fc.string(),
    args: fc.array(fc.oneof(fc.string(), fc.integer())),
    env: fc.dictionary(fc.string(), fc.string()),
    url: fc.oneof(fc.webUrl(), fc.string()),
    headers: fc.dictionary(fc.string(), fc.string()),
    disabled: fc.boolean(),
    needs: fc.array(fc.constantFrom('a', 'b')),
    timeoutSeconds: fc.double(),
    tools: fc.jsonValue({ maxDepth: 2 }),
  },
  { requiredKeys: [] },
)
const servers = fc
  .tuple(
    fc.constantFrom('mcpServers', 'servers'),
    fc.dictionary(fc.oneof(fc.constantFrom('a', 'b', 'mqtt'), fc.string()), entry, {
      maxKeys: 4,
      noNullPrototype: false,
    }),
    fc.constantFrom(0, 2, '\t'),
  )
  .map(([container, all, indent]) => JSON.stringify({ [container]: all }, null, indent))

const CODEX = [
  'model = "x"\n\n[mcp_servers.a] # one\ncommand = "x"\n[mcp_servers.a.env]\nA = "b"\n\n[mcp_servers."b c"]\ncommand = "y"\n',
  '[mcp_servers]\na = { command = "x" }\n',
  'x = """\n[mcp_servers.a]\n"""\n[mcp_servers.a]\ncommand = "z"\n',
]

const references = {
  variable: (name: string) => ({ A: 'a${B}', EMPTY: '', A_TOKEN: 't0k' })[name],
  secret: (name: string) => (name === 's' ? 's3cret' : undefined),
  input: (id: string) => (id === 'i' ? { value: '1nput', isSecret: true } : undefined),
  file: (path: string) => (path === 'f' ? 'f1le' : undefined),
  userHome: '/home/ann',
  workspaceFolder: '/work',
  cwd: '/work',
  pathSeparator: '/',
}

const PLACES = {
  host: '127.0.0.1',
  port: 1883,
  plugin: '/p.so',
  security: '/s.json',
  folder: '/f',
  user: 'ann',
  anonymous: false,
}

export const CONFIG_TARGETS: readonly Target[] = [
  {
    name: 'config/file',
    covers: ['src/config/file.ts'],
    seeds: [...SERVERS, '\ufeff{"a":1,"a":2}', '{"a":[1,],}', '', '[[[[', '{"__proto__":{"a":1}}'],
    generate: fc.json(),
    check(input) {
      const text = input.toString()
      const { value, problems, lineOf } = parseConfigFile('alicia.json', text)
      ok(
        problems.every(
          ({ line = 1, text: said }) => line >= 1 && line <= text.split('\n').length && said.length < 200 + text.length,
        ),
      )
      ok(lineOf(['a', 0, 'b']) >= 1)
      const source = text.replace(/^\uFEFF/, '')
      const plain = jsonOf(source)
      if (problems.length === 0 && plain) equal(JSON.stringify(value), JSON.stringify(plain.value))
    },
  },
  {
    name: 'config/servers',
    covers: [
      'read',
      'server-file',
      'entry',
      'definition',
      'transport',
      'place',
      'references',
      'clashes',
      'needs',
      'profile',
      'identifier',
      'unknown-keys',
      'outcome',
    ].map((file) => `src/config/servers/${file}.ts`),
    seeds: SERVERS,
    generate: servers,
    tokens: [
      '"command":"x"',
      '"url":"https://h.example"',
      '"replicas":[',
      '"needs":["a"]',
      '"tools":{',
      '"${env:A_TOKEN}"',
      '"profiles":{',
      '"type":"sse"',
      '"__proto__":',
      'null',
      '//\n',
      '/*',
    ],
    longestBytes: 8192,
    check(input) {
      const config = faultOr2(() =>
        readServers([FILE], {
          ...MACHINE,
          readFile: (path) =>
            path === FILE ? input.toString() : path.endsWith('.env') ? 'A=b\nTOKEN=s3cret\n' : undefined,
          secret: (name) => (name === 't' ? 's3cret-of-the-store' : undefined),
          reserved: ['mqtt'],
        }),
      )
      if (!config) return
      const ids = [...config.definitions, ...config.unusable].map(({ id }) => id)
      ok(ids.every((id) => /^[a-z][a-z0-9_-]{0,31}$/.test(id)))
      equal(new Set(config.definitions.map(({ id }) => id)).size, config.definitions.length)
      ok(!JSON.stringify([config.unusable, config.warnings]).includes('s3cret-of'), 'a secret in a complaint')
      ok(!config.definitions.some(({ id }) => id === 'mqtt'))
    },
  },
  {
    name: 'config/edits',
    covers: [
      'src/config/servers/set-property.ts',
      'src/config/servers/remove-property.ts',
      'src/config/servers/edit.ts',
    ],
    seeds: [...SERVERS, '', '{}', '{"servers":{}}', '{\r\n\t"mcpServers": {\r\n\t\t"a": 1 // x\r\n\t}\r\n}'],
    generate: servers,
    tokens: ['// x\n', '/* , */', ',', '\n', '\r\n', '\t', '"mcpServers": {', '}'],
    longestBytes: 4096,
    check(input) {
      const text = input.toString()
      const added = faultOr2(() => withServer(FILE, text, { name: 'new one', entry: { command: 'x', args: ['"'] } }))
      if (added === undefined) return
      const [before, after] = [valueOf(text), valueOf(added)]
      const container = ['mcpServers', 'servers', 'mcp'].find((key) =>
        JSON.stringify(after[key])?.includes('"new one"'),
      )
      ok(container !== undefined, 'it was not added')
      deepEqual(comments(added), comments(text))
      const removed = withoutServer(FILE, added, 'new one')
      ok(removed !== undefined)
      // Where there was no other, a comment may have come to stand at the end of its line, and goes with it.
      if (!isEmpty(before[container])) deepEqual(comments(removed), comments(text))
      const left = valueOf(removed)
      if (before[container] === undefined) delete left[container]
      // What was there stays as it was, whatever stood under that name.
      if (!text.includes('new one')) deepEqual(left, before)
    },
  },
  {
    name: 'config/references',
    covers: ['src/config/servers/references.ts'],
    seeds: [
      '${A} ${env:A_TOKEN} ${B:-x}',
      '$${A} ${secret:s} ${input:i} ${file:f}',
      '${userHome}${/}',
      '${nope:x}',
      '${A:?x} ${} ${a b}',
    ],
    tokens: ['${', '}', '$$', 'env:', 'secret:s', 'input:i', 'file:f', ':-', 'userHome', '__proto__', 'constructor:x'],
    check(input) {
      const text = input.toString()
      const secrets = new Set<string>()
      let resolved: string
      try {
        resolved = resolveText(text, references, secrets)
      } catch (error) {
        if (!(error instanceof Unusable)) throw error
        return ok(error.message.length <= 2 * text.length + 200)
      }
      ok(resolved.length <= 20 * text.length + 20)
      for (const secret of ['s3cret', '1nput', 'f1le', 't0k'])
        if (resolved.includes(secret) && !text.includes(secret)) ok(secrets.has(secret), `${secret} is not noted`)
      if (!text.includes('${')) equal(resolved, text)
    },
  },
  {
    name: 'config/env-file',
    covers: ['src/config/servers/env-file.ts'],
    seeds: ['A=b\nexport C="d\\ne" # x\nE=\'f\'\n# G=h\n', '\ufeffA = b c # d\r\n', '__proto__=x\nA="', 'A=\u2028x'],
    tokens: ['export ', '=', '"', "'", ' #', '\\n', '\u2028', '__proto__=1', '\n'],
    check(input) {
      const text = input.toString()
      const variables = parseEnvFile(text)
      for (const [name, value] of Object.entries(variables)) {
        ok(/^[A-Za-z_][\w.-]*$/.test(name))
        equal(typeof value, 'string')
        ok(text.includes(name))
      }
      // One line of its own reads as what it says.
      deepEqual(parseEnvFile('__proto__=x\nA="b # c"')['A'], 'b # c')
      equal(Object.hasOwn(parseEnvFile('__proto__=x'), '__proto__'), true, 'a variable was lost')
    },
  },
  {
    name: 'config/import',
    covers: ['src/config/servers/import/client-servers.ts', 'src/config/servers/import/convert.ts'],
    seeds: [
      ...SERVERS,
      ...CODEX,
      '{"projects":{"/p":{"mcpServers":{"a":{"command":"${workspaceFolder}/x"}}}}}',
      '{"mcpServers":{"g":{"httpUrl":"$URL","trust":true,"timeout":5000}}}',
    ],
    generate: servers,
    tokens: [
      '[mcp_servers.a]\n',
      '"httpUrl":',
      '"projects":{',
      '"env_vars":',
      'http_headers = {',
      '"__proto__":',
      '"timeout":1',
    ],
    longestBytes: 8192,
    check(input) {
      const found = findClientServers({ machine: MACHINE, readFile: () => input.toString() })
      for (const { servers: all, problem = '' } of found) {
        ok(problem.length < 200)
        for (const { entry: converted, name } of all) {
          ok(isObject(converted) && name !== 'alicia')
          equal(Object.getPrototypeOf(converted), Object.prototype)
        }
      }
    },
  },
  {
    name: 'config/toml-rewrite',
    covers: ['src/config/servers/import/rewrite.ts'],
    seeds: CODEX,
    generate: fc
      .dictionary(
        fc.constantFrom('a', 'b c', 'd.e', '"'),
        fc.record({ command: fc.string(), env: fc.dictionary(fc.string({ minLength: 1 }), fc.string()) }),
        { minKeys: 1 },
      )
      .map((all) => writeToml({ model: 'x', mcp_servers: all, other: { x: 1 } })),
    tokens: ['[mcp_servers.a]\n', '[[x]]\n', '"""', "'''", '# x', '\n'],
    longestBytes: 4096,
    check(input) {
      const text = input.toString()
      const before = tomlOf(text)
      const read = { env: MACHINE.env, cwd: '/none', home: '/home/ann', platform: 'linux' } as const
      const [source] = findClientServers(
        { machine: read, readFile: (path) => (path === '/home/ann/.codex/config.toml' ? text : undefined) },
        'codex',
      )
      if (!before || !source || source.problem !== undefined) return
      const names = source.servers.map(({ name }) => name)
      const after = faultOr(() => rewritten(text, source, { names, replacement: { command: 'alicia' } }), 'conflict')
      if (after === undefined) return
      const parsed = tomlOf(after)
      ok(parsed)
      // Nothing but the servers is gone.
      deepEqual(withoutServers(parsed), withoutServers(before))
      ok(Object.hasOwn(parsed['mcp_servers'] as object, 'alicia'))
    },
  },
  {
    name: 'config/whole',
    covers: [
      'src/config.ts',
      'src/config/layers.ts',
      'src/config/explain.ts',
      'src/config/broker.ts',
      'src/kernel/issues.ts',
      'src/kernel/nearest.ts',
    ],
    seeds: [
      joined(['{"port":1}', 'port=2']),
      joined(['{"broker":{"users":[{"name":"a","password":"b"}]}}', 'BROKER=x']),
      joined(['{"prot":1}', 'TOKEN=constructor']),
      joined(['[]', 'LOG_LEVEL=toString']),
    ],
    generate: fc
      .tuple(fc.json({ maxDepth: 3 }), fc.constantFrom('', 'PORT=x', 'PORT=80', 'HOST=0.0.0.0', 'DEMO=__proto__'))
      .map(joined),
    tokens: [
      '"port":',
      '"broker":{',
      '"users":[',
      '"rooms":{',
      '"devices":{',
      '"profiles":',
      '"publicUrl":',
      '"issuers":[',
      '"allowedHosts":[',
      '"limits":{',
      '"audit":{',
      '"__proto__":',
      'null',
    ],
    longestBytes: 4096,
    check(input) {
      const [text = '', given = ''] = partsOf(input, 2)
      const [name = '', ...value] = given.split('=')
      const env = {
        ...MACHINE.env,
        ...(/^[A-Z_]+$/.test(name) && !name.includes('CONFIG') && { [`ALICIA_${name}`]: value.join('=') }),
      }
      const config = faultOr2(() => loadConfig({ ...MACHINE, env, flags: { config: '/c.json' }, readFile: () => text }))
      if (config) ok(Number.isInteger(config.port) && Object.isFrozen(config))
    },
  },
  {
    name: 'config/secrets',
    covers: ['src/config/secret-references.ts'],
    seeds: [
      '{"token":"${secret:a}","url":"mqtt://u:${secret:a}@h"}',
      '{"token":"plain"}',
      '["${secret:none}"]',
      '{"__proto__":"${secret:a}"}',
    ],
    generate: fc.json(),
    tokens: ['${secret:a}', '"token":', '"password":', 'mqtt://u:p@h'],
    check(input) {
      const text = input.toString()
      let value: unknown
      try {
        value = JSON.parse(text)
      } catch {
        return
      }
      if (JSON.stringify(value).length > 20_000) return
      plainSecretsIn(value)
      const resolved = faultOr2(() => ({ value: resolveSecrets(value, (name) => (name === 'a' ? 'x@y' : undefined)) }))
      if (!resolved) return
      if (!hasSecretReferences(value)) deepEqual(resolved.value, value)
    },
  },
  {
    name: 'config/identifier',
    covers: ['src/config/servers/identifier.ts'],
    seeds: ['My Server', 'ÄÖÜ', '', '-', 'a'.repeat(40), '日本'],
    generate: fc.string({ unit: 'grapheme' }),
    check(input) {
      const id = identifierOf(input.toString())
      ok(/^[a-z][a-z0-9_-]{0,31}$/.test(id), id)
      equal(identifierOf(id), id)
    },
  },
  {
    name: 'config/mosquitto',
    covers: ['src/engines/broker/mosquitto-conf.ts'],
    seeds: ['/var/lib/x', 'a b', '/tmp/ä'],
    check(input) {
      // A path of a folder that exists has no line end on any system that Alicia runs on but by malice.
      const folder = input.toString().replaceAll(/\p{Cc}/gu, '')
      const lines = mosquittoConf({ ...PLACES, folder }).split('\n')
      equal(lines.filter((line) => line.startsWith('allow_anonymous')).length, 1)
      equal(lines.length, mosquittoConf(PLACES).split('\n').length)
    },
  },
]

const faultOr2 = <T>(parse: () => T): T | undefined => {
  try {
    return parse()
  } catch (error) {
    // These name every problem of a file at once.
    if ((error as { code?: unknown }).code !== 'invalid_input' && (error as { code?: unknown }).code !== 'conflict')
      throw error
    return undefined
  }
}

function valueOf(text: string): Record<string, unknown> {
  const tree = parseTree(text.replace(/^\uFEFF/, ''), [], { allowTrailingComma: true })
  const value: unknown = tree === undefined ? {} : getNodeValue(tree)
  return isObject(value) ? (JSON.parse(JSON.stringify(value)) as Record<string, unknown>) : {}
}

/** Comments outside strings. */
const comments = (text: string): string[] =>
  [...text.matchAll(/"(?:[^"\\\n]|\\.)*"|(\/\/[^\r\n]*|\/\*[^]*?\*\/)/g)]
    .flatMap(([, comment]) => (comment === undefined ? [] : [comment.trim()]))
    .toSorted()

function tomlOf(text: string): Record<string, unknown> | undefined {
  try {
    return parseToml(text)
  } catch {
    return undefined
  }
}

function withoutServers({ mcp_servers: _, ...rest }: Record<string, unknown>): unknown {
  return JSON.parse(JSON.stringify(rest))
}

const isEmpty = (value: unknown): boolean => !isObject(value) || Object.keys(value).length === 0
