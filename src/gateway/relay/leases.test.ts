import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { RelayOptions } from './relay-options.ts'
import {
  anna,
  bert,
  contextFor,
  legacyPeer,
  modernMeta,
  modernPeer,
  testConnection,
  testRelay,
  type Serve,
  type TestRelay,
} from '../../testing/relay.ts'

const OLD = '2025-11-25'
const quick: Serve = () => '{}'
const asking: Serve = async ({ ask }) => (await ask('elicitation/create', {})).text
const meta = { _meta: modernMeta() }

const setUp = (serve: Serve, more: Partial<RelayOptions> & { learned?: boolean; correlates?: boolean } = {}) =>
  testRelay({ revision: OLD, serve, correlates: more.correlates ?? false }, { learned: true, ...more })

const call = ({ relay }: TestRelay, context: ReturnType<typeof contextFor>, params: object = {}) =>
  relay.request('tools/call', JSON.stringify(params), context)

/** As many connections as clients that hold theirs by a call that does not end. */
const held = (): { serve: Serve; begun: () => Promise<void>; end: () => void } => {
  const end = Promise.withResolvers<void>()
  let begin = Promise.withResolvers<void>()
  return {
    serve: async () => (begin.resolve(), await end.promise, '{}'),
    begun: async () => (await begin.promise, void (begin = Promise.withResolvers())),
    end: () => end.resolve(),
  }
}

