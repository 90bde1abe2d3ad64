import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { suite, test, type TestContext } from 'node:test'
import { WebSocket } from 'ws'
import { heldClock } from '../../kernel/clock.ts'
import type { EventMap } from '../../kernel/events.ts'
import { Fault } from '../../kernel/fault.ts'
import type { Holder } from '../../kernel/identity.ts'
import { cancelled, testMcp } from '../../testing/mcp.ts'
import type { HttpExchange } from './http-exchange.ts'
import { createMcpWebSocket } from './websocket.ts'

const ACCEPT = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' }
const META = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
}

const anna: Holder = {
  id: 'person-anna',
  name: 'anna',
  person: 'person-anna',
  credential: 'login-1',
  scopes: ['test:read', 'test:write'],
}

function start(clock = heldClock()) {
  const holders = new Map([['first', anna]])
  const mcp = testMcp({ clock, holders })
  const ask = (token: string, body: object, headers: Record<string, string> = {}) =>
    mcp.fetch('/mcp', {
      method: 'POST',
      headers: { ...ACCEPT, authorization: `Bearer ${token}`, ...headers },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, ...body }),
    })
  const call = (token: string, name: string, session: string) =>
    ask(token, { method: 'tools/call', params: { name, arguments: {} } }, { 'mcp-session-id': session })
  const modern = (token: string, method: string, params: Record<string, unknown>) =>
    ask(
      token,
      { method, params: { ...params, _meta: META } },
      {
        'mcp-protocol-version': '2026-07-28',
        'mcp-method': method,
        ...(typeof params['name'] === 'string' && { 'mcp-name': params['name'] }),
      },
    )
  const open = async (token: string) => {
    const response = await ask(token, { method: 'initialize', params: { protocolVersion: '2025-11-25' } })
    return response.headers.get('mcp-session-id') ?? ''
  }
  const end = (event: EventMap['access.ended']) => mcp.door.events.emit('access.ended', event)
  return { mcp, clock, holders, ask, call, modern, open, end }
}

suite('a session is no way to what it was opened with', () => {
  const others: [name: string, holder: Holder, status: number][] = [
    ['the same token', anna, 200],
    ['the next token of the same login', { ...anna, expiresMs: 9e15 }, 200],
    ['the next token, which may more', { ...anna, scopes: ['*'] }, 200],
    ['somebody else', { ...anna, id: 'person-ben', person: 'person-ben' }, 404],
    ['another login of the same person', { ...anna, credential: 'login-2' }, 404],
    ['the same login with less', { ...anna, scopes: ['test:read'] }, 404],
    ['the same login within bounds', { ...anna, scopes: ['test:*@room/kitchen'] }, 404],
    ['the owner', { id: 'owner', name: 'owner', scopes: ['*'], role: 'owner', credential: 'owner' }, 404],
  ]
  for (const [name, holder, status] of others)
    test(`${name} gets ${status}`, async () => {
      const { holders, open, call, mcp } = start()
      const session = await open('first')
      holders.set('second', holder)
      assert.equal((await call('second', 'fail', session)).status, status)
      mcp.http.close()
    })

  test('what a request may is decided by its own token', async () => {
    const { holders, open, call, mcp } = start()
    holders.set('first', { ...anna, scopes: ['test:read'] })
    const session = await open('first')
    assert.equal((await call('first', 'delete_all', session)).status, 403)
    holders.set('more', anna)
    const allowed = (await (await call('more', 'delete_all', session)).json()) as { result?: unknown }
    assert.ok(allowed.result)
    assert.equal((await call('first', 'delete_all', session)).status, 403)
    mcp.http.close()
  })
})

