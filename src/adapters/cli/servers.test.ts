import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { suite, test, type TestContext } from 'node:test'
import { z } from 'zod'
import { loadConfig } from '../../config.ts'
import { serverFiles } from '../../hub/server-files.ts'
import { systemClock } from '../../kernel/clock.ts'
import { Fault } from '../../kernel/fault.ts'
import { operation } from '../../kernel/operation.ts'
import type { Tool } from '../../kernel/tool.ts'
import { temporaryFolder } from '../../testing/folder.ts'
import { OWNER_TOKEN, restServer } from '../../testing/rest-server.ts'
import { testTerminal } from '../../testing/terminal.ts'
import { createCli } from './cli.ts'
import type { Composition } from './hub.ts'
import { newer } from './server-log.ts'

/** A home of its own, and the command line over the real files in it. */
function home(t: TestContext, hubUrl?: string) {
  const folder = temporaryFolder(t)
  const machine = { env: {}, cwd: folder, home: folder, platform: 'linux' as const }
  const composition: Composition<ReturnType<typeof loadConfig>> = {
    version: '1',
    flags: [{ flag: '--mcp-file <files>', env: 'ALICIA_MCP_FILE', summary: 'files' }],
    loadConfig: (flags) => loadConfig({ ...machine, flags: { data: folder, ...flags }, readFile: () => undefined }),
    startHub: () => assert.fail('no hub is to be started'),
    findHub: () => (hubUrl === undefined ? undefined : { pid: 1, url: hubUrl, version: '1' }),
    readToken: () => OWNER_TOKEN,
    rotateToken: () => assert.fail(),
    checkDatabase: () => assert.fail(),
    servers: (config) => serverFiles(config, machine),
  }
  const run = async (args: readonly string[], stdin = '', tty = false) => {
    const terminal = testTerminal({ tty })
    if (tty) Object.assign(terminal.stdin, { isTTY: true, setRawMode: () => undefined }).write(stdin)
    else terminal.stdin.end(stdin)
    const code = await createCli(composition, terminal, systemClock).run(args)
    const { opened } = terminal
    return { code, out: terminal.out().replaceAll(folder, '/f'), err: terminal.err().replaceAll(folder, '/f'), opened }
  }
  const write = (name: string, text: string) => {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
  return {
    run,
    write,
    read: (name: string) => readFileSync(join(folder, name), 'utf8'),
    servers: () => (JSON.parse(readFileSync(join(folder, 'mcp.json'), 'utf8')) as { mcpServers: object }).mcpServers,
    has: (name: string) => existsSync(join(folder, name)),
  }
}

suite('alicia add', () => {
  const added: [string, string[], object][] = [
    [
      'as Claude Code does',
      ['add', 'b', '-e', 'A=1', '--env', 'B=x=y', '--', 'npx', '-y', 'pkg', '--flag'],
      { command: 'npx', args: ['-y', 'pkg', '--flag'], env: { A: '1', B: 'x=y' } },
    ],
    ['without arguments', ['add', 'b', '--', 'run'], { command: 'run' }],
    [
      'an address',
      ['add', 'b', '--url', 'https://h/mcp', '-H', 'Authorization: Bearer ${secret:b}'],
      { url: 'https://h/mcp', headers: { Authorization: 'Bearer ${secret:b}' } },
    ],
    [
      'an address where Claude Code has it',
      ['add', '--transport', 'http', 'b', 'https://h/mcp', '--scope', 'user'],
      { type: 'http', url: 'https://h/mcp' },
    ],
    ['SSE', ['add', 'b', '-t', 'sse', '--url', 'https://h/sse'], { type: 'sse', url: 'https://h/sse' }],
    ['a WebSocket', ['add', 'b', '--url', 'wss://h/mcp'], { type: 'websocket', url: 'wss://h/mcp' }],
    [
      'profiles, on demand',
      ['add', 'b', '--profile', 'w', '--profile', 'x', '--on-demand', '--', 'run'],
      { command: 'run', profiles: ['w', 'x'], start: 'on_demand' },
    ],
    ['JSON', ['add-json', 'b', '{"command":"x","unknown":1}'], { command: 'x', unknown: 1 }],
  ]
  for (const [why, args, entry] of added)
    test(why, async (t) => {
      const { run, servers } = home(t)
      const { code, out, err } = await run(args)
      assert.equal(code, 0, err)
      assert.equal(out, 'Added b to /f/mcp.json. `alicia start` runs it.\n')
      assert.deepEqual(servers(), { b: entry })
    })

  const refused: [string[], number, RegExp][] = [
    [['add', 'b', 'npx', '-y', 'x'], 2, /Unknown option '-y'\.\n {2}Put -- before the command/],
    [['add', 'b', '--prot', '--', 'x'], 2, /Unknown option '--prot'\.\n {2}`alicia add --help`/],
    [['add', '', '--', 'x'], 2, /A server needs a name/],
    [
      ['add', 'b', '-e', 'A=1', 'B=hunter2', '--', 'x'],
      2,
      /a variable where the command belongs\.\n {2}Each has a flag/,
    ],
    [['add', 'b'], 2, /neither a command nor an address\.\n {2}alicia add <name> -- npx/],
    [['add', 'b', '--url', 'https://h', '--', 'x'], 2, /a command and an address/],
    [['add', 'b', '--url', 'https://h', '-e', 'A=1'], 2, /--env goes with a command/],
    [['add', 'b', '-H', 'A: b', '--', 'x'], 2, /--header goes with --url/],
    [['add', 'b', '-e', 'hunter2', '--', 'x'], 2, /--env must be NAME=value/],
    [['add', 'b', '-t', 'carrier-pigeon', '--', 'x'], 2, /--transport must be one of stdio, http/],
    [['add', 'b', '-t', 'http', '--', 'x'], 2, /--transport http goes with --url/],
    [['add-json', 'b', '{hunter2'], 2, /not valid JSON/],
    [['add-json', 'b', '[]'], 2, /must be a JSON object/],
    [['add-json', 'b', '{"command":5}'], 2, /b\.command must be text/],
    [['add', 'mqtt', '--', 'x'], 1, /mqtt is the name of a part of Alicia/],
    [['remove', 'b'], 1, /There is no server b in \/f\/mcp\.json/],
    [['inspect', 'b'], 1, /There is no server b/],
    [['logs', 'b'], 4, /No hub is running/],
    [['logs', 'b', '--lines', '0'], 2, /--lines must be/],
    [['restart', 'b'], 4, /No hub is running/],
    [['reload'], 4, /No hub is running/],
    [['review'], 4, /No hub is running/],
    [['approve', 'b'], 4, /No hub is running/],
    [['approve'], 2, /Missing required argument 'name'/],
    [['secret', 'remove', 'b'], 1, /There is no secret b/],
    [['secret', 'set', 'no name'], 2, /A secret’s name/],
    [['import', '--from', 'emacs'], 2, /--from must be one of claude-desktop/],
  ]
  for (const [args, code, says] of refused)
    test(`${args.join(' ')}: ${code}`, async (t) => {
      const { run, has } = home(t)
      const ran = await run(args, 'value')
      assert.equal(ran.code, code)
      assert.match(ran.err, says)
      assert.doesNotMatch(ran.err, /hunter2/)
      assert.equal(has('mcp.json'), false)
    })

  test('twice is refused with the line, --force replaces, remove takes out; comments stay', async (t) => {
    const { run, read, write, servers } = home(t)
    write('mcp.json', '{\n  // mine\n  "mcpServers": {\n    "b": { "command": "x" }\n  }\n}\n')
    const again = await run(['add', 'b', '--', 'y'])
    assert.equal(again.code, 1)
    assert.match(again.err, /There is a server b already: \/f\/mcp\.json:4\.\n {2}.*--force/)
    assert.equal((await run(['add', 'b', '--force', '--', 'y'])).code, 0)
    assert.match(read('mcp.json'), /\/\/ mine/)
    assert.equal((await run(['remove', 'b'])).out, 'Removed b from /f/mcp.json.\n')
    write('mcp.json', read('mcp.json').replace('// mine', ''))
    assert.deepEqual(servers(), {})
  })

  test('what is missing is said at once', async (t) => {
    const { run } = home(t)
    const { code, err } = await run(['add', 'b', '--url', 'https://h/mcp', '-H', 'A: ${secret:b}'])
    assert.equal(code, 0)
    assert.match(err, /^It cannot run yet: .*the secret b is not set; set it with: alicia secret set b\.\n$/)
  })

  test('a secret in cleartext is said; a broken file is not touched', async (t) => {
    const { run, read, write } = home(t)
    const { err } = await run(['add', 'b', '-e', 'API_KEY=hunter2', '--', 'x'])
    assert.match(err, /^env\.API_KEY stands there in cleartext\. .*alicia secret set/)
    write('mcp.json', '{"mcpServers": {')
    assert.equal((await run(['add', 'c', '--', 'x'])).code, 2)
    assert.equal(read('mcp.json'), '{"mcpServers": {')
  })
})

suite('alicia list and inspect', () => {
  test('from the files alone, without a secret', async (t) => {
    const { run, write } = home(t)
    assert.match((await run(['list'])).err, /There are no servers\. Add one: alicia add/)
    write(
      'mcp.json',
      '{"mcpServers":{"b":{"command":"npx","args":["--token","hunter2"]},"off":{"command":"x","disabled":true},"bad":{"command":"x","args":["${N}"]}}}',
    )
    const { out, code } = await run(['list'])
    assert.equal(code, 0)
    assert.match(out, /^b +stdio +not running +npx --token \(hidden\)$/m)
    assert.match(out, /^off .*disabled/m)
    assert.match(out, /^bad .*failed.*\n +→ mcpServers\.bad\.args\[0\]: the variable N is not set$/m)
    const inspected = JSON.parse((await run(['inspect', 'b', '--json'])).out) as Record<string, unknown>
    assert.deepEqual(inspected, {
      name: 'b',
      defined: '/f/mcp.json:1',
      definition: { command: 'npx', args: ['--token', '(hidden)'] },
      state: 'not running',
    })
    assert.match((await run(['inspect', 'bb'])).err, /Did you mean b\?/)
  })

  test('with what the hub says; logs, restart and login ask it', async (t) => {
    const asked: unknown[] = []
    const op = (name: `${string}.${string}`, answer: unknown) =>
      operation()({
        name,
        summary: `Does ${name}.`,
        scope: 'gateway:read',
        effect: 'read',
        input: z.object({ name: z.string().optional(), lines: z.int().optional() }),
        output: z.unknown(),
        handler: async (input) => {
          asked.push([name, input])
          if (input.name === 'gone') throw new Fault('not_found', 'No such server.')
          return answer
        },
      }).bind({})
    const state = { name: 'brave-search', state: 'ready', tools: 3, held_tools: 1 }
    const { url } = await restServer(t, [
      op('gateway.list_servers', {
        servers: [state, { name: 'other', state: 'failed', reason: 'it crashed', tools: 0 }],
      }),
      op('gateway.inspect_server', { ...state, revision: '2025-11-25' }),
      op('gateway.read_server_log', { lines: [{ at: '2026-01-01T00:00:00.000Z', text: 'up\u001B[2J' }] }),
      op('gateway.restart_server', state),
      op('gateway.login_server', { authorization_url: 'https://login.example/a' }),
    ])
    const { run, write } = home(t, url)
    write('mcp.json', '{"mcpServers":{"Brave Search":{"command":"x"}}}')
    const listed = (await run(['list'])).out
    assert.match(listed, /^Brave Search +stdio +ready +3 +x\n +→ and 1 held back: alicia review$/m)
    assert.match(listed, /^other .*failed.*\n +→ it crashed$/m)
    assert.match(
      (await run(['inspect', 'Brave Search'])).out,
      /definition\n {2}command {2}x\nrunning\n[\s\S]*revision +2025-11-25/,
    )
    assert.equal((await run(['logs', 'Brave Search', '-n', '7'])).out, '2026-01-01T00:00:00.000Z up\\x1b[2J\n')
    assert.match((await run(['restart', 'Brave Search'])).out, /ready/)
    assert.match((await run(['login', 'Brave Search'])).out, /https:\/\/login\.example\/a/)
    assert.equal((await run(['restart', 'gone'])).code, 1)
    assert.deepEqual(asked.slice(2), [
      ['gateway.read_server_log', { name: 'brave-search', lines: 7 }],
      ['gateway.restart_server', { name: 'brave-search' }],
      ['gateway.login_server', { name: 'brave-search' }],
      ['gateway.restart_server', { name: 'gone' }],
    ])
    assert.match((await run(['add', 'c', '--', 'x'])).out, /The running hub has it in a moment\./)
    write('mcp.json', '{"mcpServers": {')
    const broken = await run(['list'])
    assert.equal(broken.code, 2)
    assert.match(broken.out, /^brave-search .*ready/m)
    assert.match(broken.err, /\/f\/mcp\.json:1:17: this is not JSON/)
    assert.match((await run(['logs', 'brave-search'])).out, /up/)
    const inspected = await run(['inspect', 'brave-search'])
    assert.equal(inspected.code, 2)
    assert.match(inspected.out, /revision +2025-11-25/)
    assert.match(inspected.err, /this is not JSON/)
  })

  test('login opens the browser for a person, and says the address anyway', async (t) => {
    const address = 'https://login.example/a?b=c'
    const { url } = await restServer(t, [answering('gateway.login_server', { authorization_url: address })])
    const { run } = home(t, url)
    const person = await run(['login', 'b'], '', true)
    assert.deepEqual(person.opened, [address])
    assert.match(person.out, /^Log in in the browser; if none came up, open:\n {2}https:\/\/login\.example\/a\?b=c\n/)
    for (const [args, tty] of [
      [['login', 'b', '--no-browser'], true],
      [['login', 'b'], false],
      [['login', 'b', '--json'], true],
    ] as const) {
      const { opened, out } = await run(args, '', tty)
      assert.deepEqual(opened, [])
      assert.match(out, /https:\/\/login\.example\/a\?b=c/)
    }
  })

  const reloads: [object, string][] = [
    [{ added: ['a'], changed: ['b', 'c'], removed: ['d'] }, 'Added: a. Changed: b, c. Removed: d.\n'],
    [{ added: [], changed: [], removed: [] }, 'No server changed.\n'],
  ]
  for (const [answer, says] of reloads)
    test(`reload: ${says.trim()}`, async (t) => {
      const { url } = await restServer(t, [answering('gateway.reload_servers', answer)])
      assert.equal((await home(t, url).run(['reload'])).out, says)
    })

  for (const name of ['take_note', 'notes_take_note'])
    test(`a call of ${name}, which is held back, says so`, async (t) => {
      const refuses: Tool = {
        ...answering('notes.take_note', {}),
        listed: false,
        run: () => Promise.reject(new Fault('conflict', 'notes.take_note is held back.')),
      }
      const held = answering('gateway.review_tools', { tools: [{ server: 'notes', tool: 'take_note' }] })
      const { url } = await restServer(t, [held, refuses])
      const { code, err } = await home(t, url).run(['call', name, 'text=hello'])
      assert.equal(code, 1)
      assert.match(err, /notes\.take_note is held back\./)
    })

  test('a call of what nobody has says which servers were not up yet', async (t) => {
    const servers = [
      { name: 'slow', state: 'starting', tools: 0 },
      { name: 'up', state: 'ready', tools: 0 },
    ]
    const { url } = await restServer(t, [answering('gateway.list_servers', { servers })])
    const { code, err } = await home(t, url).run(['call', 'frobnicate'])
    assert.equal(code, 5)
    assert.match(
      err,
      /no operation called "frobnicate" that you may call\.\n.* Of servers that have not been up yet the tools are not known: slow \(starting\)\.\n$/,
    )
  })

  test('a server that a change of the file made wrong runs as it was, and the list says so', async (t) => {
    const row = (name: string, state: string, tools: number) => ({ name, state, tools })
    const servers = [row('a', 'ready', 3), row('b', 'failed', 0)]
    const { url } = await restServer(t, [answering('gateway.list_servers', { servers })])
    const { run, write } = home(t, url)
    write('mcp.json', '{"mcpServers":{"a":{"command":"x","alicia":{"needs":["a"]}},"b":{"command":5}}}')
    const { out } = await run(['list'])
    assert.match(out, /^a +stdio +ready +3 +x\n +→ as it was before the file was changed: it needs itself: a → a$/m)
    assert.match(out, /^b +unknown +failed\n +→ mcpServers\.b\.command must be text$/m)
  })

  const server = (state: string, more: object = {}) => ({ name: 'b', state, reached: 'npx b', held_tools: 0, ...more })
  const healths: [servers: object[] | undefined, says: RegExp][] = [
    [[], /^– {2}MCP servers +none; `alicia add` adds one$/m],
    [undefined, /^– {2}MCP servers +the hub runs without that service$/m],
    [[server('failed', { reached: '' })], /^✓ {2}MCP servers +1, none of them in trouble$/m],
    [[server('ready'), server('stopped')], /^✓ {2}MCP servers +2, none of them in trouble$/m],
    [
      [server('ready'), server('backing_off', { reason: 'it crashed' })],
      /^✗ {2}MCP servers +b is backing off: it crashed\n +→ `alicia logs b` says more; /m,
    ],
    [
      [server('needs_login', { reason: 'it asks' })],
      /^✗ {2}MCP servers +b needs a login: it asks\n +→ `alicia login b`\.$/m,
    ],
    [
      [
        server('stopped', { name: 'a', waits_for: 'b is down since 14:02' }),
        server('failed', { reason: 'it crashed', waits_for: 'c is down since 14:01' }),
      ],
      /^✗ {2}MCP servers +b has failed: it crashed; a waits: b is down since 14:02\n +→ `alicia logs b` says more; /m,
    ],
    [
      [server('ready', { held_tools: 2, waits_for: 'mqtt is down since 14:02' })],
      /^! {2}MCP servers +b waits: mqtt is down since 14:02\n +→ It can be used again as soon as what it needs can\.$/m,
    ],
    [[server('ready', { held_tools: 2 })], /^! {2}MCP servers +b holds back 2 tools\n +→ `alicia review b` /m],
    [[server('degraded')], /^! {2}MCP servers +b answers badly\n +→ `alicia inspect b` says why\.$/m],
  ]
  for (const [servers, says] of healths)
    test(`doctor: ${servers === undefined ? 'no such service' : JSON.stringify(servers)}`, async (t) => {
      const { url } = await restServer(t, servers ? [answering('gateway.list_servers', { servers })] : [])
      assert.match((await home(t, url).run(['doctor'])).out, says)
    })

  const line = (at: string, text: string) => ({ at, text })
  const logs: [string, ReturnType<typeof line>[], ReturnType<typeof line>[], string[]][] = [
    ['nothing seen yet', [], [line('1', 'a')], ['a']],
    ['nothing new', [line('1', 'a')], [line('1', 'a')], []],
    ['something new', [line('1', 'a')], [line('1', 'a'), line('1', 'b')], ['b']],
    ['what was seen is gone', [line('1', 'a')], [line('2', 'b')], ['b']],
  ]
  for (const [why, seen, now, expected] of logs)
    test(`log: ${why}`, () =>
      assert.deepEqual(
        newer(seen, now).map(({ text }) => text),
        expected,
      ))
})

/** An operation that takes anything and gives this answer. */
const answering = (name: `${string}.${string}`, answer: unknown, asked: unknown[] = []): Tool => ({
  ...operation()({
    name,
    summary: `Does ${name}.`,
    scope: 'gateway:read',
    effect: 'read',
    input: z.object({}),
    output: z.unknown(),
    handler: async () => answer,
  }).bind({}),
  parse: (input) => {
    asked.push(input)
    return input
  },
  run: async () => answer,
})

suite('alicia review and approve', () => {
  const tool = (name: string) => ({
    server: 'b',
    tool: name,
    why: 'changed',
    fingerprint: `fp-${name}`,
    approved_at: '2026-01-01T00:00:00.000Z',
    changes: [{ member: 'description', before: 'Reads a file.', now: 'Reads any file.' }],
  })

  async function holding(t: TestContext, tools: readonly object[]) {
    const asked: unknown[] = []
    const { url } = await restServer(t, [
      answering('gateway.review_tools', { tools }),
      answering('gateway.approve_tools', { approved: [] }, asked),
    ])
    return { ...home(t, url), asked }
  }

  test('review shows what changed, and what lets it through', async (t) => {
    const { run } = await holding(t, [tool('read')])
    const { code, out } = await run(['review'])
    assert.equal(code, 0)
    assert.equal(
      out,
      'b.read  changed, approved at 2026-01-01T00:00:00.000Z\n' +
        '  description\n    Reads [-a-]{+any+} file.\n\n`alicia approve b` lets through what is as it should be.\n',
    )
    assert.deepEqual(JSON.parse((await run(['review', 'b', '--json'])).out), { tools: [tool('read')] })
  })

  test('nothing is held back', async (t) => {
    const { run } = await holding(t, [])
    for (const args of [['review'], ['review', 'b'], ['approve', 'b']]) {
      const { code, out, err } = await run(args)
      assert.deepEqual([code, out, err], [0, '', 'No tool is held back.\n'])
    }
  })

  const both = { name: 'b', tools: ['read', 'write'], fingerprints: { read: 'fp-read', write: 'fp-write' } }
  const one = { name: 'b', tools: ['read'], fingerprints: { read: 'fp-read' } }
  const answers: [args: string[], stdin: string | undefined, code: number, asked: object[], says: RegExp][] = [
    [['--yes'], undefined, 0, [both], /Approved: read, write\.\n$/],
    [['read', '--yes'], undefined, 0, [one], /^b\.read {2}changed[\s\S]*\nApproved: read\.\n$/],
    [['--yes', '--json'], undefined, 0, [both], /^\{\n {2}"approved": \[\]\n\}\n$/],
    [[], undefined, 2, [], /b\.read {2}changed/],
    [['raed', '--yes'], undefined, 1, [], /^$/],
    [['read'], 'y', 0, [one], /Approved: read\.\n$/],
    [['read'], 'n', 130, [], /Let models use this tool as shown\?/],
    [['read'], '\r', 130, [], /Let models use this tool as shown\?/],
  ]
  for (const [args, stdin, code, expected, says] of answers)
    test(`approve b ${args.join(' ')}${stdin === undefined ? '' : `, answered ${JSON.stringify(stdin)}`}`, async (t) => {
      const { run, asked } = await holding(t, [tool('read'), tool('write')])
      const ran = await run(['approve', 'b', ...args], stdin, stdin !== undefined)
      assert.equal(ran.code, code, ran.err)
      assert.deepEqual(asked, expected)
      assert.match(ran.out, says)
      if (code === 1) assert.match(ran.err, /b has no tool "raed" that is held back\.\n.*Did you mean read\?/)
      if (code === 2) assert.match(ran.err, /Nobody is there to say yes\.\n.*--yes/)
    })
})

suite('alicia secret', () => {
  test('set from stdin, listed without its value, used, removed', async (t) => {
    const { run, read, write } = home(t)
    const set = await run(['secret', 'set', 'b-key'], 'hunter2\n')
    assert.deepEqual([set.code, set.out], [0, ''])
    assert.match(set.err, /Write \$\{secret:b-key\} where it belongs/)
    assert.doesNotMatch(read('secrets.json'), /hunter2/)
    write(
      'mcp.json',
      '{"mcpServers":{"b":{"command":"x","env":{"KEY":"${secret:b-key}"}},"c":{"command":"${secret:none}"}}}',
    )
    const { out } = await run(['list'])
    assert.match(out, /^b .*not running/m)
    assert.match(out, /the secret none is not set; set it with: alicia secret set none/)
    assert.match((await run(['secret', 'list'])).out, /^name +changed\nb-key/)
    assert.equal((await run(['secret', 'remove', 'b-key'])).code, 0)
    assert.equal((await run(['secret', 'list', '--json'])).out, '[]\n')
  })

  test('looking leaves no key behind', async (t) => {
    const { run, has } = home(t)
    await run(['secret', 'list'])
    await run(['list'])
    assert.equal(has('secret.key'), false)
  })
})

suite('alicia import', () => {
  const CURSOR = '{"mcpServers":{"a":{"command":"a"},"b":{"command":"b"}}}'

  test('shows, takes what is named, takes back', async (t) => {
    const { run, write, read, servers, has } = home(t)
    write('.cursor/mcp.json', CURSOR)
    const preview = await run(['import', '--dry-run'])
    assert.match(preview.out, /^Cursor \/f\/\.cursor\/mcp\.json\n {2}a {4}a\n {2}b {4}b\n$/)
    assert.equal(has('mcp.json'), false)
    assert.equal((await run(['import'])).code, 2)
    const done = await run(['import', '--from', 'cursor', '--only', 'b', '--rewrite'])
    assert.equal(done.code, 0, done.err)
    assert.match(done.out, /Added: b\n {2}\/f\/mcp\.json\n {2}\/f\/\.cursor\/mcp\.json, as it was in .*\.backup\n/)
    assert.deepEqual(servers(), { b: { command: 'b' } })
    assert.deepEqual(JSON.parse(read('.cursor/mcp.json')), {
      mcpServers: { a: { command: 'a' }, alicia: { command: 'alicia', args: ['stdio'] } },
    })
    assert.match((await run(['import', '--restore'])).out, /^Put back: \/f\/\.cursor\/mcp\.json, \/f\/mcp\.json\n$/)
    assert.equal(read('.cursor/mcp.json'), CURSOR)
    assert.match((await run(['import', '--restore'])).err, /There is no import/)
  })

  test('rewritten, what Alicia has already leaves the clients too, and they find her servers', async (t) => {
    const { run, write, read, servers } = home(t)
    write('.cursor/mcp.json', CURSOR)
    write('.codeium/windsurf/mcp_config.json', CURSOR)
    await run(['import', '--all'])
    const args = ['--all', '--rewrite', '--mcp-file', 'other.json']
    const here = JSON.stringify(servers())
    const { code, err } = await run(['import', ...args.slice(0, 2)])
    assert.equal(code, 0, err)
    assert.equal(JSON.stringify(servers()), here)
    for (const file of ['.cursor/mcp.json', '.codeium/windsurf/mcp_config.json'])
      assert.deepEqual(JSON.parse(read(file)), { mcpServers: { alicia: { command: 'alicia', args: ['stdio'] } } })
    await run(['import', '--restore'])
    assert.equal(read('.cursor/mcp.json'), CURSOR)
    await run(['import', ...args])
    assert.match(read('.cursor/mcp.json'), /"--mcp-file",\s*"\/[^"]*\/other\.json"/)
  })

  test('all of them, as JSON; then there is nothing new', async (t) => {
    const { run, write, servers } = home(t)
    write('.cursor/mcp.json', CURSOR)
    const { out } = await run(['import', '--all', '--json'])
    assert.deepEqual((JSON.parse(out) as { added: string[] }).added, ['a', 'b'])
    assert.deepEqual(Object.keys(servers()), ['a', 'b'])
    assert.match((await run(['import', '--all'])).out, /a {2}already here {2}a/)
    assert.equal((await run(['import', '--only', 'z'])).code, 0)
  })
})
