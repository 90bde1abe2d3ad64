import assert from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { connect, type AddressInfo, type Socket } from 'node:net'
import { suite, test, type TestContext } from 'node:test'
import { heldClock } from '../../kernel/clock.ts'
import { othersFirst } from '../../kernel/others-first.ts'
import { brokenRequestListener } from './broken-request.ts'
import { Connections, type ConnectionLimits } from './connections.ts'

const WIDE: ConnectionLimits = {
  sockets: 100,
  socketsPerAddress: 100,
  halfOpen: 100,
  pipelined: 10,
  unreadMs: 8000,
  keepAliveMs: 8_000_000,
}

const GET = 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'

/** A server that answers `/`, and keeps `/wait` waiting. */
async function started(t: TestContext, limits: Partial<ConnectionLimits>, times: { headersTimeout?: number } = {}) {
  const noted: string[] = []
  const refusals = { note: (limit: string) => void noted.push(limit) }
  const clock = heldClock()
  const server = createServer({ ...times, connectionsCheckingInterval: 50 })
  const connections = new Connections(server, { limits: { ...WIDE, ...limits }, refusals, clock })
  const waiting: ServerResponse[] = []
  server.on('request', (request, response) => {
    if (!connections.admits(request, response)) return
    if (request.url === '/wait') waiting.push(response)
    else request.resume().on('end', () => response.end('ok'))
  })
  server.on('clientError', brokenRequestListener(connections, refusals))
  server.on('upgrade', (_, socket) => socket.write('upgraded'))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  const open = async (first = '') => {
    const socket = connect(port, '127.0.0.1')
    const taken = once(server, 'connection')
    t.after(() => socket.destroy())
    socket.on('error', () => undefined).setEncoding('latin1')
    await once(socket, 'connect')
    await taken
    if (first !== '') socket.write(first)
    return socket
  }
  /** Asks on that connection, and reads the answer. */
  const ask = async (socket: Socket) => {
    socket.write(GET)
    let answer = ''
    while (!answer.endsWith('ok\r\n0\r\n\r\n') && !answer.endsWith('\r\n\r\nok'))
      answer += String((await once(socket, 'data'))[0])
    return answer
  }
  return { open, ask, noted, connections, waiting, clock }
}

const closed = (socket: Socket) => (socket.closed ? Promise.resolve() : once(socket, 'close'))

