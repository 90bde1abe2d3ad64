import assert from 'node:assert/strict'
import { chmodSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { suite, test, type TestContext } from 'node:test'
import { z } from 'zod'
import { heldClock, systemClock, type Clock } from '../../kernel/clock.ts'
import { startEmbeddedBroker } from '../../engines/broker/embedded.ts'
import { Fault } from '../../kernel/fault.ts'
import { silentLog } from '../../kernel/log.ts'
import { operation } from '../../kernel/operation.ts'
import type { Effect, Tool } from '../../kernel/tool.ts'
import { temporaryFolder } from '../../testing/folder.ts'
import { OWNER_TOKEN, restServer } from '../../testing/rest-server.ts'
import { NO_SERVERS } from '../../testing/server-files.ts'
import { testTerminal, type TestTerminal } from '../../testing/terminal.ts'
import { createCli } from './cli.ts'
import type { Composition, HubConfig, RunningHub } from './hub.ts'

const tool = (name: `${string}.${string}`, effect: Effect, run: (signal: AbortSignal) => Promise<unknown>) =>
  operation()({
    name,
    summary: `Does ${name}.`,
    scope: 'test:use',
    effect,
    input: z.object({ level: z.int().min(0).default(1).describe('How loud'), name: z.string().optional() }),
    output: z.unknown(),
    handler: async (input, { signal, emit, log }) => {
      emit({ progress: 1, total: 2, message: 'half' })
      log.warn('careful')
      return { ...((await run(signal)) as object), input }
    },
  }).bind({})

let cancelled = Promise.withResolvers<unknown>()
const TOOLS = [
  tool('lamps.set_level', 'write', async () => ({ done: true })),
  tool(
    'lamps.wait',
    'read',
    (signal) =>
      new Promise((_, reject) =>
        signal.addEventListener('abort', () => {
          cancelled.resolve(signal.reason)
          reject(signal.reason as Error)
        }),
      ),
  ),
  tool('lamps.missing', 'write', () => Promise.reject(new Fault('not_found', 'No such lamp.', { hint: 'Buy one.' }))),
  tool('lamps.broken', 'write', () => Promise.reject(new Error('secret detail'))),
]

const CONFIG: HubConfig = {
  data: '/data',
  mcpFiles: ['/data/mcp.json'],
  host: '127.0.0.1',
  port: 0,
  demo: true,
  log: { level: 'info' },
  database: {},
  broker: { kind: 'remote', url: 'mqtt://ann:hunter2@127.0.0.1:1' },
}

const HUB: RunningHub = {
  urls: { http: 'http://h:1', mcp: 'http://h:1/mcp', mqtt: 'mqtt://h:2' },
  tokenFile: '/data/token',
  parts: () => [],
  stop: () => Promise.resolve(),
  serveStdio: () => Promise.resolve(),
}

const composition = (more: Partial<Composition<HubConfig>>): Composition<HubConfig> => ({
  version: '1.2.3',
  flags: [
    { flag: '--data <folder>', env: 'ALICIA_DATA', summary: 'data folder' },
    { flag: '--port <port>', env: 'ALICIA_PORT', summary: 'port' },
  ],
  loadConfig: () => CONFIG,
  startHub: () => Promise.resolve(HUB),
  findHub: () => undefined,
  readToken: () => OWNER_TOKEN,
  rotateToken: () => Promise.resolve('another'),
  checkDatabase: () => Promise.resolve('SQLite'),
  servers: () => NO_SERVERS,
  ...more,
})

interface Ran {
  code: number
  terminal: TestTerminal
}

const run = async (
  args: readonly string[],
  {
    terminal = testTerminal(),
    clock = systemClock,
    ...more
  }: Partial<Composition<HubConfig>> & { terminal?: TestTerminal; clock?: Clock } = {},
): Promise<Ran> => ({ code: await createCli(composition(more), terminal, clock).run(args), terminal })

const atHub = async (test: TestContext) => {
  const { url } = await restServer(test, TOOLS)
  return { findHub: () => ({ pid: 1, url, version: '1.2.3' }) }
}

suite('command line', () => {
  const usage: [string[], number, RegExp][] = [
    [['strat'], 2, /Unknown command 'strat'\.\n {2}Did you mean start\?/],
    [['start', '--prot=hunter2'], 2, /Unknown option '--prot'\.\n/],
    [['start', '--pport', '1'], 2, /Unknown option '--pport'\.\n {2}Did you mean --port\?/],
    [['start', 'now'], 2, /Too many arguments.*but got 1: now\.\n/],
    [['key'], 2, /^Usage: alicia key [\s\S]*rotate/],
    [['help', 'frob'], 2, /^Usage: alicia \[/],
    [['call'], 2, /Missing required argument 'operation'/],
    [['call', 'x', '--url', 'ftp://h'], 2, /--url must be an address/],
    [['call', 'x', '--timeout', 'soon'], 2, /--timeout must be a number/],
    [['token', 'create', 'x'], 2, /--scope[\s\S]*`alicia token create --help` shows/],
    [['token', 'create', 'x', '--scope', '*', '--expires-in-days', '0'], 2, /--expires-in-days must be/],
    [['tools'], 4, /No hub is running on the data folder \/data\.\n {2}Start it with `alicia start`/],
    [['tools', '--url', 'http://127.0.0.1:1/'], 4, /No hub answers at http:\/\/127\.0\.0\.1:1/],
  ]
  for (const [args, code, says] of usage)
    test(`${args.join(' ')}: ${code}`, async () => {
      const ran = await run(args)
      assert.equal(ran.code, code)
      assert.match(ran.terminal.err(), says)
      assert.doesNotMatch(ran.terminal.err(), /hunter2|^\s+at /m)
      assert.equal(ran.terminal.out(), '')
    })

  const shown: [string[], RegExp][] = [
    [[], /Usage: alicia[\s\S]*Exit codes:\n {2}0 /],
    [['--help'], /Usage: alicia/],
    [['call', '--help'], /key=value, key:=json/],
    [['--version'], /^1\.2\.3\n$/],
  ]
  for (const [args, says] of shown)
    test(`${args.join(' ') || 'nothing'}: help on stdout`, async () => {
      const { code, terminal } = await run(args)
      assert.equal(code, 0)
      assert.match(terminal.out(), says)
      assert.equal(terminal.err(), '')
    })

  test('a wrong configuration is a usage error in its own words', async () => {
    const loadConfig = () => {
      throw new Fault('invalid_input', 'a.jsonc:3: prot is unknown.', { hint: 'See the list.' })
    }
    for (const args of [['start'], ['token'], ['tools'], ['stdio']]) {
      const { code, terminal } = await run(args, { loadConfig })
      assert.equal(code, 2)
      assert.equal(terminal.err(), 'alicia: a.jsonc:3: prot is unknown.\n  See the list.\n')
    }
  })

  test('a defect is one line, without a stack', async () => {
    const { code, terminal } = await run(['token'], { readToken: () => assert.fail('boom') })
    assert.equal(code, 70)
    assert.match(terminal.err(), /^alicia: .*boom\n.*\n$/)
  })
})

suite('call', () => {
  test('words become input, the result columns', async (t) => {
    const { code, terminal } = await run(['call', 'set_level', 'level=5', 'name=a'], await atHub(t))
    assert.equal(terminal.err(), 'warn: careful\n')
    assert.equal(terminal.out(), 'done  true\ninput\n  level  5\n  name   a\n')
    assert.equal(code, 0)
  })

  test('--json is what the hub said', async (t) => {
    const { terminal } = await run(['call', 'lamps.set_level', '{"level":2}', '--json'], await atHub(t))
    assert.deepEqual(JSON.parse(terminal.out()), { done: true, input: { level: 2 } })
  })

  test('- is JSON on stdin', async (t) => {
    const terminal = testTerminal()
    terminal.stdin.end('{"level":7}')
    await run(['call', 'set_level', '-', 'name=b'], { ...(await atHub(t)), terminal })
    assert.match(terminal.out(), /level {2}7\n {2}name {3}b/)
  })

  test('Ctrl-C ends the wait for stdin', async (t) => {
    const terminal = testTerminal()
    const running = run(['call', 'set_level', '-'], { ...(await atHub(t)), terminal })
    while (terminal.stdin.listenerCount('data') + terminal.stdin.listenerCount('readable') === 0)
      await new Promise(setImmediate)
    terminal.signal('SIGINT')
    assert.equal((await running).code, 130)
  })

  const faults: [string[], number, RegExp][] = [
    [['set_levle'], 5, /no operation called "set_levle".*\n.*Did you mean set_level\?/],
    [['set_level', 'levle=1'], 2, /no argument levle; did you mean level\?/],
    [['set_level', 'level=-1'], 2, /level: too small/],
    [['set_level', 'level=x'], 2, /level: expected number/],
    [['missing'], 1, /alicia: No such lamp\.\n {2}Buy one\./],
    [['broken'], 70, /Something went wrong inside Alicia \(reference/],
    [['wait', '--timeout', '0.05'], 6, /did not finish within 0\.05 s/],
    [['set_level', '--token', 'not-a-good-token'], 3, /access token is not valid/],
  ]
  for (const [args, code, says] of faults)
    test(`${args.join(' ')}: ${code}`, async (t) => {
      // Its own time stands still: a deadline is the hub's.
      const ran = await run(['call', ...args], { ...(await atHub(t)), clock: heldClock() })
      assert.match(ran.terminal.err(), says)
      assert.doesNotMatch(ran.terminal.err(), /secret detail/)
      assert.equal(ran.terminal.out(), '')
      assert.equal(ran.code, code)
    })

  test('with --json a fault is JSON too', async (t) => {
    const { terminal } = await run(['call', 'missing', '--json'], await atHub(t))
    const lines = terminal.err().trim().split('\n')
    assert.equal(JSON.parse(lines.at(-1) ?? '').error.code, 'not_found')
  })

  test('Ctrl-C cancels the call at the hub', async (t) => {
    cancelled = Promise.withResolvers()
    const terminal = testTerminal()
    const running = run(['call', 'wait'], { ...(await atHub(t)), terminal })
    while (!terminal.err().includes('careful')) await new Promise(setImmediate)
    terminal.signal('SIGINT')
    assert.equal((await running).code, 130)
    assert.equal(((await cancelled.promise) as Fault).code, 'cancelled')
    assert.deepEqual(terminal.exits, [])
  })

  test('--timeout holds where the hub lets a call wait for somebody’s yes', async (t) => {
    cancelled = Promise.withResolvers()
    const clock = heldClock()
    const terminal = testTerminal()
    const running = run(['call', 'wait', '--timeout', '20'], { ...(await atHub(t)), terminal, clock })
    while (!terminal.err().includes('careful')) await new Promise(setImmediate)
    clock.advance(20_500)
    assert.equal((await running).code, 6)
    assert.match(terminal.err(), /lamps\.wait was not done within 20 s; it was withdrawn\./)
    assert.equal(((await cancelled.promise) as Fault).code, 'cancelled')
  })

  test('the folder’s token stays with the folder’s hub', async (t) => {
    const { url } = await restServer(t, TOOLS)
    assert.equal((await run(['call', 'set_level', '--url', url])).code, 3)
    const terminal = testTerminal({ env: { ALICIA_TOKEN: OWNER_TOKEN } })
    assert.equal((await run(['call', 'set_level', '--url', url], { terminal })).code, 0)
  })

  test('on a terminal one line shows that it runs, and is gone afterwards', async (t) => {
    const clock = heldClock()
    const terminal = testTerminal({ tty: true })
    const running = run(['call', 'wait'], { ...(await atHub(t)), terminal, clock })
    while (!terminal.err().includes('careful')) await new Promise(setImmediate)
    clock.advance(300)
    assert.match(terminal.err(), / wait 0\.3 s {2}1\/2 half$/)
    terminal.signal('SIGINT')
    await running
    assert(terminal.err().includes('\r\u001B[Kalicia: Interrupted'))
  })

  test('something else than a hub is named', async (t) => {
    const server = createServer((socket) => void socket.end('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi'))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    t.after(() => server.close())
    const { port } = server.address() as { port: number }
    const { code, terminal } = await run(['tools', '--url', `http://127.0.0.1:${port}`])
    assert.equal(code, 4)
    assert.match(terminal.err(), /is not a hub of Alicia/)
  })
})

suite('tools', () => {
  test('lists what there is', async (t) => {
    const { terminal } = await run(['tools'], await atHub(t))
    assert.equal(terminal.out().split('\n').length, TOOLS.length + 2)
    assert.match(terminal.out(), /^set_level +write +test:use +Does lamps\.set_level\.$/m)
  })

  test('filters by words, shows the arguments of one that is named', async (t) => {
    const hub = await atHub(t)
    assert.match((await run(['tools', 'LEVEL', 'does'], hub)).terminal.out(), /^name.*\nset_level.*\n$/)
    assert.match(
      (await run(['tools', 'set_level'], hub)).terminal.out(),
      /\n {2}level {2}= 1 +How loud\n {2}name +optional\n$/,
    )
    const narrow = await run(['tools', 'set_level'], { ...hub, terminal: testTerminal({ tty: true, columns: 20 }) })
    assert.match(narrow.terminal.out(), /\n {2}level {2}= 1\n {6}How loud\n {2}name {3}optional\n/)
    assert.match((await run(['tools', 'nonsense'], hub)).terminal.err(), /Nothing matches nonsense; there are 4/)
    assert.equal(JSON.parse((await run(['tools', 'wait', '--json'], hub)).terminal.out())[0].operation, 'lamps.wait')
  })

  test('shows the first sentence, cut where the line of a terminal ends', async (t) => {
    const long = {
      ...TOOLS[0],
      name: 'lamps.long',
      summary: `Lights up, e.g. at night. ${'More of it. '.repeat(100)}`,
    } as Tool
    const { url } = await restServer(t, [long])
    const at = (columns: number) => ({
      findHub: () => ({ pid: 1, url, version: '1.2.3' }),
      terminal: testTerminal({ tty: true, columns }),
    })
    const lines = async (columns: number) =>
      stripVTControlCharacters((await run(['tools'], at(columns))).terminal.out()).split('\n')
    assert.deepEqual((await lines(100))[1], 'long  write   test:use  Lights up, e.g. at night.')
    assert.deepEqual((await lines(44))[1], 'long  write   test:use  Lights up, e.g. at …')
    assert.deepEqual((await lines(30)).slice(2, 4), ['long  write   test:use', '      Lights up, e.g. at nigh…'])
  })

  test('--cost: what lists cost a model', async (t) => {
    const profiles = [
      {
        profile: '',
        path: '/mcp',
        list: 'all',
        configured: 'auto',
        callable: 9,
        listed: 10,
        tokens: 1234,
        tokens_sent: 2345,
        tokens_all: 1200,
        most_expensive: [{ name: 'big_one', tokens: 700 }],
      },
    ]
    const costs = {
      ...TOOLS[0],
      name: 'catalog.list_costs',
      parse: () => ({}),
      checkOutput: () => {},
      run: async () => ({ profiles }),
    } as unknown as Tool
    const { url } = await restServer(t, [costs])
    const hub = { findHub: () => ({ pid: 1, url, version: '1.2.3' }) }
    const { terminal } = await run(['tools', '--cost'], hub)
    assert.match(terminal.out(), /^\/mcp +all \(auto\) +9 +10 +1,234 +2,345 +1,200$/m)
    assert.match(terminal.out(), /^ *700 +big_one$/m)
    assert.deepEqual(JSON.parse((await run(['tools', '--cost', '--json'], hub)).terminal.out()), { profiles })
  })
})

suite('token', () => {
  test('alone on stdout', async () => {
    const { terminal } = await run(['token'])
    assert.equal(terminal.out(), `${OWNER_TOKEN}\n`)
    assert.equal(terminal.err(), '')
  })

  test('in a snippet', async () => {
    const { terminal } = await run(['token', '--snippet'], {
      findHub: () => ({ pid: 1, url: 'http://h:5/', version: '1' }),
    })
    const { alicia } = JSON.parse(terminal.out()).mcpServers
    assert.deepEqual(alicia, {
      type: 'http',
      url: 'http://h:5/mcp',
      headers: { Authorization: `Bearer ${OWNER_TOKEN}` },
    })
  })

  test('before the first start', async () => {
    const { code, terminal } = await run(['token'], { readToken: () => undefined })
    assert.equal(code, 1)
    assert.match(terminal.err(), /no access token in \/data yet/)
  })

  test('rotate', async () => assert.equal((await run(['token', 'rotate'])).terminal.out(), 'another\n'))

  test('create, list, revoke call the hub', async (t) => {
    const inputs: unknown[] = []
    const make = (name: `${string}.${string}`, shape: z.ZodRawShape, output: unknown) =>
      operation()({
        name,
        summary: 'x',
        scope: 'tokens:write',
        effect: 'write',
        input: z.object(shape),
        output: z.unknown(),
        handler: async (input) => (inputs.push(input), output),
      }).bind({})
    const { url } = await restServer(t, [
      make(
        'tokens.create_token',
        { name: z.string(), scopes: z.array(z.string()), expires_in_days: z.int() },
        { token: 'new-one' },
      ),
      make('tokens.list_tokens', {}, { tokens: [{ name: 'tablet', scopes: ['a:b'] }] }),
      make('tokens.revoke_token', { name: z.string() }, { revoked: 'tablet' }),
    ])
    const hub = { findHub: () => ({ pid: 1, url, version: '1' }) }
    const created = await run(['token', 'create', 'tablet', '--scope', 'a:b', 'c:*', '--expires-in-days', '3'], hub)
    assert.equal(created.terminal.out(), 'new-one\n')
    assert.match(created.terminal.err(), /not shown again\. It may: a:b, c:\*/)
    assert.equal((await run(['token', 'list'], hub)).terminal.out(), 'name    scopes\ntablet  a:b\n')
    assert.equal((await run(['token', 'revoke', 'tablet'], hub)).terminal.out(), 'revoked  tablet\n')
    assert.deepEqual(inputs, [{ name: 'tablet', scopes: ['a:b', 'c:*'], expires_in_days: 3 }, {}, { name: 'tablet' }])
  })
})

suite('start', () => {
  const until = async (terminal: TestTerminal, text: string) => {
    while (!terminal.out().includes(text)) await new Promise(setImmediate)
  }

  test('says where everything is, but not the token; a signal ends it', async () => {
    const terminal = testTerminal({ env: { NO_COLOR: '1', ALICIA_DATA: '/my data' } })
    let stopped = 0
    const running = run(['start'], { terminal, startHub: async () => ({ ...HUB, stop: async () => void stopped++ }) })
    await until(terminal, 'Ctrl-C')
    const text = terminal.out()
    for (const part of [
      'http://h:1',
      'http://h:1/mcp',
      'mqtt://h:2',
      '$(cat /data/token)',
      'stdio","--data","/data"',
      'simulated home',
    ])
      assert(text.includes(part), part)
    assert(!text.includes(OWNER_TOKEN))
    assert(!text.includes('\u001B'))
    terminal.signal('SIGTERM')
    assert.equal((await running).code, 0)
    assert.equal(stopped, 1)
    assert.match(terminal.err(), /Stopping…[\s\S]*Stopped\.\n$/)
  })

  test('--json announces on one line', async () => {
    const terminal = testTerminal()
    const running = run(['start', '--json'], { terminal })
    await until(terminal, '\n')
    terminal.signal('SIGINT')
    await running
    assert.deepEqual(JSON.parse(terminal.out()), {
      event: 'ready',
      version: '1.2.3',
      urls: HUB.urls,
      token_file: '/data/token',
    })
    assert.equal(terminal.err(), '')
  })

  test('what does not run is named', async () => {
    const terminal = testTerminal()
    const parts: RunningHub['parts'] = () => [
      { name: 'mqtt', needs: [], status: 'unavailable', sinceMs: 0, reason: 'no broker' },
    ]
    const running = run(['start'], { terminal, startHub: async () => ({ ...HUB, parts }) })
    await until(terminal, 'mqtt is unavailable: no broker')
    terminal.signal('SIGINT')
    await running
  })

  test('a second signal ends at once, the echo of the first does not', async () => {
    const terminal = testTerminal()
    const clock = heldClock()
    const stop = Promise.withResolvers<void>()
    const running = run(['start'], { terminal, clock, startHub: async () => ({ ...HUB, stop: () => stop.promise }) })
    await until(terminal, 'Ctrl-C')
    terminal.signal('SIGINT')
    terminal.signal('SIGINT')
    assert.deepEqual(terminal.exits, [])
    clock.advance(500)
    terminal.signal('SIGINT')
    assert.deepEqual(terminal.exits, [130])
    stop.resolve()
    await running
  })

  test('a start that fails says why', async () => {
    const startHub: Composition<HubConfig>['startHub'] = (_, { log }) => {
      log.error('bus did not start')
      return Promise.reject(new Fault('conflict', 'Port 8765 is taken.', { hint: 'Use --port.' }))
    }
    const { code, terminal } = await run(['start'], { startHub })
    assert.equal(code, 1)
    assert.equal(terminal.err(), 'alicia: Port 8765 is taken.\n  Use --port.\n')
  })

  test('the log of a start that goes well is shown', async () => {
    const terminal = testTerminal()
    const startHub: Composition<HubConfig>['startHub'] = async (_, { log }) => {
      log.error('demo did not start')
      return HUB
    }
    const running = run(['start'], { terminal, startHub })
    await until(terminal, 'Ctrl-C')
    terminal.signal('SIGINT')
    await running
    assert.match(terminal.err(), /error {2}demo did not start\n/)
  })
})

suite('doctor', () => {
  const lines = (terminal: TestTerminal) => terminal.out().split('\n')
  const line = (terminal: TestTerminal, name: string) =>
    lines(terminal).find((text) => text.slice(3).startsWith(name)) ?? ''

  test('all is well', async (t) => {
    const folder = temporaryFolder(t)
    const config: HubConfig = { ...CONFIG, data: folder, broker: { kind: 'embedded', port: 0 } }
    const { code, terminal } = await run(['doctor'], { loadConfig: () => config })
    assert.doesNotMatch(terminal.out(), /✗/)
    assert.equal(code, 0)
    assert.match(line(terminal, 'Hub'), /not running/)
    assert.match(line(terminal, 'Database'), /^✓ {2}Database +SQLite$/)
  })

  test('names what is wrong, and what to do', async (t) => {
    const folder = temporaryFolder(t)
    writeFileSync(join(folder, 'token'), 'x')
    chmodSync(join(folder, 'token'), 0o644)
    const taken = createServer()
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
    t.after(() => taken.close())
    const { port } = taken.address() as { port: number }
    const config: HubConfig = {
      ...CONFIG,
      data: folder,
      port,
      broker: { ...CONFIG.broker, program: '/nowhere/mosquitto' },
    }
    const { code, terminal } = await run(['doctor'], {
      loadConfig: () => config,
      checkDatabase: () => Promise.reject(new Fault('storage_failed', 'The disk is full.', { hint: 'Make room.' })),
    })
    assert.equal(code, 1)
    assert.match(line(terminal, 'Private files'), /^✗.*others can read/)
    assert.match(line(terminal, 'HTTP'), /^✗.*taken/)
    assert.match(line(terminal, 'MQTT'), /^✗ {2}MQTT +mqtt:\/\/127\.0\.0\.1:1: /)
    assert.match(line(terminal, 'Database'), /^✗.*The disk is full\./)
    assert.match(line(terminal, 'Mosquitto'), /^–/)
    assert.match(terminal.out(), /→ chmod 600 [\s\S]*→ .*--port[\s\S]*→ Make room\./)
    assert.doesNotMatch(terminal.out(), /hunter2/)
  })

  test('before the first start nothing is missed', async (t) => {
    const config: HubConfig = {
      ...CONFIG,
      data: join(temporaryFolder(t), 'new'),
      broker: { kind: 'embedded', port: 0 },
    }
    const { code, terminal } = await run(['doctor'], { loadConfig: () => config, checkDatabase: () => assert.fail() })
    assert.match(line(terminal, 'Database'), /^–.*the first start makes it/)
    assert.equal(code, 0)
  })

  test('a running hub is asked', async (t) => {
    const folder = temporaryFolder(t)
    const hub = await atHub(t)
    const { terminal } = await run(['doctor'], { ...hub, loadConfig: () => ({ ...CONFIG, data: folder }) })
    assert.match(line(terminal, 'Hub'), /^✓.*process 1, version 1\.2\.3/)
    assert.match(line(terminal, 'HTTP'), /^✓.*4 operations/)
  })

  test('the broker is logged in to', async (t) => {
    const folder = temporaryFolder(t)
    const broker = await startEmbeddedBroker({
      host: '127.0.0.1',
      port: 0,
      file: join(folder, 'broker.db'),
      ownerToken: OWNER_TOKEN,
      users: [],
      anonymous: false,
      log: silentLog,
    })
    t.after(() => broker.stop())
    const config: HubConfig = { ...CONFIG, data: folder, broker: { kind: 'embedded', port: 1 } }
    const hub = { pid: 1, url: 'http://127.0.0.1:1', mqttUrl: broker.url, version: '1.2.3' }
    const more = { loadConfig: () => config, findHub: () => hub }
    assert.match(line((await run(['doctor'], more)).terminal, 'MQTT'), /^✓.* lets alicia in$/)
    const wrong = await run(['doctor'], { ...more, readToken: () => 'not-the-token-of-it' })
    assert.match(line(wrong.terminal, 'MQTT'), /^✗.*[Nn]ot authorized|^✗.*Bad User Name/)
  })

  test('a wrong configuration is a finding', async () => {
    const loadConfig = () => {
      throw new Fault('invalid_input', 'x.jsonc:1: prot is unknown.', { hint: 'See.' })
    }
    const { code, terminal } = await run(['doctor', '--json'], { loadConfig })
    assert.equal(code, 1)
    const findings = JSON.parse(terminal.out()) as { name: string; is: string; fix?: string }[]
    assert.deepEqual(findings.at(-1), {
      name: 'Configuration',
      is: 'failed',
      text: 'x.jsonc:1: prot is unknown.',
      fix: 'See.',
    })
  })
})
