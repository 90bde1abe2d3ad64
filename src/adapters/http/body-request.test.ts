import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import { connect, type AddressInfo, type Socket } from 'node:net'
import { suite, test, type TestContext } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { BodyRequest, type BodyTaker } from './body-request.ts'

/** What a taker was told, and how much it wants. */
class Told implements BodyTaker {
  readonly words: string[] = []
  readonly #most: number
  readonly #done = Promise.withResolvers<void>()
  readonly done = this.#done.promise

  constructor(most = Number.POSITIVE_INFINITY) {
    this.#most = most
  }

  piece(bytes: Buffer): boolean {
    const wanted = this.words.length < this.#most
    this.words.push(wanted ? bytes.toString() : 'no more')
    if (!wanted) this.#done.resolve()
    return wanted
  }

  end(): void {
    this.words.push('end')
    this.#done.resolve()
  }

  broken(): void {
    this.words.push('broken')
    this.#done.resolve()
  }
}

type Handle = (request: BodyRequest, response: ServerResponse) => void

/** A connection to a server of such requests. */
async function connected(t: TestContext, handle: Handle): Promise<Socket> {
  const server = createServer({ IncomingMessage: BodyRequest }, handle)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  t.after(() => {
    socket.destroy()
    server.close()
  })
  await once(socket, 'connect')
  return socket
}

const head = (length: number) => `POST / HTTP/1.1\r\nhost: x\r\ncontent-length: ${length}\r\n\r\n`

/** Everything that is said on it until that many answers are whole. */
async function answers(socket: Socket, count: number): Promise<string> {
  let text = ''
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    text += chunk.toString()
    if (text.split('0\r\n\r\n').length > count) break
  }
  return text
}

suite('the body of a request', () => {
  test('is handed over as it comes, and nothing of it goes by the stream', async (t) => {
    const told = new Told()
    const { promise: request, resolve } = Promise.withResolvers<BodyRequest>()
    const socket = await connected(t, (incoming) => {
      assert.equal(incoming.takeBody(told), true)
      resolve(incoming)
    })
    socket.write(`${head(6)}abc`)
    const incoming = await request
    assert.equal(incoming.readableEnded, false)
    socket.write('def')
    await told.done
    assert.deepEqual(told.words, ['abc', 'def', 'end'])
    assert.equal(incoming.complete, true)
    assert.equal(incoming.readableEnded, true)
    assert.equal(incoming.readableLength, 0)
  })

  test('of requests that come together goes to each its own, and the connection stays', async (t) => {
    const takers: Told[] = []
    const socket = await connected(t, (request, response) => {
      const told = new Told()
      takers.push(told)
      request.takeBody(told)
      void told.done.then(() => response.write(told.words.join(' '))).then(() => response.end())
    })
    socket.write(`${head(3)}one${head(3)}two`)
    socket.write(`${head(5)}three`)
    const text = await answers(socket, 3)
    assert.deepEqual(
      takers.map(({ words }) => words),
      [
        ['one', 'end'],
        ['two', 'end'],
        ['three', 'end'],
      ],
    )
    assert.match(text, /one end[^]*two end[^]*three end/)
  })

  test('that nobody wants any more is left to the stream from there on', async (t) => {
    const told = new Told(1)
    const { promise: rest, resolve } = Promise.withResolvers<string>()
    const socket = await connected(t, (request) => {
      request.takeBody(told)
      void told.done.then(async () => resolve((await request.toArray()).join('')))
    })
    socket.write(`${head(9)}abc`)
    while (told.words.length === 0) await nextTurn()
    socket.write('def')
    await told.done
    socket.write('ghi')
    assert.deepEqual(told.words, ['abc', 'no more'])
    assert.equal(await rest, 'ghi')
  })

  test('that has begun to arrive is not taken: the stream has it', async (t) => {
    const { promise: body, resolve } = Promise.withResolvers<string>()
    const socket = await connected(t, async (request) => {
      await nextTurn()
      assert.equal(request.takeBody(new Told()), false)
      resolve((await request.toArray()).join(''))
    })
    socket.write(`${head(3)}abc`)
    assert.equal(await body, 'abc')
  })

  test('that is none ends at once', async (t) => {
    const told = new Told()
    const socket = await connected(t, (request) => void request.takeBody(told))
    socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n')
    await told.done
    assert.deepEqual(told.words, ['end'])
  })

  for (const [how, end] of [
    ['its client', (socket: Socket) => socket.destroy()],
    ['the server', (_: Socket, request: BodyRequest) => request.socket.destroy()],
    ['somebody who destroys the request', (_: Socket, request: BodyRequest) => request.destroy()],
  ] as const)
    test(`that is cut off by ${how} is said to be broken, once`, async (t) => {
      const told = new Told()
      const { promise: request, resolve } = Promise.withResolvers<BodyRequest>()
      const socket = await connected(t, (incoming) => {
        incoming.takeBody(told)
        resolve(incoming)
      })
      socket.write(`${head(6)}abc`)
      const incoming = await request
      while (told.words.length === 0) await nextTurn()
      end(socket, incoming)
      await told.done
      await nextTurn()
      assert.deepEqual(told.words, ['abc', 'broken'])
    })

  test('that is whole is not broken by a connection that ends before the answer', async (t) => {
    const told = new Told()
    const { promise: closed, resolve } = Promise.withResolvers<void>()
    const socket = await connected(t, (request, response) => {
      request.takeBody(told)
      response.on('close', () => resolve())
    })
    socket.write(`${head(3)}abc`)
    await told.done
    socket.destroy()
    await closed
    assert.deepEqual(told.words, ['abc', 'end'])
  })
})