suite('connections', () => {
  test('who opens more than may be half open pushes out themselves; who asks is answered', async (t) => {
    const { open, ask, noted, connections } = await started(t, { halfOpen: 3 })
    const speaks = await open()
    await ask(speaks)
    const silent: Socket[] = []
    for (let count = 0; count < 10; count++) silent.push(await open('GET / HTTP/1.1\r\nHo'))
    await Promise.all(silent.slice(0, 7).map(closed))
    assert.match(await ask(speaks), /^HTTP\/1.1 200/)
    assert.match(await ask(await open()), /^HTTP\/1.1 200/)
    assert.deepEqual(new Set(noted), new Set(['half_open']))
    assert.ok(connections.size <= 5)
  })

  test('in all no more than may: the one goes that was idle for longest, and never one that is being answered', async (t) => {
    const { open, ask, noted, waiting } = await started(t, { sockets: 4 })
    const busy = await open('GET /wait HTTP/1.1\r\nHost: localhost\r\n\r\n')
    const other = await open('GET /upgrade HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n')
    assert.equal(String((await once(other, 'data'))[0]), 'upgraded')
    const idle = await open()
    await ask(idle)
    const body = await open('POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nx')
    await ask(await open())
    await closed(idle)
    await ask(await open())
    await closed(body)
    assert.deepEqual(noted, ['sockets', 'sockets'])
    waiting[0]?.end('at last')
    assert.match(String((await once(busy, 'data'))[0]), /at last/)
    assert.equal(other.closed, false)
  })

  test('where all are being answered, the newcomer is refused', async (t) => {
    const { open, noted, waiting } = await started(t, { sockets: 1 })
    await open('GET /wait HTTP/1.1\r\nHost: localhost\r\n\r\n')
    while (waiting.length === 0) await new Promise(setImmediate)
    await closed(await open())
    assert.deepEqual(noted, ['sockets'])
  })

  test('whoever sends more requests than answers are out is cut off', async (t) => {
    const { open, noted, waiting } = await started(t, { pipelined: 3 })
    const wait = 'GET /wait HTTP/1.1\r\nHost: localhost\r\n\r\n'
    const flood = await open(wait.repeat(1000))
    await closed(flood)
    assert.equal(waiting.length, 4)
    assert.deepEqual(noted, ['pipelined'])
    const polite = await open(GET.repeat(3))
    let answers = ''
    while (answers.split('HTTP/1.1 200').length < 4) answers += String((await once(polite, 'data'))[0])
  })

  test('an answer that nobody reads is not kept for ever; one that goes on has limits of its own', async (t) => {
    const { open, noted, waiting, clock } = await started(t, {})
    const wait = 'GET /wait HTTP/1.1\r\nHost: localhost\r\n\r\n'
    const unread = await open(wait)
    while (waiting.length === 0) await new Promise(setImmediate)
    // More than the kernel keeps for both sides.
    waiting[0]?.end(Buffer.alloc(30_000_000))
    clock.advance(7900)
    assert.deepEqual(noted, [])
    clock.advance(2100)
    assert.deepEqual(noted, ['slow_reader'])
    unread.resume()
    await closed(unread)
    const streamed = await open(wait)
    while (waiting.length === 1) await new Promise(setImmediate)
    waiting[1]?.write(Buffer.alloc(30_000_000))
    clock.advance(60_000)
    assert.deepEqual(noted, ['slow_reader'])
    streamed.destroy()
  })

  test('a connection on which nobody asks any more is closed; one that asks, or waits for its answer, is not', async (t) => {
    const { open, ask, noted, waiting, clock } = await started(t, { keepAliveMs: 8000 })
    const [away, asks] = [await open(), await open()]
    const waits = await open('GET /wait HTTP/1.1\r\nHost: localhost\r\n\r\n')
    await ask(away)
    await ask(asks)
    clock.advance(5000)
    assert.match(await ask(asks), /^HTTP\/1.1 200/)
    clock.advance(5000)
    await closed(away)
    assert.match(await ask(asks), /^HTTP\/1.1 200/)
    clock.advance(20_000)
    await closed(asks)
    waiting[0]?.end('at last')
    assert.match(String((await once(waits, 'data'))[0]), /at last/)
    assert.deepEqual(noted, [])
  })

  test('a header that trickles in is given up, and says so', async (t) => {
    const { open, noted } = await started(t, {}, { headersTimeout: 100 })
    const slow = await open('GET / HTTP/1.1\r\n')
    // Not once it is given up: what is written to a connection that is closed breaks it, with the answer unread.
    const trickle = setInterval(() => noted.length === 0 && slow.write('X'), 20)
    t.after(() => clearInterval(trickle))
    let answer = ''
    slow.on('data', (chunk: string) => (answer += chunk))
    await closed(slow)
    assert.match(answer, /^HTTP\/1.1 408 /)
    assert.deepEqual(noted, ['slow_request'])
  })
})

/** Sockets of other machines, without the machines. */
const from = (remoteAddress: string) => {
  const listeners: (() => void)[] = []
  const socket = {
    remoteAddress,
    destroyed: false,
    destroy: () => void (socket.destroyed = true),
    once: (_: string, closed: () => void) => void listeners.push(closed),
    close: () => listeners.forEach((closed) => closed()),
  }
  return socket
}

const isCut = (socket: { destroyed: boolean } | undefined) => socket?.destroyed

test('of many that are accepted at once, the first does not go whose request is here already', async () => {
  const server = new EventEmitter()
  const connections = new Connections(server as unknown as Server, { limits: { ...WIDE, halfOpen: 3 } })
  const sockets = Array.from({ length: 10 }, () => from('127.0.0.1'))
  for (const socket of sockets) server.emit('connection', socket)
  setImmediate(() => connections.admits({ socket: sockets[0] } as unknown as IncomingMessage, {} as ServerResponse))
  await othersFirst()
  await new Promise(setImmediate)
  const open = sockets.flatMap((socket, at) => (socket.destroyed ? [] : [at]))
  assert.deepEqual(open, [0, 7, 8, 9])
  server.emit('close')
})

