import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import { Fault } from '../../kernel/fault.ts'
import type { ServerDefinition, Transport } from '../../kernel/mcp/server-definition.ts'
import { readServers, type ServerConfig } from './read.ts'

const FILE = '/home/ann/.local/share/alicia/mcp.json'

interface Given {
  readonly files?: Readonly<Record<string, string>>
  readonly env?: Readonly<Record<string, string>>
  readonly secrets?: Readonly<Record<string, string>>
}

const read = (text: string | object, { files = {}, env = {}, secrets = {} }: Given = {}): ServerConfig => {
  const all: Record<string, string> = { ...files, [FILE]: typeof text === 'string' ? text : JSON.stringify(text) }
  return readServers([FILE, ...Object.keys(files).filter((path) => path.endsWith('/mcp.json') && path !== FILE)], {
    env,
    cwd: '/work',
    home: '/home/ann',
    platform: 'linux',
    readFile: (path) => all[path],
    secret: (name) => secrets[name],
    reserved: ['mqtt', 'health'],
  })
}

/** The one server of a file. */
const server = (entry: object, given?: Given): ServerDefinition => {
  const { definitions, unusable } = read({ mcpServers: { it: entry } }, given)
  assert.deepEqual(unusable, [])
  assert.ok(definitions[0])
  return definitions[0]
}

const transport = (entry: object, given?: Given): Transport | undefined => server(entry, given).replicas[0]?.transport

const refusal = (entry: unknown, given?: Given): string => {
  const { definitions, unusable } = read({ mcpServers: { it: entry } }, given)
  assert.deepEqual(definitions, [])
  const [{ is, problem } = assert.fail('it was accepted')] = unusable
  return `${is}: ${problem.text}`
}

const complaint = (text: string): string => {
  try {
    read(text)
  } catch (error) {
    assert(error instanceof Fault)
    assert.equal(error.code, 'invalid_input')
    return error.message.replaceAll(FILE, 'mcp.json')
  }
  return assert.fail('it was accepted')
}

const stdio = (more: object) => ({ kind: 'stdio', command: 'x', args: [], env: {}, ...more })
const http = (more: object) => ({ kind: 'http', url: 'https://h.example/mcp', headers: {}, mode: 'auto', ...more })
const URL_ = 'https://h.example/mcp'

