import assert from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import process from 'node:process'
import { after, before, suite, test } from 'node:test'
import { Fault } from '../../kernel/fault.ts'
import { BodyRequest } from './body-request.ts'
import { readIncomingJson } from './read-incoming-json.ts'

const JSON_TYPE = 'content-type: application/json'
const chunked = (...chunks: string[]) =>
  [...chunks, ''].map((chunk) => `${Buffer.byteLength(chunk).toString(16)}\r\n${chunk}\r\n`).join('')

/** Of the body as a stream, as every server has it, and without one. */
for (const [kind, options] of [
  ['of a stream', {}],
  ['taken as it comes', { IncomingMessage: BodyRequest }],
] as const)
  suite(`readIncomingJson, ${kind}`, () => {
    const server = createServer(options, (incoming, response) => {
      readIncomingJson(incoming, { bodyBytes: 1000 }).then(
        (value) => response.end(`value ${JSON.stringify(value)}`),
        (fault: unknown) => response.end(fault instanceof Fault ? `fault ${fault.code}` : String(fault)),
      )
    })
    before(() => once(server.listen(0, '127.0.0.1'), 'listening'))
    after(() => void server.close())

    /** What the server made of the bytes of one request; the connection is closed after them. */
    async function answer(...lines: string[]): Promise<string> {
      const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
      socket.write(['POST / HTTP/1.1', 'host: x', 'connection: close', ...lines].join('\r\n'))
      const text = (await socket.toArray()).join('')
      return text.slice(text.indexOf('\r\n\r\n') + 4).replace(/^[0-9a-f]+\r\n|\r\n0\r\n\r\n$/g, '')
    }

    for (const [why, lines, expected] of [
      ['JSON of a declared length', [JSON_TYPE, 'content-length: 7', '', '{"a":1}'], 'value {"a":1}'],
      ['JSON in chunks', [JSON_TYPE, 'transfer-encoding: chunked', '', chunked('{"a"', ':1}')], 'value {"a":1}'],
      ['no body at all', ['', ''], 'value undefined'],
      [
        'an empty body, whatever its type',
        ['content-length: 0', 'content-type: text/plain', '', ''],
        'value undefined',
      ],
      ['more than the limit, declared', [JSON_TYPE, 'content-length: 1001', '', ''], 'fault too_large'],
      [
        'more than the limit, in chunks',
        [JSON_TYPE, 'transfer-encoding: chunked', '', chunked('1'.repeat(600), '1'.repeat(600))],
        'fault too_large',
      ],
      ['another type', ['content-type: text/plain', 'content-length: 1', '', '1'], 'fault unsupported_media'],
      [
        'another type in chunks',
        ['content-type: text/plain', 'transfer-encoding: chunked', '', chunked('1')],
        'fault unsupported_media',
      ],
      ['no type', ['content-length: 1', '', '1'], 'fault unsupported_media'],
      ['half a value', [JSON_TYPE, 'content-length: 5', '', '{"a":'], 'fault invalid_request'],
    ] as const)
      test(why, async () => assert.equal(await answer(...lines), expected))

    test('a body whose connection is gone already', async (t) => {
      const { promise: fault, resolve } = Promise.withResolvers<unknown>()
      const own = createServer(options, (incoming) => {
        incoming.destroy()
        readIncomingJson(incoming, { bodyBytes: 1000 }).catch(resolve)
      })
      t.after(() => own.close())
      await once(own.listen(0, '127.0.0.1'), 'listening')
      const socket = connect((own.address() as AddressInfo).port, '127.0.0.1').on('error', () => undefined)
      socket.write(`POST / HTTP/1.1\r\nhost: x\r\n${JSON_TYPE}\r\ncontent-length: 9\r\n\r\n{"a"`)
      assert.equal(((await fault) as Fault).code, 'invalid_request')
    })

    test('a body that breaks off', async () => {
      const { promise: fault, resolve } = Promise.withResolvers<unknown>()
      const own = createServer(
        options,
        (incoming) => void readIncomingJson(incoming, { bodyBytes: 1000 }).catch(resolve),
      )
      await once(own.listen(0, '127.0.0.1'), 'listening')
      const socket = connect((own.address() as AddressInfo).port, '127.0.0.1')
      socket.write(`POST / HTTP/1.1\r\nhost: x\r\n${JSON_TYPE}\r\ncontent-length: 9\r\n\r\n{"a"`)
      await once(own, 'request')
      socket.destroy()
      assert.equal(((await fault) as Fault).code, 'invalid_request')
      own.close()
    })
  })

suite('a body in pieces', () => {
  test('a body in pieces of a byte takes no more memory than it has bytes', async () => {
    const { promise: text, resolve } = Promise.withResolvers<unknown>()
    const incoming = Object.assign(new EventEmitter(), { headers: { 'content-type': 'application/json' } })
    resolve(readIncomingJson(incoming as IncomingMessage, { bodyBytes: 4_000_000 }))
    const slab = Buffer.from(`"${'x'.repeat(999_998)}"`)
    const before = process.memoryUsage()
    for (let at = 0; at < slab.length; at++) incoming.emit('data', slab.subarray(at, at + 1))
    const after = process.memoryUsage()
    assert.ok(after.heapUsed + after.external - before.heapUsed - before.external < 40_000_000)
    incoming.emit('end')
    assert.equal(String(await text).length, 999_998)
  })
})