suite('access that ends', () => {
  const ends: [name: string, event: EventMap['access.ended'], isOver: boolean][] = [
    ['the login', { credential: 'login-1' }, true],
    ['the person', { person: 'person-anna' }, true],
    ['another login', { credential: 'login-2' }, false],
    ['another person', { person: 'person-ben' }, false],
  ]
  for (const [name, event, isOver] of ends)
    test(`${name}: a session is ${isOver ? 'over' : 'as before'}`, async () => {
      const { open, call, end, mcp } = start()
      const session = await open('first')
      end(event)
      assert.equal((await call('first', 'fail', session)).status, isOver ? 404 : 200)
      mcp.http.close()
    })

  test('a session’s stream ends, and what runs is answered with the reason', async () => {
    const { open, call, end, mcp } = start()
    const session = await open('first')
    const stream = await mcp.fetch('/mcp', {
      headers: { accept: 'text/event-stream', authorization: 'Bearer first', 'mcp-session-id': session },
    })
    const before = cancelled.count
    const running = call('first', 'wait', session)
    await new Promise(setImmediate)
    end({ credential: 'login-1' })
    const answer = (await (await running).json()) as { error: { message: string } }
    assert.match(answer.error.message, /access of this caller has ended/)
    assert.equal(cancelled.count, before + 1)
    // It ends: else this would wait for ever.
    await stream.text()
    mcp.http.close()
  })

  test('a call without a session is answered with 401, and a subscription ends as the protocol has it', async () => {
    const { modern, end, mcp } = start()
    const running = modern('first', 'tools/call', { name: 'wait', arguments: {} })
    const listening = await modern('first', 'subscriptions/listen', { notifications: { toolsListChanged: true } })
    await new Promise(setImmediate)
    end({ person: 'person-anna' })
    const refused = await running
    assert.equal(refused.status, 401)
    assert.match(refused.headers.get('www-authenticate') ?? '', /Bearer/)
    assert.match(await listening.text(), /"resultType":"complete"/)
    mcp.http.close()
  })

  test('a stream ends when its token expires, and the session goes on with the next token', async () => {
    const { holders, clock, open, call, mcp } = start()
    holders.set('first', { ...anna, expiresMs: clock.now() + 90_000 })
    const session = await open('first')
    const listen = (token: string) =>
      mcp.fetch('/mcp', {
        headers: { accept: 'text/event-stream', authorization: `Bearer ${token}`, 'mcp-session-id': session },
      })
    const stream = await listen('first')
    clock.advance(120_000)
    await stream.text()
    holders.set('next', { ...anna, expiresMs: clock.now() + 90_000 })
    assert.equal((await call('next', 'fail', session)).status, 200)
    assert.equal((await listen('next')).status, 200)
    mcp.http.close()
  })

  test('a subscription ends when its token expires', async () => {
    const { holders, clock, modern, mcp } = start()
    holders.set('first', { ...anna, expiresMs: clock.now() + 90_000 })
    const listening = await modern('first', 'subscriptions/listen', { notifications: { toolsListChanged: true } })
    clock.advance(90_000)
    assert.match(await listening.text(), /"resultType":"complete"/)
    mcp.http.close()
  })

  test('the old pair of endpoints ends, and takes nothing of another token', async () => {
    const { holders, end, mcp } = start()
    const stream = await mcp.fetch('/sse', { headers: { authorization: 'Bearer first' } })
    const reader = stream.body?.pipeThrough(new TextDecoderStream()).getReader()
    const { value = '' } = (await reader?.read()) ?? {}
    const path = /data: (\S+)/.exec(value)?.[1] ?? ''
    const post = (token: string) =>
      mcp.fetch(path, {
        method: 'POST',
        headers: { ...ACCEPT, authorization: `Bearer ${token}` },
        body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' }),
      })
    holders.set('second', { ...anna, credential: 'login-2' })
    assert.equal((await post('second')).status, 404)
    assert.equal((await post('first')).status, 202)
    end({ credential: 'login-1' })
    assert.equal((await post('first')).status, 404)
    while (!(await reader?.read())?.done);
  })
})

suite('access that ends while the body of a request comes', () => {
  /** A request whose sender loses their access before the body is there. */
  const late = (open: ReturnType<typeof start>, query: string, body: object) => {
    const { mcp, holders, clock, end } = open
    const answered = Promise.withResolvers<number>()
    const exchange: HttpExchange = {
      method: 'POST',
      header: () => undefined,
      query: () => query,
      authenticate() {
        const holder = holders.get('first')
        if (holder) return { ...holder, via: 'mcp' }
        throw new Fault('unauthenticated', 'Nobody has that token.')
      },
      async body() {
        clock.advance(60_000)
        holders.delete('first')
        end({ credential: 'login-1' })
        return JSON.stringify({ jsonrpc: '2.0', id: 1, ...body })
      },
      answer: (status) => answered.resolve(status),
      open: () => assert.fail('it is answered as if its sender were known'),
      onLeave: () => {},
    }
    return { mcp, exchange, status: answered.promise }
  }

  test('it is refused', async () => {
    const message = { method: 'tools/call', params: { name: 'delete_all', arguments: {}, _meta: META } }
    const { mcp, exchange, status } = late(start(), '', message)
    await mcp.http.handle(exchange)
    assert.equal(await status, 401)
    mcp.http.close()
  })

  test('so it is on the old pair of endpoints', async () => {
    const open = start()
    const stream = await open.mcp.fetch('/sse', { headers: { authorization: 'Bearer first' } })
    const reader = stream.body?.pipeThrough(new TextDecoderStream()).getReader()
    const { value = '' } = (await reader?.read()) ?? {}
    const { mcp, exchange, status } = late(open, /session=(\S+)/.exec(value)?.[1] ?? '', { method: 'ping' })
    await mcp.sse.post(exchange)
    assert.equal(await status, 404)
  })
})

suite('access that ends on a WebSocket', () => {
  async function connect(context: TestContext, expiresInMs?: number) {
    const { mcp, clock, end } = start()
    const caller = { ...anna, via: 'mcp', ...(expiresInMs && { expiresMs: clock.now() + expiresInMs }) } as const
    const sockets = createMcpWebSocket({ server: mcp.server, largestMessageBytes: 10_000 })
    const http = createServer()
    http.on('upgrade', (request, socket, head) =>
      sockets.accept({ request, socket, head, caller, isStillKnown: () => true }),
    )
    http.listen(0, '127.0.0.1')
    await once(http, 'listening')
    context.after(() => {
      sockets.close()
      http.closeAllConnections()
      http.close()
    })
    const socket = new WebSocket(`ws://127.0.0.1:${(http.address() as AddressInfo).port}/mcp`)
    await once(socket, 'open')
    return { socket, end, clock }
  }

  test('it is closed with the code for a policy', async (context) => {
    const { socket, end } = await connect(context)
    const closed = once(socket, 'close')
    end({ credential: 'login-1' })
    assert.equal((await closed)[0], 1008)
  })

  test('the same when the token expires', async (context) => {
    const { socket, clock } = await connect(context, 10_000)
    const closed = once(socket, 'close')
    clock.advance(10_000)
    assert.equal((await closed)[0], 1008)
  })
})