suite('servers of a file', () => {
  test('no file is no servers, and the file is known', () => {
    const config = readServers([FILE], {
      env: {},
      cwd: '/',
      home: '/',
      platform: 'linux',
      readFile: () => undefined,
      secret: () => undefined,
      reserved: [],
    })
    assert.deepEqual(config, {
      definitions: [],
      unusable: [],
      profiles: [],
      capabilities: undefined,
      warnings: [],
      places: new Map(),
      filesRead: [FILE],
    })
  })

  const forms: [string, string][] = [
    ['Claude Desktop, Cursor', '{"mcpServers":{"a":{"command":"x"}}}'],
    ['VS Code', '{"servers":{"a":{"type":"stdio","command":"x"}},"inputs":[]}'],
    ["VS Code's settings", '{"mcp":{"servers":{"a":{"command":"x"}}}}'],
    ['comments, trailing commas, a byte order mark', '\uFEFF{ // why\n "mcpServers": {"a": {"command": "x",},},\n}'],
  ]
  for (const [form, text] of forms)
    test(`form: ${form}`, () => {
      const { definitions, warnings } = read(text)
      assert.deepEqual(
        definitions.map(({ id, replicas }) => [id, replicas]),
        [['a', [{ transport: stdio({}), weight: 1 }]]],
      )
      assert.deepEqual(warnings, [])
    })

  const transports: [object, object, Given?][] = [
    [{ command: 'x' }, stdio({})],
    [{ command: 'x', args: ['-n', 5, true] }, stdio({ args: ['-n', '5', 'true'] })],
    [{ command: 'x', env: { A: 1, B: null, C: 'c' } }, stdio({ env: { A: '1', C: 'c' } })],
    [{ command: 'x', cwd: '~/p' }, stdio({ cwd: '/home/ann/p' })],
    [{ command: './run.sh' }, stdio({ command: '/home/ann/.local/share/alicia/run.sh' })],
    [
      { command: 'x', envFile: '${workspaceFolder}/.env', env: { B: 'own' } },
      stdio({ env: { A: 'one', B: 'own' } }),
      { files: { '/home/ann/.local/share/alicia/.env': 'A=one\nB=two\n' } },
    ],
    [{ url: URL_ }, http({})],
    [{ url: URL_, type: 'http', headers: { A: 1 } }, http({ headers: { A: '1' } })],
    [{ url: URL_, type: 'streamable-http' }, http({ mode: 'streamable' })],
    [{ url: URL_, type: 'streamableHttp' }, http({ mode: 'streamable' })],
    [{ url: URL_, transport: 'sse' }, http({ mode: 'sse' })],
    [{ serverUrl: URL_ }, http({})],
    [{ httpUrl: URL_ }, http({ mode: 'streamable' })],
    [{ url: 'wss://h.example/mcp' }, { kind: 'websocket', url: 'wss://h.example/mcp', headers: {} }],
    [
      { url: URL_, type: 'ws' },
      { kind: 'websocket', url: 'wss://h.example/mcp', headers: {} },
    ],
  ]
  for (const [entry, expected, given] of transports)
    test(`transport: ${JSON.stringify(entry)}`, () => assert.deepEqual(transport(entry, given), expected))

  test('what is ours stands in alicia or beside the others, and alicia counts', () => {
    const beside = server({ command: 'x', timeoutSeconds: 5, start: 'on_demand', tools: ['a*'] })
    const inside = server({ command: 'x', alicia: { timeoutSeconds: 5, start: 'on_demand', tools: { allow: ['a*'] } } })
    assert.equal(beside.timeoutMs, 5000)
    assert.deepEqual(beside.allowTools, ['a*'])
    assert.equal(beside.fingerprint, inside.fingerprint)
    const both = read({ mcpServers: { it: { command: 'x', queue: 1, alicia: { queue: 2 } } } })
    assert.equal(both.definitions[0]?.queue, 2)
    assert.match(both.warnings[0]?.text ?? '', /it\.queue stands in alicia too/)
  })

  test('every key of ours', () => {
    const {
      secrets,
      fingerprint: _,
      ...definition
    } = server(
      {
        command: 'x',
        alicia: {
          profiles: ['work'],
          tools: {
            deny: ['rm*'],
            override: { a: { name: 'b', arguments: { n: 1 }, effect: 'read', timeoutSeconds: 2 } },
          },
          timeoutSeconds: 1,
          startTimeoutSeconds: 2,
          patienceSeconds: 3,
          concurrency: 4,
          queue: 0,
          start: 'on_demand',
          idleStopMinutes: 0.5,
          restart: { firstDelaySeconds: 90 },
          weight: 3,
          replicas: [{ command: 'y', weight: 2 }, { args: ['--other'] }],
          balance: 'weighted',
          hedgeAfterMs: 7,
          needs: ['health'],
          memoryMegabytes: 8,
          sharing: 'per_client',
          mostConnections: 9,
          roots: ['~/docs', { uri: 'file:///srv', name: 'srv' }],
          newTools: 'hold',
          changedTools: 'trust',
          oauth: { clientId: 'id', clientSecret: '${secret:s}', scopes: ['a'] },
        },
      },
      { secrets: { s: 'hunter2' } },
    )
    assert.deepEqual(secrets, ['hunter2'])
    assert.deepEqual(definition, {
      id: 'it',
      name: 'it',
      enabled: true,
      replicas: [
        { transport: stdio({}), weight: 3 },
        { transport: stdio({ command: 'y' }), weight: 2 },
        { transport: stdio({ args: ['--other'] }), weight: 1 },
      ],
      balance: 'weighted',
      oauth: {
        grant: 'authorization_code',
        clientId: 'id',
        clientSecret: 'hunter2',
        scopes: ['a'],
        allowPrivateAddresses: false,
      },
      profiles: ['work'],
      denyTools: ['rm*'],
      overrides: new Map([['a', { name: 'b', arguments: { n: 1 }, effect: 'read', timeoutMs: 2000 }]]),
      timeoutMs: 1000,
      startTimeoutMs: 2000,
      patienceMs: 3000,
      concurrency: 4,
      queue: 0,
      start: 'on_demand',
      idleStopMs: 30_000,
      restart: { firstDelayMs: 90_000, mostDelayMs: 90_000, mostAttempts: 10 },
      sharing: 'per_client',
      mostConnections: 9,
      hedgeAfterMs: 7,
      needs: ['health'],
      memoryMegabytes: 8,
      roots: [{ uri: 'file:///home/ann/docs' }, { uri: 'file:///srv', name: 'srv' }],
      newTools: 'hold',
      changedTools: 'trust',
    })
  })

  test('a number of replicas is so many of the same', () =>
    assert.equal(server({ command: 'x', replicas: 3 }).replicas.length, 3))

  const enabled: [object, boolean][] = [
    [{}, true],
    [{ disabled: true }, false],
    [{ enabled: false }, false],
    [{ disabled: false }, true],
    [{ enabled: true, disabled: true }, true],
  ]
  for (const [entry, expected] of enabled)
    test(`${JSON.stringify(entry)}: ${expected ? 'on' : 'off'}`, () =>
      assert.equal(server({ command: 'x', ...entry }).enabled, expected))
})