suite('room is made by those from where most come', () => {
  test('of half-open connections, though others were there before', async () => {
    const server = new EventEmitter()
    const connections = new Connections(server as unknown as Server, { limits: { ...WIDE, halfOpen: 4 } })
    const slow = [from('203.0.113.7'), from('127.0.0.2'), from('2001:db8::1')]
    const flood = Array.from({ length: 5 }, (_, at) => from(at % 2 ? '2001:db8:1::1' : '2001:db8:1::2'))
    for (const socket of [...slow, ...flood]) server.emit('connection', socket)
    await othersFirst()
    assert.deepEqual([...flood, ...slow].map(isCut), [true, true, true, true, false, false, false, false])
    server.emit('connection', from('127.0.0.1'))
    await othersFirst()
    // All alike: the oldest goes.
    assert.deepEqual([slow.map(isCut), connections.size], [[true, false, false], 4])
    server.emit('close')
  })

  test('of all that wait, and never one that is answered', () => {
    const server = new EventEmitter()
    const connections = new Connections(server as unknown as Server, { limits: { ...WIDE, sockets: 4 } })
    const [idle, busy, ...most] = ['203.0.113.1', '203.0.113.2', '203.0.113.2', '203.0.113.2'].map(from)
    for (const socket of [idle, busy, ...most]) server.emit('connection', socket)
    const ask = (socket: unknown, response: object) =>
      connections.admits({ socket } as unknown as IncomingMessage, response as ServerResponse)
    ask(idle, { writableFinished: true, req: { complete: true } })
    ask(busy, { writableFinished: false, req: { complete: true } })
    server.emit('connection', from('203.0.113.3'))
    assert.deepEqual([idle, busy, ...most].map(isCut), [false, false, true, false])
    server.emit('connection', from('203.0.113.3'))
    assert.deepEqual([idle, busy, ...most].map(isCut), [false, false, true, true])
    server.emit('close')
  })
})

test('a request behind the last answer of a connection is not handed on', () => {
  const server = new EventEmitter()
  const connections = new Connections(server as unknown as Server, { limits: WIDE })
  const socket = { ...from('127.0.0.1'), writableEnded: false }
  server.emit('connection', socket)
  const admits = () => connections.admits({ socket } as unknown as IncomingMessage, {} as ServerResponse)
  assert.equal(admits(), true)
  socket.writableEnded = true
  assert.equal(admits(), false)
  server.emit('close')
})

suite('connections by address', () => {
  test('each network has its share, IPv6 by /64; loopback and proxies are not counted', () => {
    const counted = new EventEmitter()
    const noted: string[] = []
    const connections = new Connections(counted as unknown as Server, {
      limits: { ...WIDE, socketsPerAddress: 2 },
      isProxy: (address) => address === '10.0.0.1',
      refusals: { note: (limit, whose) => void noted.push(`${limit} ${whose}`) },
    })
    const open = (address: string) => {
      const socket = from(address)
      counted.emit('connection', socket)
      return socket
    }
    const cases: [string, boolean][] = [
      ['203.0.113.7', true],
      ['::ffff:203.0.113.7', true],
      ['203.0.113.7', false],
      ['203.0.113.8', true],
      ['2001:db8::1', true],
      ['2001:db8::2', true],
      ['2001:db8::3', false],
      ['2001:db8:0:1::1', true],
      ...Array.from({ length: 5 }, (): [string, boolean] => ['127.0.0.1', true]),
      ...Array.from({ length: 5 }, (): [string, boolean] => ['10.0.0.1', true]),
    ]
    const sockets = cases.map(([address, taken]) => {
      const socket = open(address)
      assert.equal(socket.destroyed, !taken, address)
      return socket
    })
    assert.deepEqual(noted, ['sockets_per_address 203.0.113.7', 'sockets_per_address 2001:db8::3'])
    sockets[0]?.close()
    assert.equal(open('203.0.113.7').destroyed, false)
    for (const socket of sockets) socket.close()
    assert.equal(connections.size, 1)
  })
})