suite('connections of single clients', () => {
  for (const [name, more, client, expected] of [
    ['before anything is learned, the shared one', { learned: false }, () => legacyPeer().peer, 0],
    ['once it is learned, their own', {}, () => legacyPeer().peer, 1],
    ['who cannot be asked shares', {}, () => legacyPeer({ capabilities: {} }).peer, 0],
    [
      'where it is said, their own in any case',
      { sharing: 'per_client', learned: false },
      () => legacyPeer({ capabilities: {} }).peer,
      1,
    ],
    ['where it is forbidden, the shared one', { sharing: 'shared' }, () => legacyPeer().peer, 0],
    ['a client of 2026-07-28, for each call', {}, () => modernPeer().peer, 1],
    ['a client of 2026-07-28 on HTTP shares', { correlates: true }, () => modernPeer().peer, 0],
    ['no client shares', { sharing: 'per_client' }, () => undefined, 0],
  ] as const)
    test(name, async () => {
      const setup = setUp(quick, more)
      await call(setup, contextFor(client()), meta)
      assert.equal(setup.own.length, expected)
      assert.equal(setup.relay.leases(), expected)
      await setup.relay.close()
      assert.equal(setup.relay.leases(), 0)
    })

  test('what is learned for one capability concerns those who have it', async () => {
    const setup = setUp(async ({ ask }) => (await ask('roots/list', {})).text, { learned: false, roots: [] })
    await call(setup, contextFor(legacyPeer({ id: '1' }).peer))
    await call(setup, contextFor(legacyPeer({ id: '2', capabilities: { elicitation: {} } }).peer))
    assert.equal(setup.own.length, 0)
    await call(setup, contextFor(legacyPeer({ id: '3', capabilities: { roots: {} } }).peer))
    assert.equal(setup.own.length, 1)
  })

  test('a session stays where its calls were: the server may keep something for it there', async () => {
    let current: ReturnType<typeof testConnection> | undefined
    const setup = setUp(asking, { learned: false, shared: () => current ?? setup.shared })
    const { peer } = legacyPeer({ id: '1' })
    await call(setup, contextFor(peer))
    assert.ok(setup.learned())
    await call(setup, contextFor(peer))
    assert.equal(setup.own.length, 0)
    await call(setup, contextFor(legacyPeer({ id: '2' }).peer))
    assert.equal(setup.own.length, 1)
    // What was kept there is gone with it.
    const handlers = { ...setup.relay.sharedHandlers, onClose: () => undefined }
    current = testConnection({ revision: OLD, serve: asking }, handlers)
    await call(setup, contextFor(peer))
    assert.equal(setup.own.length, 2)
  })

  for (const [name, roots, answer] of [
    ['it is not told that there are none', [], undefined],
    ['it is told those of the configuration', [{ uri: 'file:///srv' }], '{"roots":[{"uri":"file:///srv"}]}'],
  ] as const)
    test(`a server that asks for roots between the calls of a client of 2026-07-28: ${name}`, async () => {
      const setup = setUp(quick, { roots })
      await call(setup, contextFor(modernPeer().peer), meta)
      const asked = setup.own[0]?.handlers.onRequest({
        id: 1,
        method: 'roots/list',
        params: '{}',
        signal: new AbortController().signal,
      })
      if (answer === undefined) await assert.rejects(async () => await asked, /there is nobody to ask/)
      else assert.equal((await asked)?.text, answer)
    })

  test('a client hears of a resource by its own connection, which is not closed for want of calls', async () => {
    const seen: string[] = []
    const setup = setUp(({ method }) => (seen.push(method), '{}'))
    const context = contextFor(legacyPeer().peer)
    await setup.relay.request('resources/subscribe', '{"uri":"a:1"}', context)
    assert.equal(setup.own.length, 1)
    setup.clock.advance(3_600_000)
    assert.equal(setup.relay.leases(), 1)
    assert.ok(seen.includes('resources/subscribe'))
  })

  test('declare exactly what the client declared', async () => {
    const capabilities = { elicitation: {}, extensions: { 'io.modelcontextprotocol/ui': { mimeTypes: ['a/b'] } } }
    const setup = setUp(quick)
    await call(setup, contextFor(legacyPeer({ capabilities }).peer))
    await call(setup, contextFor(modernPeer({ capabilities }).peer), meta)
    assert.deepEqual(
      setup.own.map(({ face }) => face),
      [
        { clientInfo: { name: 'old client', version: '1' }, capabilities },
        { clientInfo: { name: 'new client', version: '1' }, capabilities },
      ],
    )
  })

  test('a session keeps its own as long as it lasts', async () => {
    const setup = setUp(quick)
    const [one, other] = [legacyPeer().peer, legacyPeer({ id: 'session-2' }).peer]
    await Promise.all([call(setup, contextFor(one)), call(setup, contextFor(one)), call(setup, contextFor(other))])
    assert.deepEqual(
      setup.own.map(({ served }) => served.length),
      [2, 1],
    )
    if (one.session) setup.events.emit('mcp.session', { session: one.session, change: 'closed' })
    assert.deepEqual(
      setup.own.map(({ isClosed }) => isClosed),
      [true, false],
    )
  })

  test('questions of its calls find the session, during a call and between calls', async () => {
    const setup = setUp(asking)
    const { peer, asked } = legacyPeer({ answer: () => ({ action: 'accept' }) })
    const results = await Promise.all([call(setup, contextFor(peer)), call(setup, contextFor(peer))])
    assert.deepEqual(
      results.map(({ text }) => text),
      ['{"action":"accept"}', '{"action":"accept"}'],
    )
    const question = { id: 9, method: 'roots/list', params: '{}', signal: new AbortController().signal }
    assert.equal((await setup.own[0]?.handlers.onRequest(question))?.text, '{"action":"accept"}')
    assert.deepEqual(
      asked.map(({ method }) => method),
      ['elicitation/create', 'elicitation/create', 'roots/list'],
    )
  })

  test("the next call of the same caller takes the one that is free; another caller's does not", async () => {
    const setup = setUp(quick)
    const { peer } = modernPeer()
    await call(setup, contextFor(peer, anna), meta)
    await call(setup, contextFor(peer, anna), meta)
    assert.equal(setup.own.length, 1)
    await call(setup, contextFor(peer, bert), meta)
    await call(setup, contextFor(modernPeer({ capabilities: { roots: {} } }).peer, anna), meta)
    assert.equal(setup.own.length, 3)
  })

  test('a parked call keeps its own until it is over', async () => {
    const setup = setUp(asking)
    const { peer } = modernPeer()
    const first = (await call(setup, contextFor(peer), meta)).value
    await call(setup, contextFor(peer), meta)
    assert.equal(setup.own.length, 2)
    const inputResponses = { question_1: { action: 'accept' } }
    await call(setup, contextFor(peer), { ...meta, requestState: first['requestState'], inputResponses })
    await call(setup, contextFor(peer), meta)
    assert.equal(setup.own.length, 2)
    await setup.relay.close()
  })

  test('one whose call was withdrawn is not used again', async () => {
    const { serve, begun } = held()
    const setup = setUp(serve)
    const context = contextFor(modernPeer().peer)
    const withdrawn = assert.rejects(call(setup, context, meta), /gone/)
    await begun()
    context.abort(new Error('gone'))
    await withdrawn
    assert.ok(setup.own[0]?.isClosed)
    assert.equal(setup.relay.leases(), 0)
  })

  test('one that breaks is opened again', async () => {
    const setup = setUp(quick)
    const { peer } = legacyPeer()
    await call(setup, contextFor(peer))
    setup.own[0]?.handlers.onClose('it crashed')
    await call(setup, contextFor(peer))
    assert.equal(setup.own.length, 2)
    assert.equal(setup.relay.leases(), 1)
  })

  test('where there is no room, what was unused longest goes', async () => {
    const setup = setUp(quick, { mostConnections: 2 })
    for (const id of ['1', '2', '1', '3']) {
      await call(setup, contextFor(legacyPeer({ id }).peer))
      setup.clock.advance(10)
    }
    assert.deepEqual(
      setup.own.map(({ isClosed }) => isClosed),
      [false, true, false],
    )
  })

  test('where all are in use a call waits, then says so', async () => {
    const { serve, begun, end } = held()
    const setup = setUp(serve, { mostConnections: 1 })
    const first = call(setup, contextFor(legacyPeer({ id: '1' }).peer))
    await begun()
    const late = assert.rejects(call(setup, contextFor(legacyPeer({ id: '2' }).peer)), {
      code: 'unavailable',
      message: /weather talks with 1 clients already/,
    })
    await new Promise(setImmediate)
    setup.clock.advance(5_000)
    await late
    const patient = call(setup, contextFor(legacyPeer({ id: '3' }).peer))
    end()
    await Promise.all([first, patient])
    assert.deepEqual(
      setup.own.map(({ isClosed }) => isClosed),
      [true, false],
    )
  })

  test('where two fall free at once, both that wait get one', async () => {
    const both = Promise.withResolvers<string>()
    let arrived = 0
    const serve: Serve = ({ params }) => {
      if (params['hang'] === true) return new Promise(() => {})
      if (++arrived === 2) both.resolve('{}')
      return both.promise
    }
    const setup = setUp(serve, { mostConnections: 2 })
    const peers = ['1', '2', '3', '4'].map((id) => legacyPeer({ id }).peer)
    for (const peer of peers.slice(0, 2)) void call(setup, contextFor(peer), { hang: true }).catch(() => undefined)
    await new Promise(setImmediate)
    const waiting = peers.slice(2).map((peer) => call(setup, contextFor(peer)))
    await new Promise(setImmediate)
    for (const { session } of peers.slice(0, 2))
      if (session) setup.events.emit('mcp.session', { session, change: 'closed' })
    await new Promise(setImmediate)
    // Whoever was not told gives up then.
    setup.clock.advance(5_000)
    assert.equal((await Promise.all(waiting)).length, 2)
  })

  test('one that falls free while the first that waits gives up is had by the next', async () => {
    const both = Promise.withResolvers<string>()
    const serve: Serve = ({ params }) => (params['hang'] === true ? new Promise(() => {}) : both.promise)
    const setup = setUp(serve, { mostConnections: 1 })
    const [first, second, third] = ['1', '2', '3'].map((id) => legacyPeer({ id }).peer)
    void call(setup, contextFor(first), { hang: true }).catch(() => undefined)
    await new Promise(setImmediate)
    const impatient = new AbortController()
    const given = assert.rejects(call(setup, { ...contextFor(second), signal: impatient.signal }), /gone/)
    const waiting = call(setup, contextFor(third))
    await new Promise(setImmediate)
    if (first?.session) setup.events.emit('mcp.session', { session: first.session, change: 'closed' })
    impatient.abort(new Error('gone'))
    await given
    both.resolve('{}')
    await new Promise(setImmediate)
    // Whoever was not told gives up then.
    setup.clock.advance(5_000)
    await waiting
  })

  test("unused ones are closed after a while, a caller's sooner than a session's", async () => {
    const setup = setUp(quick)
    await call(setup, contextFor(legacyPeer().peer))
    await call(setup, contextFor(modernPeer().peer), meta)
    setup.clock.advance(75_000)
    assert.deepEqual(
      setup.own.map(({ isClosed }) => isClosed),
      [false, true],
    )
    setup.clock.advance(600_000)
    assert.deepEqual(
      setup.own.map(({ isClosed }) => isClosed),
      [true, true],
    )
  })

  test("where it was said that each client needs its own, a caller's is kept as long as a session's", async () => {
    const setup = setUp(quick, { sharing: 'per_client' })
    await call(setup, contextFor(modernPeer().peer), meta)
    setup.clock.advance(500_000)
    assert.equal(setup.own[0]?.isClosed, false)
    setup.clock.advance(200_000)
    assert.equal(setup.own[0]?.isClosed, true)
  })

  test('one that cannot be opened fails its calls and leaves nothing behind', async () => {
    const setup = setUp(quick, { connectFor: () => Promise.reject(new Error('no such command')) })
    const { peer } = legacyPeer()
    const calls = await Promise.allSettled([call(setup, contextFor(peer)), call(setup, contextFor(peer))])
    assert.deepEqual(
      calls.map(({ status }) => status),
      ['rejected', 'rejected'],
    )
    assert.equal(setup.relay.leases(), 0)
  })

  test('changed roots are told, and the log level', async () => {
    const setup = setUp(quick)
    const { peer } = legacyPeer({ logLevel: 'error' })
    await call(setup, contextFor(peer))
    assert.deepEqual(setup.own[0]?.levels, ['error'])
    if (!peer.session) return
    setup.events.emit('mcp.session', { session: peer.session, change: 'roots' })
    setup.events.emit('mcp.session', { session: { ...peer.session, logLevel: 'debug' }, change: 'level' })
    await new Promise(setImmediate)
    assert.deepEqual(setup.own[0]?.notified, [{ method: 'notifications/roots/list_changed', params: '{}' }])
    assert.deepEqual(setup.own[0]?.levels, ['error', 'debug'])
  })
})

