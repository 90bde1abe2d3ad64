import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { suite, test, type TestContext } from 'node:test'
import { text } from 'node:stream/consumers'
import { createIdentity } from '../../kernel/identity.ts'
import { silentLog } from '../../kernel/log.ts'
import { createAuthenticate } from './authenticate.ts'
import { createGuard } from './guard.ts'
import { problemResponse } from './problem.ts'
import { readJson } from './read-json.ts'
import { startHttpServer, type ServerOptions } from './server.ts'
import type { Upgrade } from './upgrade.ts'

const ok: ServerOptions['app'] = { fetch: () => new Response('ok') }

async function started(test: TestContext, options: Partial<ServerOptions> = {}) {
  const server = await startHttpServer({
    host: '127.0.0.1',
    port: 0,
    app: ok,
    guard: createGuard({ hosts: [] }),
    authenticate: createAuthenticate(createIdentity('secret-token')),
    onUpgrade: () => undefined,
    log: silentLog,
    ...options,
  })
  test.after(() => server.stop(0))
  return server
}

/** Sends bytes as they are and gives back everything that came before the other side closed. */
async function raw(port: number, message: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  socket.write(message)
  return text(socket)
}

const get = async (port: number, headers: Record<string, string> = {}) => {
  const [response] = (await once(request({ port, headers }).end(), 'response')) as [IncomingMessage]
  return { response, body: await text(response) }
}