suite('what is wrong with one server is its own', () => {
  const refused: [unknown, string][] = [
    [5, 'wrong: mcpServers.it must be an object: {…}'],
    [{}, 'wrong: mcpServers.it: it has neither a command nor a url'],
    [{ command: 5 }, 'wrong: mcpServers.it.command must be text'],
    [{ command: 'x', url: URL_ }, 'wrong: mcpServers.it.url: it has a command and a url: one of them is too much'],
    [{ command: 'x', type: 'http' }, 'wrong: mcpServers.it.type: type http goes with a url, not with a command'],
    [{ url: URL_, type: 'stdio' }, 'wrong: mcpServers.it.type: type stdio goes with a command, not with a url'],
    [{ url: 'ftp://h' }, 'wrong: mcpServers.it.url: its url must begin with https://, http://, wss:// or ws://'],
    [{ url: URL_, headers: { A: 'a\nb' } }, 'wrong: mcpServers.it.headers.A: a header must have no line break in it'],
    [{ command: 'x', type: 'stdoi' }, /type must be one of .*\(did you mean stdio\?\)$/.source],
    [{ command: 'x', start: 'lazy' }, 'wrong: mcpServers.it.start must be one of eager, on_demand'],
    [{ command: 'x', alicia: { queue: -1 } }, 'wrong: mcpServers.it.alicia.queue must be at least 0'],
    [{ command: 'x', queue: 1.5 }, 'wrong: mcpServers.it.queue must be a whole number'],
    [{ command: 'x', tools: 'all' }, 'wrong: mcpServers.it.tools must be a list of names or {"allow": …'],
    [{ command: 'x', roots: ['http://h/'] }, 'wrong: mcpServers.it.roots[0]: a root must be a folder'],
    [{ command: 'x', args: ['${NOT_THERE}'] }, 'missing: mcpServers.it.args[0]: the variable NOT_THERE is not set'],
    [
      { command: 'x', alicia: { replicas: [{ env: { A: '${N}' } }] } },
      'missing: mcpServers.it.alicia.replicas[0].env.A',
    ],
    [{ command: 'x', envFile: '.env' }, 'missing: mcpServers.it.envFile: the file /home/ann/.local/share/alicia/.env'],
    [{ command: 'x', args: ['${keyring:a}'] }, 'wrong: mcpServers.it.args[0]: ${keyring:…} is not known here'],
    [{ url: URL_, oauth: { grant: 'client_credentials' } }, 'wrong: mcpServers.it.oauth: the grant client_credentials'],
  ]
  for (const [entry, says] of refused)
    test(JSON.stringify(entry), () => {
      const text = refusal(entry)
      assert.ok(text.includes(says) || (says.includes('.*') && new RegExp(says).test(text)), text)
    })

  test('the line is that of the key, and the other servers work', () => {
    const { definitions, unusable } = read(
      '{"mcpServers": {\n"a": {"command": "x"},\n"b": {\n"command": "x",\n"args": ["${N}"]}}}',
    )
    assert.deepEqual(
      definitions.map(({ id }) => id),
      ['a'],
    )
    assert.deepEqual(
      unusable.map(({ problem }) => [problem.source, problem.line]),
      [[FILE, 5]],
    )
  })

  test('names that clash, with each other or with parts of Alicia', () => {
    const { definitions, unusable } = read({
      mcpServers: { mqtt: { command: 'x' }, 'My Server': { command: 'x' }, 'my-server': { command: 'y' } },
      servers: { 'my server': { command: 'z' } },
    })
    assert.deepEqual(
      definitions.map(({ name }) => name),
      ['My Server'],
    )
    assert.deepEqual(
      unusable.map(({ id, problem }) => [id, problem.text.replaceAll(FILE, 'mcp.json')]),
      [
        ['mqtt-2', 'mqtt is the name of a part of Alicia; give the server another'],
        ['my-server-2', 'my-server gives the same id (my-server) as My Server in mcp.json:1; rename one of them'],
        ['my-server-3', 'my server gives the same id (my-server) as My Server in mcp.json:1; rename one of them'],
      ],
    )
  })

  test('needs: names become ids, circles are refused whole, strangers named', () => {
    const entry = (...needs: string[]) => ({ command: 'x', needs })
    const { definitions, unusable, warnings } = read({
      mcpServers: {
        A: entry('B b', 'mqtt'),
        'B b': entry('haelth'),
        c: entry('d'),
        d: entry('e'),
        e: entry('c'),
        f: entry('c'),
      },
    })
    assert.deepEqual(
      definitions.map(({ id, needs }) => [id, needs]),
      [
        ['a', ['b-b', 'mqtt']],
        ['b-b', ['haelth']],
        ['f', ['c']],
      ],
    )
    assert.deepEqual(
      unusable.map(({ id, problem }) => [id, problem.text]),
      [
        ['c', 'it needs itself: c → d → e → c'],
        ['d', 'it needs itself: d → e → c → d'],
        ['e', 'it needs itself: e → c → d → e'],
      ],
    )
    assert.deepEqual(
      warnings.map(({ text }) => text),
      ['B b needs haelth, which is neither a server nor a part of Alicia (did you mean health?)'],
    )
  })
})

