import assert from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import { suite, test, type TestContext } from 'node:test'
import { type WebSocket, WebSocketServer } from 'ws'
import { Fault } from '../../kernel/fault.ts'
import { OWNER_TOKEN, restServer } from '../../testing/rest-server.ts'
import { NO_SERVERS } from '../../testing/server-files.ts'
import { testTerminal, type TestTerminal } from '../../testing/terminal.ts'
import { createCli } from './cli.ts'
import type { Composition, HubConfig, StdioStreams } from './hub.ts'

const CONFIG: HubConfig = {
  data: '/data',
  mcpFiles: ['/data/mcp.json'],
  host: '127.0.0.1',
  port: 0,
  demo: false,
  log: { level: 'info' },
  database: {},
  broker: { kind: 'embedded', port: 0 },
}

const cli = (terminal: TestTerminal, more: Partial<Composition<HubConfig>>, args: readonly string[] = []) =>
  createCli(
    {
      version: '1',
      flags: [],
      loadConfig: () => CONFIG,
      startHub: () => assert.fail('no hub is to be started'),
      findHub: () => undefined,
      readToken: () => OWNER_TOKEN,
      rotateToken: () => assert.fail(),
      checkDatabase: () => assert.fail(),
      servers: () => NO_SERVERS,
      ...more,
    },
    terminal,
  ).run(['stdio', ...args])

/** A hub that answers WebSocket messages as the test says. */
async function webSocketHub(t: TestContext, serve: (socket: WebSocket, request: IncomingMessage) => void) {
  const server = await restServer(t, [])
  const sockets = new WebSocketServer({ noServer: true, maxPayload: 1024 })
  server.onUpgrade((request, socket, head) => {
    if (request.headers.authorization !== `Bearer ${OWNER_TOKEN}`)
      return void socket.end('HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n')
    sockets.handleUpgrade(request, socket, head, (client) => {
      client.on('error', () => undefined)
      serve(client, request)
    })
  })
  return { findHub: () => ({ pid: 1, url: server.url, version: '1' }) }
}

const message = (id: number, method = 'ping') => JSON.stringify({ jsonrpc: '2.0', id, method })
const answer = (id: number) => JSON.stringify({ jsonrpc: '2.0', id, result: {} })

suite('stdio beside a running hub', () => {
  test('carries each message both ways; the end of the input waits for the answers', async (t) => {
    const seen: string[] = []
    const hub = await webSocketHub(t, (socket, request) => {
      assert.equal(request.url, '/mcp')
      socket.on('message', (data) => {
        seen.push((data as Buffer).toString())
        // The last one is answered when nothing more can come, pretty-printed.
        if (seen.length === 3)
          for (const id of [1, 2]) setImmediate(() => socket.send(`{\n "jsonrpc": "2.0", "id": ${id}, "result": {}}`))
      })
    })
    const terminal = testTerminal()
    terminal.stdin.end(`${message(1)}\n\n${message(2)}\r\n{"jsonrpc":"2.0","method":"x"}`)
    assert.equal(await cli(terminal, hub), 0)
    assert.deepEqual(seen, [message(1), message(2), '{"jsonrpc":"2.0","method":"x"}'])
    const lines = terminal.out().trimEnd().split('\n')
    assert.deepEqual(
      lines.map((line) => JSON.parse(line).id),
      [1, 2],
    )
    assert.equal(terminal.err(), '')
  })

  test('joins the address of a profile', async (t) => {
    const addresses: unknown[] = []
    const hub = await webSocketHub(t, (socket, request) => {
      addresses.push(request.url)
      socket.on('message', () => socket.send(answer(1)))
    })
    const terminal = testTerminal()
    terminal.stdin.end(`${message(1)}\n`)
    assert.equal(await cli(terminal, hub, ['--profile', 'a/b']), 0)
    assert.deepEqual(addresses, ['/mcp/a%2Fb'])
  })

  test('a profile that does not exist: 1', async (t) => {
    const server = await restServer(t, [])
    server.onUpgrade((_, socket) => void socket.end('HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n'))
    const findHub = () => ({ pid: 1, url: server.url, version: '1' })
    const terminal = testTerminal()
    assert.equal(await cli(terminal, { findHub }, ['--profile', 'nope']), 1)
    assert.match(terminal.err(), /has no profile "nope"/)
  })

  test('a line over 16 MiB is refused, the next one works', async (t) => {
    const hub = await webSocketHub(t, (socket) => socket.on('message', () => socket.send(answer(5))))
    const terminal = testTerminal()
    terminal.stdin.write(Buffer.alloc(16 * 1024 * 1024 + 1, 'x'))
    terminal.stdin.end(`\n${message(5)}\n`)
    assert.equal(await cli(terminal, hub), 0)
    const [refusal = '', last] = terminal.out().trimEnd().split('\n')
    assert.equal(JSON.parse(refusal).error.code, -32600)
    assert.equal(JSON.parse(refusal).id, null)
    assert.equal(last, answer(5))
  })

  const ends: [string, (socket: WebSocket) => void, number, RegExp][] = [
    ['goes away in order', (socket) => socket.close(1001), 4, /The hub at http:\S+ went away \(code 1001\)/],
    ['is killed', (socket) => socket.terminate(), 4, /went away \(code 1006\)/],
    ['finds a message too large', (socket) => socket.close(1009), 1, /larger than the hub takes/],
  ]
  for (const [why, end, code, says] of ends)
    test(`the hub ${why}: ${code}`, async (t) => {
      const hub = await webSocketHub(t, (socket) => socket.on('message', () => end(socket)))
      const terminal = testTerminal()
      terminal.stdin.write(`${message(1)}\n`)
      assert.equal(await cli(terminal, hub), code)
      assert.match(terminal.err(), says)
      assert.equal(terminal.out(), '')
    })

  test('a wrong token: 3', async (t) => {
    const hub = await webSocketHub(t, () => assert.fail())
    const terminal = testTerminal()
    assert.equal(await cli(terminal, { ...hub, readToken: () => 'wrong' }), 3)
    assert.match(terminal.err(), /refused the access token/)
  })

  test('nobody there: 4', async () => {
    const terminal = testTerminal()
    assert.equal(await cli(terminal, { findHub: () => ({ pid: 1, url: 'http://127.0.0.1:1', version: '1' }) }), 4)
    assert.match(terminal.err(), /No hub answers at http:\/\/127\.0\.0\.1:1/)
  })

  test('a signal is a normal end', async (t) => {
    const terminal = testTerminal()
    const hub = await webSocketHub(t, (socket) => socket.on('message', () => terminal.signal('SIGTERM')))
    terminal.stdin.write(`${message(1)}\n`)
    assert.equal(await cli(terminal, hub), 0)
    assert.equal(terminal.err(), '')
  })
})