suite('the log level of the shared connection', () => {
  test('is the lowest that a session asked for, and a server that was started again is told anew', async () => {
    let current: ReturnType<typeof testConnection> | undefined
    const setup = setUp(quick, { learned: false, shared: () => current ?? setup.shared })
    const tell = (
      id: string,
      logLevel: 'debug' | 'info' | 'error' | undefined,
      change: 'level' | 'closed' = 'level',
    ) => {
      const { session } = legacyPeer({ id, ...(logLevel !== undefined && { logLevel }) }).peer
      if (session) setup.events.emit('mcp.session', { session, change })
    }
    tell('1', 'error')
    assert.deepEqual(setup.shared.levels, [], 'no server is started for it')
    await call(setup, contextFor())
    tell('2', 'info')
    tell('3', 'error')
    tell('2', undefined, 'closed')
    assert.deepEqual(setup.shared.levels, ['error', 'info', 'error'])
    await call(setup, contextFor(modernPeer({ logLevel: 'debug' }).peer), meta)
    assert.deepEqual(setup.shared.levels, ['error', 'info', 'error', 'debug'])
    current = testConnection(
      { revision: OLD, serve: quick },
      { ...setup.relay.sharedHandlers, onClose: () => undefined },
    )
    await call(setup, contextFor())
    assert.deepEqual(current.levels, ['debug'])
  })
})