suite('a broken file', () => {
  const broken: [string, RegExp][] = [
    ['{"mcpServers": {\n"a": {"command": "x"}\n"b": {}}}', /^mcp\.json:3:1: this is not JSON \(comma expected\)/],
    ['[]', /^mcp\.json:1: the file must be an object/],
    ['{"mcpServers": []}', /^mcp\.json:1: mcpServers must be an object: \{"<name>"/],
    ['{"mcpServers": {"a": {"command": "x"},\n"a": {"command": "y"}}}', /^mcp\.json:2:1: a stands twice/],
    ['{"profiles": {"Work day": {}}}', /profiles\.Work day must have a name of a–z/],
    [
      '{\n"profiles": {"work": {"list": "sarch"}}}',
      /^mcp\.json:2: profiles\.work\.list must be one of .*did you mean search/,
    ],
    ['{"inputs": [{}]}', /inputs\[0\]\.id is missing/],
    ['{"inputs": [{"id": "a", "default": {}}]}', /inputs\[0\]\.default must be text/],
    [
      '{"mcpServers":{"a":{"command":"x"},"b":{"command":"y" "args":[]}}}',
      /^mcp\.json:1:55: this is not JSON \(comma expected\)/,
    ],
    ['\uFFFD\uFFFD{\0"\0}\0', /^mcp\.json:1: this is not UTF-8, but probably UTF-16/],
  ]
  for (const [text, says] of broken) test(text.replaceAll('\n', ' '), () => assert.match(complaint(text), says))

  test('any text as a file is servers or a Fault', () => {
    const key = fc.constantFrom(
      'mcpServers',
      'servers',
      'inputs',
      'a',
      'command',
      'args',
      'env',
      'url',
      'alicia',
      'replicas',
      'tools',
      'profiles',
      'needs',
    )
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { maxDepth: 5 },
        fc.string(),
        fc.integer(),
        fc.constant(null),
        fc.constantFrom('${A}', '${secret:x}'),
        tie('list'),
        tie('object'),
      ),
      list: fc.array(tie('tree'), { maxLength: 3 }),
      object: fc.dictionary(key, tie('tree'), { maxKeys: 4 }),
    }))
    fc.assert(
      fc.property(tree, (value) => {
        try {
          read(JSON.stringify(value))
        } catch (error) {
          assert(error instanceof Fault)
        }
      }),
    )
  })
})