suite('stdio without a hub', () => {
  const hub = (more: object = {}) => ({
    urls: { http: '', mcp: '', mqtt: '' },
    tokenFile: undefined,
    parts: () => [],
    stop: () => Promise.resolve(),
    serveStdio: async () => undefined,
    ...more,
  })

  test('runs one, and stops it at the end', async () => {
    const terminal = testTerminal()
    let stopped = false
    const profiles: unknown[] = []
    const running = hub({
      serveStdio: async ({ input, output, profile }: StdioStreams) => {
        profiles.push(profile)
        for await (const chunk of input) output.write(`echo ${String(chunk)}`)
      },
      stop: async () => void (stopped = true),
    })
    terminal.stdin.end('x\n')
    const startHub: Composition<HubConfig>['startHub'] = async (_, { log }) => {
      log.info('not for a client')
      log.warn('careful')
      return running
    }
    assert.equal(await cli(terminal, { startHub }, ['--profile', 'work']), 0)
    assert.deepEqual(profiles, ['work'])
    assert.equal(terminal.out(), 'echo x\n')
    assert.match(terminal.err(), /^\S+ warn {2}careful\n$/)
    assert(stopped)
  })

  test('a signal ends it', async () => {
    const terminal = testTerminal()
    const stopped = Promise.withResolvers<void>()
    const serving = Promise.withResolvers<void>()
    const running = hub({
      serveStdio: () => (serving.resolve(), new Promise(() => {})),
      stop: async () => stopped.resolve(),
    })
    const done = cli(terminal, { startHub: async () => running })
    await serving.promise
    terminal.signal('SIGTERM')
    assert.equal(await done, 0)
    await stopped.promise
  })

  test('another one was faster: attaches to it', async (t) => {
    const { findHub } = await webSocketHub(t, (socket) => socket.on('message', () => socket.send(answer(1))))
    const terminal = testTerminal()
    terminal.stdin.end(`${message(1)}\n`)
    let looked = 0
    const code = await cli(terminal, {
      findHub: () => (looked++ === 0 ? undefined : findHub()),
      startHub: () => Promise.reject(new Fault('conflict', 'Another hub has the data folder.')),
    })
    assert.equal(code, 0)
    assert.equal(terminal.out(), `${answer(1)}\n`)
  })
})

test('stdio at a terminal says what it is for', async () => {
  const terminal = testTerminal()
  const startHub = () => Promise.reject(new Fault('unavailable', 'Not now.'))
  await cli(Object.assign(terminal, { stdin: Object.assign(terminal.stdin, { isTTY: true }) }), { startHub })
  assert.match(terminal.err(), /^This speaks MCP: .*clients\.md/)
  assert.equal(terminal.out(), '')
})