suite('http server', () => {
  test('answers, and refuses a foreign Host or Origin with a problem', async (t) => {
    const { port, url } = await started(t)
    assert.equal(url, `http://127.0.0.1:${port}`)
    assert.equal((await get(port)).body, 'ok')
    for (const headers of [{ host: 'evil.example' }, { origin: 'http://evil.example' }]) {
      const { response, body } = await get(port, headers)
      assert.equal(response.statusCode, 403)
      assert.equal(response.headers['content-type'], 'application/problem+json')
      assert.match(body, /"code":"forbidden"/)
    }
  })

  test('shares answers with the pages it was told of, and asks no app about it', async (t) => {
    const origin = 'https://home.example'
    const guard = createGuard({ hosts: [], origins: [origin] })
    const { port } = await started(t, { guard, sharedOrigins: [origin] })
    const { response } = await get(port, { origin })
    assert.equal(response.headers['access-control-allow-origin'], origin)
    const own = await get(port, { origin: `http://localhost:${port}`, host: `localhost:${port}` })
    assert.equal(own.response.headers['access-control-allow-origin'], undefined)
    const preflight = request({
      port,
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': 'PUT', 'access-control-request-headers': 'authorization' },
    })
    const [answer] = (await once(preflight.end(), 'response')) as [IncomingMessage]
    assert.equal(answer.statusCode, 204)
    assert.equal(answer.headers['access-control-allow-headers'], 'authorization')
    assert.equal(answer.headers['access-control-allow-credentials'], undefined)
    answer.resume()
  })

  test('an app that throws gives a problem without details', async (t) => {
    const { port } = await started(t, { app: { fetch: () => Promise.reject(new Error('inner detail')) } })
    const { response, body } = await get(port)
    assert.equal(response.statusCode, 500)
    assert.doesNotMatch(body, /inner detail/)
  })

  test('refuses headers over the limit, and broken requests', async (t) => {
    const { port } = await started(t)
    const large = `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`
    assert.match(await raw(port, large), /^HTTP\/1.1 431 /)
    assert.match(await raw(port, 'GET / HTTP/1.1\r\nConnection: close\r\n\r\n'), /^HTTP\/1.1 400 /)
    assert.match(await raw(port, 'nonsense\r\n\r\n'), /^HTTP\/1.1 400 /)
  })

  test('a body over the limit is refused before it is read', async (t) => {
    const app = { fetch: (asked: Request) => readJson(asked).then(() => new Response(), problemResponse) }
    const { port } = await started(t, { app })
    const head = 'POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nConnection: close\r\n'
    assert.match(await raw(port, `${head}Content-Length: 99999999\r\n\r\n`), /^HTTP\/1.1 413 /)
    const chunk = `100000\r\n${' '.repeat(0x10_00_00)}\r\n`
    assert.match(await raw(port, `${head}Transfer-Encoding: chunked\r\n\r\n${chunk.repeat(5)}`), /^HTTP\/1.1 413 /)
  })

  test('a taken port is a fault that names the way out', async (t) => {
    const { port } = await started(t)
    await assert.rejects(started(t, { port }), (fault: Error & { code: string; hint: string }) => {
      assert.equal(fault.code, 'conflict')
      assert.match(`${fault.message} ${fault.hint}`, new RegExp(`Port ${port} .*--port`))
      return true
    })
    await assert.rejects(started(t, { host: '203.0.113.1' }), { code: 'invalid_input' })
  })

  const upgrade = (headers: string) =>
    `GET /mcp?x=1 HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${headers}\r\n`
  const refused = [
    ['foreign Host', upgrade('').replace('localhost', 'evil.example'), 403],
    ['foreign Origin', upgrade('Origin: http://evil.example\r\n'), 403],
    ['wrong token', upgrade('Authorization: Bearer wrong\r\n'), 401],
    ['unknown path', upgrade('').replace('/mcp', '/nowhere'), 404],
  ] as const
  for (const [why, message, status] of refused)
    test(`refuses an upgrade: ${why}`, async (t) => {
      const onUpgrade: ServerOptions['onUpgrade'] = (path) =>
        path === '/mcp' ? { via: 'mcp', accept: () => assert.fail('accepted') } : undefined
      const { port } = await started(t, { onUpgrade })
      const answer = await raw(port, message)
      assert.ok(answer.startsWith(`HTTP/1.1 ${status} `), answer)
      assert.match(answer, /application\/problem\+json/)
    })

  test('an upgrade behind a request that waits for its answer is a request like others', async (t) => {
    const first = Promise.withResolvers<Response>()
    const app: ServerOptions['app'] = {
      fetch({ url }) {
        if (url.endsWith('/first')) return first.promise
        setImmediate(() => first.resolve(new Response('the first answer')))
        return new Response('the second answer')
      },
    }
    const { port } = await started(t, { app, onUpgrade: () => assert.fail('it overtook the answer') })
    const upgradeAfter = upgrade('').replace('Connection: Upgrade', 'Connection: Upgrade, close')
    const answers = await raw(port, `GET /first HTTP/1.1\r\nHost: localhost\r\n\r\n${upgradeAfter}`)
    assert.match(answers, /^HTTP\/1\.1 200 [^]*the first answer[^]*HTTP\/1\.1 200 [^]*the second answer$/)
  })

  test('hands an upgrade to its route with the caller, and ends it when stopped', async (t) => {
    const taken = Promise.withResolvers<Upgrade>()
    const server = await started(t, { onUpgrade: () => ({ via: 'mcp', accept: taken.resolve }) })
    const answer = raw(server.port, upgrade('Authorization: Bearer secret-token\r\n'))
    const { caller, socket } = await taken.promise
    assert.deepEqual([caller.id, caller.via, caller.address], ['owner', 'mcp', '127.0.0.1'])
    socket.write('welcome')
    await server.stop(10)
    assert.equal(await answer, 'welcome')
  })

  test('stopping lets a running request finish and takes no new one', async (t) => {
    const arrived = Promise.withResolvers<void>()
    const finish = Promise.withResolvers<Response>()
    const app = { fetch: () => (arrived.resolve(), finish.promise) }
    const server = await started(t, { app })
    // Ends only when the server closes the connection, which the client would keep.
    const asked = raw(server.port, 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
    await arrived.promise
    const stopped = server.stop(60_000)
    await assert.rejects(get(server.port), { code: 'ECONNREFUSED' })
    finish.resolve(new Response('done'))
    assert.match(await asked, /done$/)
    await stopped
  })

  test('stopping cuts a stream that does not end, and the app hears of it', async (t) => {
    const left = Promise.withResolvers<void>()
    const body = new ReadableStream({ start: (out) => out.enqueue(Buffer.from('on')), cancel: () => left.resolve() })
    const server = await started(t, { app: { fetch: () => new Response(body) } })
    const [response] = (await once(request({ port: server.port }).end(), 'response')) as [IncomingMessage]
    await server.stop(10)
    await assert.rejects(text(response), { code: 'ECONNRESET' })
    await left.promise
  })
})
