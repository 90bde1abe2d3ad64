import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { suite, test, type TestContext } from 'node:test'
import { silentLog } from '../../kernel/log.ts'
import { createAuthenticate } from '../http/authenticate.ts'
import { createGuard } from '../http/guard.ts'
import { startHttpServer } from '../http/server.ts'
import { sampleRest, TOKEN } from './samples.suite.ts'

/** What only shows with real connections. */

async function started(test: TestContext) {
  const { rest, door, identity } = sampleRest()
  const server = await startHttpServer({
    host: '127.0.0.1',
    port: 0,
    app: { fetch: rest },
    guard: createGuard({ hosts: [] }),
    authenticate: createAuthenticate(identity),
    onUpgrade: () => undefined,
    log: silentLog,
  })
  test.after(() => server.stop(0))
  const send = (path: string, body: string, headers: Record<string, string> = {}) =>
    request(`${server.url}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json', ...headers },
    }).end(body)
  return { server, door, send }
}

const answerOf = async (sent: ReturnType<typeof request>) => {
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  return { response, body: await text(response) }
}

suite('rest over http', () => {
  test('carries a body with and without its length', async (t) => {
    const { send } = await started(t)
    const body = JSON.stringify({ value: 'ü'.repeat(50_000) })
    for (const headers of [{ 'content-length': String(Buffer.byteLength(body)) }, { 'transfer-encoding': 'chunked' }]) {
      const { response, body: back } = await answerOf(send('/api/test/echo', body, headers))
      assert.equal(response.statusCode, 200)
      assert.equal(back, body)
    }
  })

  test('takes a POST without any body, as `curl -X POST` sends it', async (t) => {
    const { server } = await started(t)
    const socket = connect(server.port, '127.0.0.1')
    socket.write('POST /api/manager/list_commands HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
    assert.match(await text(socket), /^HTTP\/1.1 200 [^]*\{"commands":\[\]\}$/)
  })

  test('a fault has its status, its headers and its length', async (t) => {
    const { send } = await started(t)
    const { response, body } = await answerOf(send('/api/test/echo', '{}', { authorization: 'Bearer wrong' }))
    assert.equal(response.statusCode, 401)
    assert.equal(response.headers['content-type'], 'application/problem+json')
    assert.match(response.headers['www-authenticate'] ?? '', /invalid_token/)
    assert.equal(Number(response.headers['content-length']), Buffer.byteLength(body))
  })

  test('the peer is part of who asks', async (t) => {
    const { send, door } = await started(t)
    const seen = Promise.withResolvers<string | undefined>()
    const entry = door.registry.find('echo')

    const tool = Object.create(entry.tool, {
      run: {
        value: async (input: unknown, { caller }: { caller: { address?: string } }) => (
          seen.resolve(caller.address),
          input
        ),
      },
    })
    door.registry.add({ ...entry.provider, tools: [tool] })
    await answerOf(send('/api/test/echo', '{"value":1}'))
    assert.equal(await seen.promise, '127.0.0.1')
  })

  for (const accept of ['application/json', 'text/event-stream'])
    test(`a client that hangs up cancels its call (${accept})`, async (t) => {
      const { send, door } = await started(t)
      const running = Promise.withResolvers<void>()
      const entry = door.registry.find('wait_forever')
      const cancelled = Promise.withResolvers<void>()
      const run = (_: unknown, { signal }: { signal: AbortSignal }) => {
        signal.addEventListener('abort', () => cancelled.resolve())
        running.resolve()
        return new Promise(() => {})
      }
      door.registry.add({ ...entry.provider, tools: [Object.create(entry.tool, { run: { value: run } })] })
      const sent = send('/api/test/wait_forever', '{}', { accept })
      sent.on('error', () => {})
      await running.promise
      sent.destroy()
      await cancelled.promise
    })

  test('events arrive one by one', async (t) => {
    const { send } = await started(t)
    const { response, body } = await answerOf(send('/api/test/count_up', '{"to":2}', { accept: 'text/event-stream' }))
    assert.equal(response.headers['content-type'], 'text/event-stream')
    assert.deepEqual(
      [...body.matchAll(/^event: (.*)$/gm)].map(([, name]) => name),
      ['progress', 'progress', 'log', 'result'],
    )
  })
})
