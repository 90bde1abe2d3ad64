import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { suite, test, type TestContext } from 'node:test'
import { brokerAt, establish, messagesOf, toolkitFor } from '../../testing/mqtt-toolkit.ts'

const CONNACK = Buffer.from([0x20, 0x03, 0x00, 0x00, 0x00])
const PINGRESP = Buffer.from([0xd0, 0x00])

/** A packet with this first byte and body. */
function packet(first: number, ...body: readonly Buffer[]): Buffer {
  const bytes = Buffer.concat(body)
  const header = [first]
  let rest = bytes.length
  do {
    header.push((rest & 0x7f) | (rest > 127 ? 0x80 : 0))
    rest >>= 7
  } while (rest > 0)
  return Buffer.concat([Buffer.from(header), bytes])
}

const text = (bytes: Buffer) => Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 0xff]), bytes])

/** A PUBLISH of MQTT 5 at QoS 0, without properties. */
const publish = (topic: Buffer | string, payload = 'x') =>
  packet(0x30, text(Buffer.from(topic)), Buffer.from([0]), Buffer.from(payload))

/** A broker that says yes to everything and follows each subscription with these bytes. */
async function brokerThatSends(context: TestContext, bytes: Buffer) {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => undefined))
    let waiting = Buffer.alloc(0)
    socket.on('data', (chunk: Buffer) => {
      waiting = Buffer.concat([waiting, chunk])
      // What our client sends is short: lengths of one byte.
      while (waiting.length >= 2 && waiting.length >= 2 + (waiting[1] ?? 0)) {
        const end = 2 + (waiting[1] ?? 0)
        socket.write(answerTo(waiting.subarray(0, end), bytes))
        waiting = waiting.subarray(end)
      }
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  context.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return brokerAt(`mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`)
}

function answerTo(request: Buffer, hostile: Buffer): Buffer {
  const id = request.subarray(2, 4)
  switch ((request[0] ?? 0) >> 4) {
    case 1:
      return CONNACK
    case 8:
      return Buffer.concat([packet(0x90, id, Buffer.from([0, 0, 0])), hostile])
    case 10:
      return packet(0xb0, id, Buffer.from([0, 0, 0]))
    case 12:
      return PINGRESP
    default:
      return Buffer.alloc(0)
  }
}

suite('a broker that sends what it must not', { concurrency: false }, () => {
  const delivered: readonly (readonly [string, Buffer | string, number])[] = [
    ['a topic of 65,535 bytes', 'x'.repeat(65_535), 65_535],
    ['a topic of 1,000 levels', Array.from({ length: 1000 }, () => 'l').join('/'), 1999],
    ['NUL in a topic', 'a\0b', 3],
    ['invalid UTF-8 in a topic', Buffer.from([0x61, 0xc3, 0x28, 0xff]), 4],
  ]
  for (const [name, topic, length] of delivered)
    test(`${name} arrives, or ends the connection with a reason; the session goes on`, async (context) => {
      const broker = await brokerThatSends(context, Buffer.concat([publish(topic), publish('after', 'y')]))
      const toolkit = await toolkitFor(context, broker)
      const session_id = await establish(toolkit)
      const input = { session_id, topic: '#', mode: 'first', duration: 10, max_messages: 2 }
      const result = await toolkit.call('subscribe_and_collect', input)
      if (result['ended_by'] === 'connection_lost') assert.match(String(result['reason']), /./)
      else assert.equal(messagesOf(result).find((message) => message.topic !== 'after')?.topic.length, length)
      assert.equal((await toolkit.call('ping', { session_id }))['pong'], true)
    })

  const breaking: readonly (readonly [string, Buffer, RegExp])[] = [
    ['a payload of 256 MB', Buffer.from([0x30, 0xff, 0xff, 0xff, 0x7f, 0, 1, 0x61, 0]), /268435455 bytes; at most/],
    ['a length without end', Buffer.from([0x30, 0xff, 0xff, 0xff, 0xff, 0xff]), /./],
    ['bytes that are no packet', Buffer.from([0x00, 0x05, 1, 2, 3, 4, 5]), /./],
    ['a topic longer than its packet', Buffer.from([0x30, 0x03, 0xff, 0xff, 0x61]), /./],
    ['an answer to nothing', packet(0x90, Buffer.from([0x12, 0x34, 0, 0])), /./],
  ]
  for (const [name, bytes, says] of breaking)
    test(`${name} ends the connection with a reason; the session goes on`, async (context) => {
      const toolkit = await toolkitFor(context, await brokerThatSends(context, bytes))
      const session_id = await establish(toolkit)
      const input = { session_id, topic: '#', mode: 'first', duration: name === 'an answer to nothing' ? 0.3 : 10 }
      const result = await toolkit.call('subscribe_and_collect', input)
      assert.deepEqual(messagesOf(result), [])
      if (result['ended_by'] !== 'duration') assert.match(String(result['reason']), says)
      assert.equal((await toolkit.call('ping', { session_id }))['pong'], true)
    })
})
