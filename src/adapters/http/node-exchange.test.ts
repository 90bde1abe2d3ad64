import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, request as ask, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { suite, test, type TestContext } from 'node:test'
import { text } from 'node:stream/consumers'
import { anonymous } from '../../kernel/caller.ts'
import { BodyRequest } from './body-request.ts'
import { NodeExchange } from './node-exchange.ts'

type Handle = (exchange: NodeExchange, response: ServerResponse) => Promise<void> | void

/** Asks a server that answers so. */
async function asked(t: TestContext, handle: Handle, body = '') {
  const options = { limits: { bodyBytes: 1000 }, authenticate: () => anonymous('mcp') }
  const server = createServer({ IncomingMessage: BodyRequest }, (incoming, response) => {
    void handle(new NodeExchange(incoming, response, options), response)
  })
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  const request = ask({ port, method: 'POST', headers: { 'content-type': 'application/json' } })
  request.on('error', () => undefined).end(body)
  return request
}

suite('an exchange over HTTP', () => {
  test('whoever listens for its client to leave is let go of when it is over', async (t) => {
    const { promise: over, resolve } = Promise.withResolvers<ServerResponse>()
    const request = await asked(t, (exchange, response) => {
      exchange.onLeave(() => assert.fail('nobody left'))
      response.once('close', () => setImmediate(resolve, response))
      exchange.answer(200, {}, 'done')
    })
    const [answer] = (await once(request, 'response')) as [IncomingMessage]
    assert.equal(await text(answer), 'done')
    assert.equal((await over).listenerCount('close'), 0)
  })

  test('a client that leaves before the answer is noticed once', async (t) => {
    const { promise: left, resolve } = Promise.withResolvers<void>()
    let times = 0
    const request = await asked(t, (exchange) => {
      exchange.onLeave(() => {
        times++
        setImmediate(resolve)
      })
      request.destroy()
    })
    await left
    assert.equal(times, 1)
  })

  test('a body that is here already is not waited for when the answer is that it is too large', async (t) => {
    const { promise: ended, resolve } = Promise.withResolvers<boolean>()
    const request = await asked(
      t,
      async (exchange, response) => {
        assert.equal(await exchange.body(), '{}')
        exchange.answer(413, {}, 'too much for what it is about')
        resolve(response.writableEnded)
      },
      '{}',
    )
    const [answer] = (await once(request, 'response')) as [IncomingMessage]
    assert.equal(answer.statusCode, 413)
    assert.equal(await text(answer), 'too much for what it is about')
    assert.equal(await ended, true)
  })
})