suite('unknown keys', () => {
  const warned: [object, string][] = [
    [{ mcpServers: { it: { command: 'x', envv: {} } } }, 'mcpServers.it.envv is unknown (did you mean env?)'],
    [
      { mcpServers: { it: { command: 'x', timeoutSecond: 1 } } },
      'mcpServers.it.timeoutSecond is unknown (did you mean timeoutSeconds?)',
    ],
    [
      { mcpServers: { it: { command: 'x', alicia: { tools: { alow: [] } } } } },
      'mcpServers.it.alicia.tools.alow is unknown (did you mean allow?)',
    ],
    [
      { mcpServers: { it: { command: 'x', timeout: 5 } } },
      'mcpServers.it.timeout is not used: clients do not agree on its unit (write timeoutSeconds)',
    ],
    [
      { mcpServers: { it: { command: 'x', replicas: [{ urll: 1 }] } } },
      'mcpServers.it.replicas[0].urll is unknown (did you mean url?)',
    ],
    [{ mcpServer: {} }, 'mcpServer is unknown (did you mean mcpServers?)'],
    [{ profiles: { a: { sevrers: [] } } }, 'profiles.a.sevrers is unknown (did you mean servers?)'],
    [{ mcpServers: { it: { command: 'x', env: { ANY: '' }, headers: { 'X-Any': '' } } } }, ''],
  ]
  for (const [value, says] of warned)
    test(says || 'names of variables and headers are free', () =>
      assert.equal(
        read(value)
          .warnings.map(({ text }) => text)
          .join(),
        says,
      ),
    )
})

suite('profiles', () => {
  test('described, named by servers, or both', () => {
    const { profiles, warnings } = read({
      mcpServers: { A: { command: 'x', profiles: ['work', 'wrok'] }, b: { command: 'x' } },
      profiles: {
        work: { servers: ['b', 'mqtt'], tools: { deny: ['x'] }, list: 'search', alwaysList: ['now'], resultTokens: 0 },
        few: { tools: ['publish_*'], description: 'Little' },
      },
    })
    assert.deepEqual(profiles, [
      {
        name: 'work',
        servers: ['b', 'mqtt', 'a'],
        denyTools: ['x'],
        list: 'search',
        alwaysList: ['now'],
        resultTokens: 0,
      },
      {
        name: 'few',
        description: 'Little',
        servers: ['*'],
        allowTools: ['publish_*'],
        denyTools: [],
        list: 'auto',
        alwaysList: [],
      },
      { name: 'wrok', servers: ['a'], denyTools: [], list: 'auto', alwaysList: [] },
    ])
    assert.deepEqual(
      warnings.map(({ text }) => text),
      ['the profile wrok stands nowhere else (did you mean work?)'],
    )
  })
})

suite('several files', () => {
  test('add up; each resolves paths from its own folder', () => {
    const { definitions, capabilities, filesRead } = read(
      { mcpServers: { a: { command: './a' } }, capabilities: { one: 1 } },
      {
        files: {
          '/work/.vscode/mcp.json':
            '{"servers":{"b":{"command":"x","cwd":"${workspaceFolder}","envFile":".env"}},"capabilities":{"two":2}}',
          '/work/.vscode/.env': '',
        },
      },
    )
    assert.deepEqual(
      definitions.map(({ id }) => id),
      ['a', 'b'],
    )
    assert.deepEqual(definitions[1]?.replicas[0]?.transport, stdio({ cwd: '/work' }))
    assert.deepEqual(capabilities, { one: 1, two: 2 })
    assert.deepEqual(filesRead, [FILE, '/work/.vscode/mcp.json', '/work/.vscode/.env'])
  })
})

suite('fingerprints', () => {
  test('change with the content and a resolved value, not with order, comments or place', () => {
    const of = (text: string, env = {}) => read(text, { env }).definitions[0]?.fingerprint
    const first = of('{"mcpServers":{"a":{"command":"x","env":{"A":"${V}","B":"2"}}}}', { V: '1' })
    assert.equal(of('{\n// c\n"mcpServers":{"a":{"env":{"B":"2","A":"1"},"command":"x"}}}'), first)
    assert.notEqual(of('{"mcpServers":{"a":{"command":"x","env":{"A":"${V}","B":"2"}}}}', { V: '3' }), first)
    assert.notEqual(of('{"mcpServers":{"a":{"command":"x","env":{"A":"1","B":"2"},"queue":3}}}'), first)
  })
})
